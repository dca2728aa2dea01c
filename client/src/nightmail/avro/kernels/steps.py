"""The steps that the decoder's kernel follows, and what else it keeps in memory.

A step is eight words of eight bytes. Its values lie at `index` in their buffers; all
arrays that no list separates share it, and are one level.
"""

WORD = 8
"""Length of a word [byte]."""

STEP = 8 * WORD
"""Length of a step [byte]."""

# Words of a step, by their number.
CODE = 0
"""What is read."""
TAGS = 1
"""Byte of the value's branch, and 256 times that of null's; -1 without a union."""
VALID = 2
"""Address of the validity bitmap; 0 where there is none."""
VALUES = 3
"""Address of values, indices or offsets; 0 where nothing is written."""
DATA = 4
"""Address of a text's bytes; fewest bytes of an item; high half of a decimal's end."""
ROOM = 5
"""Room for a text's bytes or a list's items; low half of a decimal's end."""
NEXT = 6
"""Where the step after the value and all below it is, from the first on [byte]."""
SIZE = 7
"""Bytes of a fixed, symbols of an enum, 1 if a list's items are jumped over."""

# What a step reads: plain values, what is skipped, other values, lists, in this order.
DOUBLE = 0
FLOAT = 1
INT = 2
LONG = 3
BOOLEAN = 4
SKIP_FIXED = 5
SKIP_NUMBER = 6
SKIP_BYTES = 7
TEXT = 8
BYTES = 9
FIXED = 10
ENUM = 11
DECIMAL = 12
NULL = 13
RECORD = 14
LIST = 15
ITEM = 16
END = 17

# Words of a frame, of which each list that is being read has one, by their number.
INDEX = 0
"""Where the list is in its own level."""
LEFT = 1
"""How many items of the block are still to be read, this one included."""
BLOCK_END = 2
"""Address where the block should end; 0 if it does not say."""
LIST_STEP = 3
"""Address of the list's step."""
FRAME = 4 * WORD
"""Length of a frame [byte]."""

# Words of the state that outlives a call, by their number.
ROW = 0
"""The next row to read."""
GOOD = 1
"""How many rows have been read."""
BAD = 2
"""How many rows have been set aside."""
AT_STEP = 3
"""The step where reading stopped, from the first step on [byte]."""
AT_BYTE = 4
"""The address where reading stopped."""
WANTED = 5
"""How much room that step needs, in items or bytes of text."""
EMPTY_ITEMS = 6
"""How many more items without bytes this row may have."""
STATE_WORDS = 7

MOST_EMPTY_ITEMS = 65_536
"""Most items that take no bytes (nulls, empty records) in one row."""

# How reading ends.
DONE = 0
FULL = 1
CUT = 2
LONG_NUMBER = 3
BIG_INT = 4
NO_BRANCH = 5
NEGATIVE = 6
NO_SYMBOL = 7
NOT_TEXT = 8
MANY_ITEMS = 9
BLOCK = 10
BIG_DECIMAL = 11
LEFT_OVER = 12

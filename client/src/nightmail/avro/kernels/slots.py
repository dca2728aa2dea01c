"""Slots: the layout of a row, bound to Arrow's buffers.

A slot is one place of the layout, bound to the array that holds its values: 16 words
of 8 bytes, those that a number needs in the first 64 bytes. The fields of a record are
neighbours: a run of slots.
"""

# ruff: noqa: PLR0911, PLR1714, PLR2004, SIM109 - see machine.py

import numpy as np

from nightmail.avro.kernels.machine import (
    Word,
    compiled,
    helper,
    load_i8,
    load_i16,
    load_i32,
    load_i64,
    load_u8,
    load_u16,
    load_u32,
    store_i64,
)

SLOT = 128
"""Size of a slot [byte]."""

# Words of a slot, by their place in it [byte].
OPERATION = 0
TAGS = 8
OFFSET = 16
VALIDITY = 24
MASK = 32
DATA = 40
OFFSETS = 48
LIMIT = 56
FIRST = 64
STOP = 72
LAYOUT = 80
FORM = 88
SIZE = 96
LOW = 104
HIGH = 112
ARRAY = 120

# What is done at a slot. The hot ones come first.
FOUR = 0
EIGHT = 1
INT = 2
LONG = 3
BOOLEAN = 4
TEXT = 5
BINARY = 6
RECORD = 7
LIST = 8
MAP = 9
DICTIONARY = 10
NUMBER = 11
FLOATING = 12
SPAN = 13
NOTHING = 14

# Where the values of an array are: side by side, behind offsets of 32 or of 64 bits,
# behind views, in steps of one length (bytes, items), in the arrays below, or nowhere.
FLAT = 0
SHORT = 1
WIDE = 2
VIEWS = 3
PACKED = 4
STEPS = 5
BELOW = 6
NOWHERE = 7

# How a span of bytes is written: text, bytes, as it is, or as the number of a symbol.
AS_TEXT = 0
AS_BYTES = 1
AS_IT_IS = 2
AS_SYMBOL = 3

# What becomes of a floating number that is not copied.
HALF_AS_FLOAT = 0
HALF_AS_DOUBLE = 1
FLOAT_AS_DOUBLE = 2

# What a slot is bound to that has no values: nulls, or Avro's null type.
ALWAYS_NULL = 0
NEVER_NULL = 1

_INLINE_VIEW = 12
"""Longest value that stands in its view itself [byte]."""


@helper
def is_there(slot: Word, i: Word) -> Word:
    """Tell whether a value is not null, as 1 or 0."""
    byte = load_u8(load_i64(slot + VALIDITY) + ((i >> 3) & load_i64(slot + MASK)))
    return (np.int64(byte) >> (i & 7)) & 1


@helper
def load_number(address: Word, code: Word, i: Word) -> Word:
    """Load an integer: 1, 2, 4, 8 signed of so many bytes, -1, -2, -4 unsigned."""
    if code == 4:
        return np.int64(load_i32(address + 4 * i))
    if code == 8:
        return np.int64(load_i64(address + 8 * i))
    if code == 1:
        return np.int64(load_i8(address + i))
    if code == 2:
        return np.int64(load_i16(address + 2 * i))
    if code == -1:
        return np.int64(load_u8(address + i))
    if code == -2:
        return np.int64(load_u16(address + 2 * i))
    return np.int64(load_u32(address + 4 * i))


@helper
def find_span(slot: Word, i: Word) -> tuple[Word, Word]:
    """Give where the bytes of a value are, and how many."""
    layout, data = load_i64(slot + LAYOUT), load_i64(slot + DATA)
    if layout == PACKED:
        return data + i * load_i64(slot + SIZE), load_i64(slot + SIZE)
    offsets = load_i64(slot + OFFSETS)
    if layout == SHORT:
        start = np.int64(load_i32(offsets + 4 * i))
        return data + start, load_i32(offsets + 4 * i + 4) - start
    if layout == WIDE:
        start = load_i64(offsets + 8 * i)
        return data + start, load_i64(offsets + 8 * i + 8) - start
    view = offsets + 16 * i
    length = np.int64(load_i32(view))
    if length <= _INLINE_VIEW:
        return view + 4, length
    buffer = load_i64(data + 8 * np.int64(load_i32(view + 8)))
    return buffer + np.int64(load_i32(view + 12)), length


@helper
def find_items(slot: Word, i: Word) -> tuple[Word, Word]:
    """Give the first item of a list, and the one after its last."""
    layout, offsets = load_i64(slot + LAYOUT), load_i64(slot + OFFSETS)
    if layout == SHORT:
        start, stop = load_i32(offsets + 4 * i), load_i32(offsets + 4 * i + 4)
        return np.int64(start), np.int64(stop)
    if layout == WIDE:
        return load_i64(offsets + 8 * i), load_i64(offsets + 8 * i + 8)
    size = load_i64(slot + SIZE)
    return size * i, size * i + size


@helper
def _bind_buffers(slot: Word, array: Word, bits: Word) -> None:
    """Put the addresses of an array's buffers into its slot."""
    layout, buffers = load_i64(slot + LAYOUT), load_i64(array + 40)
    if layout == NOWHERE:
        store_i64(slot + VALIDITY, bits + load_i64(slot + FORM))
        return
    if load_i64(buffers) != 0 and load_i64(array + 8) != 0:
        store_i64(slot + VALIDITY, load_i64(buffers))
        store_i64(slot + MASK, -1)
    if layout == FLAT or layout == PACKED:
        store_i64(slot + DATA, load_i64(buffers + 8))
    elif layout == VIEWS:
        store_i64(slot + OFFSETS, load_i64(buffers + 8))
        store_i64(slot + DATA, buffers + 16)
    elif layout == SHORT or layout == WIDE:
        store_i64(slot + OFFSETS, load_i64(buffers + 8))
    operation = load_i64(slot)
    if operation == TEXT or operation == BINARY or operation == SPAN:
        if layout == SHORT or layout == WIDE:
            store_i64(slot + DATA, load_i64(buffers + 16))
        end = load_i64(array) + load_i64(array + 16)
        if layout == SHORT and load_i64(array) > 0:
            last = np.int64(load_i32(load_i64(buffers + 8) + 4 * end))
            store_i64(slot + LIMIT, load_i64(buffers + 16) + last - 16)


@compiled("void(i8,i8,i8,i8,i8)")
def bind(slots: Word, plan: Word, count: Word, array: Word, bits: Word) -> None:
    """Put the addresses of a batch's buffers into the slots.

    Parameters
    ----------
    slots
        To be filled; `FIRST` and `STOP` are numbers of slots still.
    plan
        Of each slot, the number of the one above it and which child it is there; -1 for
        the dictionary, -2 for what is bound elsewhere. 16 bytes each.
    count
        Of slots.
    array
        The batch as Arrow's C interface has it.
    bits
        A byte of zeros and one of ones.
    """
    for number in range(count):
        slot, above = slots + number * SLOT, load_i64(plan + 16 * number)
        which, extra = load_i64(plan + 16 * number + 8), 0
        store_i64(slot + FIRST, slots + load_i64(slot + FIRST) * SLOT)
        store_i64(slot + STOP, slots + load_i64(slot + STOP) * SLOT)
        store_i64(slot + VALIDITY, bits + 1)
        if which == -2:
            continue
        if number > 0:
            up = slots + above * SLOT
            array = load_i64(up + ARRAY)
            if load_i64(up) == MAP:
                array = load_i64(load_i64(array + 48))
                extra = load_i64(array + 16)
            if which == -1:
                array = load_i64(array + 56)
            else:
                array = load_i64(load_i64(array + 48) + 8 * which)
        store_i64(slot + ARRAY, array)
        store_i64(slot + OFFSET, load_i64(array + 16) + extra)
        _bind_buffers(slot, array, bits)


@compiled("i8(i8,i8,i8,i8)")
def most_bytes(slot: Word, last: Word, start: Word, stop: Word) -> Word:  # noqa: C901 - a switch
    """Bound the bytes that a run of slots needs for some rows.

    The rows of a list are those of its items as one range, so the cost is that of the
    layout, not that of the values; dictionaries and views are looked at one by one.
    """
    most = 0
    while slot < last and stop > start:
        operation, layout = load_i64(slot), load_i64(slot + LAYOUT)
        offset = load_i64(slot + OFFSET)
        begin, end = start + offset, stop + offset
        most += (load_i64(slot + TAGS) >> 16) * (stop - start)
        if operation == RECORD:
            most += most_bytes(
                load_i64(slot + FIRST), load_i64(slot + STOP), begin, end
            )
        elif operation == LIST or operation == MAP:
            item, _ = find_items(slot, begin)
            _, behind = find_items(slot, end - 1)
            most += 11 * (stop - start) + most_bytes(
                load_i64(slot + FIRST), load_i64(slot + STOP), item, behind
            )
        elif operation == DICTIONARY:
            first, behind = load_i64(slot + FIRST), load_i64(slot + STOP)
            for i in range(begin, end):
                if is_there(slot, i):
                    place = load_number(load_i64(slot + DATA), load_i64(slot + FORM), i)
                    most += most_bytes(first, behind, place, place + 1)
        elif layout == VIEWS:
            for i in range(begin, end):
                most += 10
                if is_there(slot, i):
                    most += find_span(slot, i)[1]
        elif operation == TEXT or operation == BINARY or operation == SPAN:
            first, _ = find_span(slot, begin)
            behind, length = find_span(slot, end - 1)
            most += 10 * (stop - start) + behind + length - first
        elif operation != NOTHING:
            most += 10 * (stop - start)
        slot += SLOT
    return most

"""The kernel of the decoder: it walks bytes and fills the buffers of Arrow arrays.

What is read, where it goes and how much room is there stands in steps, which one loop
follows. Nothing is counted beside the offsets that Arrow wants anyway, so to take a row
back is to begin it again.

Bytes come from anybody. Each read is bounded by the end of its value, each write by the
room of its step, and no sum or product is made of numbers that are not known to be
small.
"""

# ruff: noqa: PLR0913, PLR0917  addresses are not put into objects here

import numpy as np

from nightmail.avro.kernels.fields import (
    fill_null,
    note_valid,
    put,
    read_plain,
    read_rare,
    read_tag,
    read_text,
    skip_values,
    word,
)
from nightmail.avro.kernels.machine import (
    compiled,
    helper,
    load_i32,
    load_i64,
    store_i32,
)
from nightmail.avro.kernels.steps import (
    AT_BYTE,
    AT_STEP,
    BAD,
    BLOCK,
    BLOCK_END,
    BOOLEAN,
    BYTES,
    CODE,
    CUT,
    DATA,
    DECIMAL,
    DONE,
    EMPTY_ITEMS,
    END,
    FRAME,
    FULL,
    GOOD,
    INDEX,
    LEFT,
    LEFT_OVER,
    LIST,
    LIST_STEP,
    MANY_ITEMS,
    MOST_EMPTY_ITEMS,
    NEXT,
    ROOM,
    ROW,
    SIZE,
    SKIP_BYTES,
    STEP,
    VALUES,
    WANTED,
    WORD,
)
from nightmail.avro.kernels.values import (
    read_block,
    signed,
)

__all__ = ["read_rows"]

_MOST_ITEMS = 2**31 - 1
"""Most that an offset of four bytes can count."""


@helper
def check_items(step: int, count: int, left: int, index: int, state: int) -> int:
    """Tell whether so many items can be in the bytes that are left, and find room."""
    least = word(step, DATA)
    if least > 0:
        if count > left // least:
            return CUT
    else:
        allowed = word(state, EMPTY_ITEMS)
        if count > allowed:
            return MANY_ITEMS
        put(state, EMPTY_ITEMS, allowed - count)
    if word(step, VALUES) == 0:
        return DONE
    if count > _MOST_ITEMS - index:
        return MANY_ITEMS
    if count > word(step, ROOM) - index:
        put(state, WANTED, index + count)
        return FULL
    return DONE


@helper
def open_block(
    step: int, frame: int, at: int, end: int, index: int, state: int
) -> tuple[int, int, int, int]:
    """Go to items that are read one by one: how many, 0 at the end of the list.

    Then the index of the first of them.
    """
    is_read = word(step, VALUES) != 0
    is_jumped = word(step, SIZE) != 0
    while True:
        count, block_end, at, how = read_block(at, end)
        if how == DONE:
            how = check_items(step, count, end - at, index, state)
        if how != DONE or count == 0:
            return 0, index, at, how
        if not is_jumped and (is_read or block_end == 0):
            put(frame, LEFT, count)
            put(frame, BLOCK_END, block_end)
            return count, index, at, DONE
        index += count
        after = at + count * word(step, DATA) if is_jumped else block_end
        if block_end != 0 and block_end != after:  # noqa: PLR1714
            return 0, index, at, BLOCK
        at = after


@helper
def read_value(
    program: int, step: int, at: int, end: int, index: int, state: int
) -> tuple[int, int, int, int]:
    """Begin a value that is not plain: 1 if it is a list, else the step after it."""
    code = word(step, CODE)
    is_value, at, how = read_tag(step, at, end)
    if how != DONE:
        return step, 0, at, how
    if is_value == 0:
        fill_null(program, step, code, index)
        return program + word(step, NEXT), 0, at, DONE
    note_valid(step, index, 1)
    if code == LIST:
        return step, 1, at, DONE
    if code <= BYTES:
        at, how = read_text(step, code, at, end, index, state)
    elif code <= DECIMAL:
        at, how = read_rare(step, code, at, end, index)
    return (step if how != DONE else step + STEP), 0, at, how


@helper
def next_item(stack: int, at: int) -> tuple[int, int, int]:
    """Go to a list's next item: the list's step, and how many are left of the block."""
    frame = stack - FRAME
    step = word(frame, LIST_STEP)
    left = word(frame, LEFT) - 1
    put(frame, LEFT, left)
    block_end = word(frame, BLOCK_END)
    if left == 0 and block_end != 0 and block_end != at:  # noqa: PLR1714
        return step, 0, BLOCK
    return step, left, DONE


@helper
def read_row(  # noqa: C901, PLR0912  the switch
    program: int, stack: int, at: int, end: int, index: int, state: int
) -> int:
    """Follow the steps through one value, and tell how that ends."""
    step = program
    while True:
        code = word(step, CODE)
        left = 0
        is_list = 0
        if code <= BOOLEAN:
            step, at, how = read_plain(step, at, end, index)
        elif code <= SKIP_BYTES:
            step, at, how = skip_values(step, at, end)
        elif code <= LIST:
            step, is_list, at, how = read_value(program, step, at, end, index, state)
            if is_list != 0:
                put(stack, INDEX, index)
                put(stack, LIST_STEP, step)
                stack += FRAME
                if word(step, VALUES) != 0:
                    index = signed(load_i32(word(step, VALUES) + 4 * index))
        elif code == END:
            how = DONE if at == end else LEFT_OVER
        else:
            is_list = 1
            step, left, how = next_item(stack, at)
            index += 1
        if is_list != 0 and left == 0 and how == DONE:
            left, index, at, how = open_block(
                step, stack - FRAME, at, end, index, state
            )
            if how == DONE and left == 0:
                stack -= FRAME
                parent = word(stack, INDEX)
                if word(step, VALUES) != 0:
                    store_i32(word(step, VALUES) + 4 * parent + 4, np.int32(index))
                index = parent
                step = program + word(step, NEXT)
        if left != 0:
            step += STEP
        if how != DONE or code == END:
            put(state, AT_STEP, step - program)
            put(state, AT_BYTE, at)
            return how


@compiled("i8(i8, i8, i8, i8, i8, i8, i8)")
def read_rows(
    program: int,
    stack: int,
    addresses: int,
    lengths: int,
    count: int,
    state: int,
    errors: int,
) -> int:
    """Read rows from where the state stands: DONE, or FULL where a step has no room.

    Parameters
    ----------
    program
        Address of the steps.
    stack
        Address of room for a frame for each list around a list.
    addresses, lengths
        Addresses of the address and of the length of each value, a word each.
    count
        How many values there are.
    state
        Address of the state.
    errors
        Address of room for four words per value, which are written for those that are
        set aside: row, how it ended, step and byte.
    """
    row = word(state, ROW)
    good = word(state, GOOD)
    bad = word(state, BAD)
    how = DONE
    while row < count and how != FULL:
        begin = load_i64(addresses + row * WORD)
        end = begin + load_i64(lengths + row * WORD)
        put(state, EMPTY_ITEMS, MOST_EMPTY_ITEMS)
        how = read_row(program, stack, begin, end, good, state)
        if how == DONE:
            good += 1
        elif how != FULL:
            error = errors + 4 * WORD * bad
            put(error, 0, row)
            put(error, 1, how)
            put(error, 2, word(state, AT_STEP))
            put(error, 3, word(state, AT_BYTE) - begin)
            bad += 1
        if how != FULL:
            row += 1
    put(state, ROW, row)
    put(state, GOOD, good)
    put(state, BAD, bad)
    return FULL if how == FULL else DONE

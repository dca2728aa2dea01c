"""The encoder's kernel: one walk over a row's slots, written as Avro.

Whether a value is null, and how long a number becomes, is added and not branched on.
So a value may be written past its end, by less than `SLACK`, never past the bound of
the rows.
"""

# ruff: noqa: PLR0913, PLR0917, PLR1714, PLR2004, SIM109 - see machine.py

import numpy as np

from nightmail.avro.kernels.keys import has_twice, is_equal
from nightmail.avro.kernels.machine import (
    Word,
    bit_length,
    compiled,
    copy,
    helper,
    load_i32,
    load_i64,
    load_u8,
    load_u16,
    store_i32,
    store_i64,
    store_u8,
)
from nightmail.avro.kernels.slots import (
    AS_IT_IS,
    AS_SYMBOL,
    AS_TEXT,
    BINARY,
    BOOLEAN,
    DATA,
    DICTIONARY,
    EIGHT,
    FIRST,
    FLOAT_AS_DOUBLE,
    FLOATING,
    FORM,
    FOUR,
    HALF_AS_FLOAT,
    HIGH,
    INT,
    LAYOUT,
    LIMIT,
    LIST,
    LONG,
    LOW,
    MAP,
    NUMBER,
    OFFSET,
    OFFSETS,
    RECORD,
    SIZE,
    SLOT,
    SPAN,
    STOP,
    TAGS,
    TEXT,
    WIDE,
    find_items,
    find_span,
    is_there,
    load_number,
)

SLACK = 64
"""Room behind the bound that a value may be written into before it is cut [byte]."""

# Why a value was refused.
NULL = 1
RANGE = 2
NOT_UTF8 = 3
TWICE = 4
NO_SYMBOL = 5
NO_BYTES = 6

_HIGH_BITS = -0x7F7F7F7F7F7F7F80
"""Those of eight bytes: none is set in ASCII."""


@helper
def _refuse(fault: Word, slot: Word, reason: Word) -> None:
    """Remember the first refusal."""
    if load_i64(fault) == 0:
        store_i64(fault, reason)
        store_i64(fault + 8, slot)


@helper
def _put_long(out: Word, value: Word) -> Word:
    """Write a zigzag number of up to ten bytes, and give how many they are.

    Up to 56 bits are spread over eight bytes at once.
    """
    z = np.uint64((value << 1) ^ (value >> 63))
    size = (bit_length(np.int64(z | np.uint64(1))) * 37 + 222) >> 8
    if size > 8:
        for place in range(size - 1):
            store_u8(out + place, np.uint8(z | np.uint64(128)))
            z >>= np.uint64(7)
        store_u8(out + size - 1, np.uint8(z))
        return size
    x = np.int64(z)
    x = (x & 0x0FFFFFFF) | ((x & 0xFFFFFFF0000000) << 4)
    x = (x & 0x00003FFF00003FFF) | ((x & 0x0FFFC0000FFFC000) << 2)
    x = (x & 0x007F007F007F007F) | ((x & 0x3F803F803F803F80) << 1)
    more = (1 << ((size << 3) - 8)) - 1
    store_i64(out, x | (_HIGH_BITS & more))
    return size


@compiled("b1(i8,i8)")
def _is_utf8(source: Word, length: Word) -> bool:
    """Tell whether bytes are what Python decodes as UTF-8."""
    end = source + length
    while source < end:
        if source + 8 <= end and load_i64(source) & _HIGH_BITS == 0:
            source += 8
            continue
        lead = np.int64(load_u8(source))
        source += 1
        if lead < 0x80:
            continue
        more = 1 + np.int64(lead >= 0xE0) + np.int64(lead >= 0xF0)
        if lead < 0xC2 or lead > 0xF4 or source + more > end:
            return False
        # Of the byte behind these: shorter forms, surrogates, above 0x10FFFF.
        second = np.int64(load_u8(source))
        if (
            (lead == 0xE0 and second < 0xA0)
            or (lead == 0xED and second > 0x9F)
            or (lead == 0xF0 and second < 0x90)
            or (lead == 0xF4 and second > 0x8F)
        ):
            return False
        for place in range(more):
            if load_u8(source + place) & 0xC0 != 0x80:
                return False
        source += more
    return True


@helper
def _put_short(
    out: Word, slot: Word, i: Word, there: Word, fault: Word, text: Word
) -> Word:
    """Write text or bytes of 32-bit offsets, and give how many bytes they are.

    Sixteen bytes are copied at once where the buffer has them, whatever the length.
    """
    data, offsets = load_i64(slot + DATA), load_i64(slot + OFFSETS) + 4 * i
    start = np.int64(load_i32(offsets))
    length = (load_i32(offsets + 4) - start) & -there
    source = data + start
    size = _put_long(out, length)
    if length <= 16 and source <= load_i64(slot + LIMIT):
        one, two = load_i64(source), load_i64(source + 8)
        store_i64(out + size, one)
        store_i64(out + size + 8, two)
        plain = (one | two) & _HIGH_BITS == 0
    else:
        copy(out + size, source, length)
        plain = False
    if text and not plain and not _is_utf8(source, length):
        _refuse(fault, slot, NOT_UTF8)
    return size + length


@compiled("i8(i8,i8,i8)")
def _symbol(slot: Word, source: Word, length: Word) -> Word:
    """Give the number of a symbol, -1 where it is none."""
    offsets, symbols = load_i64(slot + LOW), load_i64(slot + HIGH)
    for place in range(load_i64(slot + SIZE)):
        start = np.int64(load_i32(offsets + 4 * place))
        if load_i32(offsets + 4 * place + 4) - start == length and is_equal(
            symbols + start, source, length
        ):
            return place
    return -1


@compiled("i8(i8,i8,i8,i8)")
def _put_span(out: Word, slot: Word, i: Word, fault: Word) -> Word:
    """Write a value that is a span of bytes, in whatever layout and form."""
    source, length = find_span(slot, i)
    form = load_i64(slot + FORM)
    if form == AS_SYMBOL:
        place = _symbol(slot, source, length)
        if place < 0:
            _refuse(fault, slot, NO_SYMBOL)
        return out + _put_long(out, place)
    if form == AS_TEXT and not _is_utf8(source, length):
        _refuse(fault, slot, NOT_UTF8)
    if form == AS_IT_IS:
        if length == 0 and load_i64(slot + LAYOUT) == WIDE:
            _refuse(fault, slot, NO_BYTES)
    else:
        out += _put_long(out, length)
    copy(out, source, length)
    return out + length


@compiled("i8(i8,i8,i8,i8)")
def _put_number(out: Word, slot: Word, i: Word, fault: Word) -> Word:
    """Write an integer that is to be in a range, after its unit is changed.

    A size above 0 is what it is multiplied by, one below what it is divided by.
    """
    value = load_number(load_i64(slot + DATA), load_i64(slot + FORM), i)
    if value < load_i64(slot + LOW) or value > load_i64(slot + HIGH):
        _refuse(fault, slot, RANGE)
        return out
    size = load_i64(slot + SIZE)
    value = value * size if size > 0 else value // -size
    return out + _put_long(out, value)


@compiled("i8(i8,i8,i8)")
def _put_floating(out: Word, slot: Word, i: Word) -> Word:
    """Write a half as a float, a half or a float as a double."""
    data, form = load_i64(slot + DATA), load_i64(slot + FORM)
    if form == FLOAT_AS_DOUBLE:
        bits = load_i32(data + 4 * i)
    else:
        half = np.int32(load_u16(data + 2 * i))
        exponent, fraction = (half >> 10) & 31, half & 1023
        if exponent == 0:
            value = np.float32(fraction) * np.float32(2.0**-24)
            bits = np.float32(value).view(np.int32)
        elif exponent == 31:
            bits = np.int32(0x7F800000 | (fraction << 13))
        else:
            bits = np.int32(((exponent + 112) << 23) | (fraction << 13))
        bits = np.int32(bits | ((half >> 15) << 31))
    if form == HALF_AS_FLOAT:
        store_i32(out, bits)
        return out + 4
    wide = np.float64(np.int32(bits).view(np.float32))
    store_i64(out, np.float64(wide).view(np.int64))
    return out + 8


@compiled("i8(i8,i8,i8,i8,i8)")
def _put_run(out: Word, slot: Word, stop: Word, row: Word, fault: Word) -> Word:  # noqa: C901, PLR0912, PLR0915 - a switch
    """Write the values of a run of slots at one row, and give where they end."""
    while slot < stop:
        operation = load_i64(slot)
        tags = load_i64(slot + TAGS)
        i = row + load_i64(slot + OFFSET)
        there = is_there(slot, i)
        store_u8(out, np.uint8(tags >> (there << 3)))
        out += tags >> 16
        if tags & 1 > there:
            _refuse(fault, slot, NULL)
        if operation == FOUR:
            store_i32(out, load_i32(load_i64(slot + DATA) + 4 * i))
            out += there << 2
        elif operation == EIGHT:
            store_i64(out, load_i64(load_i64(slot + DATA) + 8 * i))
            out += there << 3
        elif operation == INT:
            value = np.int64(load_i32(load_i64(slot + DATA) + 4 * i))
            out += _put_long(out, value) & -there
        elif operation == LONG:
            value = np.int64(load_i64(load_i64(slot + DATA) + 8 * i))
            out += _put_long(out, value) & -there
        elif operation == BOOLEAN:
            byte = load_u8(load_i64(slot + DATA) + (i >> 3))
            store_u8(out, (byte >> np.uint8(i & 7)) & np.uint8(1))
            out += there
        elif operation == TEXT:
            out += _put_short(out, slot, i, there, fault, 1) & -there
        elif operation == BINARY:
            out += _put_short(out, slot, i, there, fault, 0) & -there
        elif there == 0:
            pass
        elif operation == RECORD:
            out = _put_run(out, load_i64(slot + FIRST), load_i64(slot + STOP), i, fault)
        elif operation == LIST or operation == MAP:
            first, last = load_i64(slot + FIRST), load_i64(slot + STOP)
            begin, end = find_items(slot, i)
            if operation == MAP and has_twice(first, begin, end):
                _refuse(fault, slot, TWICE)
            if end > begin:
                out += _put_long(out, end - begin)
            for item in range(begin, end):
                out = _put_run(out, first, last, item, fault)
            store_u8(out, np.uint8(0))
            out += 1
        elif operation == DICTIONARY:
            place = load_number(load_i64(slot + DATA), load_i64(slot + FORM), i)
            out -= tags >> 16
            out = _put_run(
                out, load_i64(slot + FIRST), load_i64(slot + STOP), place, fault
            )
        elif operation == NUMBER:
            out = _put_number(out, slot, i, fault)
        elif operation == FLOATING:
            out = _put_floating(out, slot, i)
        elif operation == SPAN:
            out = _put_span(out, slot, i, fault)
        slot += SLOT
    return out


@compiled("i8(i8,i8,i8,i8,i8,i8,i8)")
def put_rows(
    out: Word,
    used: Word,
    offsets: Word,
    slots: Word,
    start: Word,
    stop: Word,
    fault: Word,
) -> Word:
    """Write rows one behind the other, and give the row at which it ended.

    Parameters
    ----------
    out
        The buffer.
    used
        Where in it the first row goes; from there on it has room for what `most_bytes`
        says of these rows, and for `SLACK`.
    offsets
        Where the place in the buffer behind each row goes, 8 bytes a row.
    slots
        The bound slots, that of the whole row first.
    start, stop
        First row, and the one behind the last.
    fault
        Two words of 0; of a value that is refused, the reason and its slot.
    """
    first, last = load_i64(slots + FIRST), load_i64(slots + STOP)
    place = out + used
    for row in range(start, stop):
        place = _put_run(place, first, last, row, fault)
        if load_i64(fault) != 0:
            return row
        store_i64(offsets + 8 * (row - start), place - out)
    return stop

"""Single values of Avro, read from addresses.

Every reader gives the address after its value, and last of all how reading ended.
"""

# ruff: noqa: PLR2004  lengths, masks and bytes of Avro and UTF-8 say more than names

from typing import Any

import numpy as np

from nightmail.avro.kernels.machine import (
    helper,
    load_i8,
    load_i64,
    load_u8,
    store_i64,
    store_u8,
)
from nightmail.avro.kernels.steps import BLOCK, CUT, DONE, LONG_NUMBER, NEGATIVE

signed: Any = np.int64
"""A number of any width as 64 bits with a sign: kernels reckon with nothing else,
since numba makes a float of an int and an unsigned."""

_MAX = 2**63 - 1
_MIN = -(2**63)
_HIGH_BITS = 0x8080808080808080 - 2**64


@helper
def read_number(at: int, end: int) -> tuple[int, int, int]:
    """Read a zigzag number of up to 64 bits."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= end:
            return 0, at, CUT
        byte = signed(load_u8(at))
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            if shift == 63 and byte > 1:
                return 0, at, LONG_NUMBER
            return ((number >> 1) & _MAX) ^ -(number & 1), at, DONE
    return 0, at, LONG_NUMBER


@helper
def read_length(at: int, end: int) -> tuple[int, int, int]:
    """Read a length, neither negative nor beyond the end."""
    length, at, how = read_number(at, end)
    if how == DONE and length < 0:
        how = NEGATIVE
    if how == DONE and length > end - at:
        how = CUT
    return length, at, how


@helper
def read_block(at: int, end: int) -> tuple[int, int, int, int]:
    """Read how many items follow, and where the block ends; 0 if that is not said."""
    count, at, how = read_number(at, end)
    if how != DONE or count >= 0:
        return count, 0, at, how
    size, at, how = read_number(at, end)
    if how != DONE:
        return 0, 0, at, how
    if count == _MIN or size < 0 or size > end - at:
        return 0, 0, at, BLOCK
    return -count, at + size, at, DONE


@helper
def write_bit(bitmap: int, index: int, bit: int) -> None:
    """Set a bit of a bitmap to 0 or 1."""
    at = bitmap + (index >> 3)
    place = index & 7
    byte = signed(load_u8(at))
    store_u8(at, np.uint8((byte & ~(1 << place)) | (bit << place)))


@helper
def copy_text(to: int, source: int, length: int) -> bool:
    """Copy a text, and tell whether it is UTF-8."""
    seen = 0
    done = 0
    while length - done >= 8:
        word = load_i64(source + done)
        store_i64(to + done, word)
        seen |= word
        done += 8
    while done < length:
        byte = signed(load_i8(source + done))
        store_u8(to + done, np.uint8(byte))
        seen |= byte  # a high bit is all bits above it, too
        done += 1
    return seen & _HIGH_BITS == 0 or is_text(source, length)


@helper
def is_text(at: int, length: int) -> bool:  # noqa: C901  the table
    """Tell whether bytes are UTF-8 (Unicode 15, table 3-7)."""
    end = at + length
    while at < end:
        first = signed(load_u8(at))
        at += 1
        if first < 0x80:
            continue
        if first < 0xC2 or first > 0xF4:
            return False
        more = 1 + (first >= 0xE0) + (first >= 0xF0)
        if more > end - at:
            return False
        # Shorter forms, surrogates and what is beyond U+10FFFF show in the second byte.
        low, high = 0x80, 0xBF
        if first == 0xE0:
            low = 0xA0
        elif first == 0xED:
            high = 0x9F
        elif first == 0xF0:
            low = 0x90
        elif first == 0xF4:
            high = 0x8F
        for _ in range(more):
            byte = signed(load_u8(at))
            at += 1
            if byte < low or byte > high:
                return False
            low, high = 0x80, 0xBF
    return True


@helper
def write_decimal(
    to: int, source: int, length: int, high_end: int, low_end: int
) -> bool:
    """Write a big-endian number as 16 bytes; False if it is not below the end."""
    sign = 0
    if length > 0:
        sign = signed(load_i8(source)) >> 7
    high = sign
    low = sign
    for k in range(length):
        if high >> 55 != sign:
            return False
        byte = signed(load_u8(source + k))
        high = (high << 8) | ((low >> 56) & 255)
        low = (low << 8) | byte
    store_i64(to, low)
    store_i64(to + 8, high)
    if sign < 0:
        low = -low
        high = ~high + (low == 0)
    if high == high_end:
        return low ^ _MIN < low_end ^ _MIN  # compared without their signs
    return 0 <= high < high_end

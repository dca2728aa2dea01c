"""Keys of a map: whether one stands there twice."""



import numpy as np

from nightmail.avro.kernels.machine import Word, compiled, helper, load_i64, load_u8
from nightmail.avro.kernels.slots import (
    DATA,
    DICTIONARY,
    FIRST,
    FORM,
    OFFSET,
    OPERATION,
    find_span,
    load_number,
)

_FEW_KEYS = 32
"""So many are compared with each other; more are hashed."""


@helper
def is_equal(one: Word, other: Word, length: Word) -> bool:
    """Tell whether bytes at two addresses are the same."""
    for place in range(length):
        if load_u8(one + place) != load_u8(other + place):
            return False
    return True


@helper
def _key(slot: Word, i: Word) -> tuple[Word, Word]:
    """Give where a key is, and how long, through dictionaries."""
    i += load_i64(slot + OFFSET)
    while load_i64(slot + OPERATION) == DICTIONARY:
        i = load_number(load_i64(slot + DATA), load_i64(slot + FORM), i)
        slot = load_i64(slot + FIRST)
        i += load_i64(slot + OFFSET)
    return find_span(slot, i)


@helper
def _hash(source: Word, length: Word) -> Word:
    """Mix bytes, as FNV-1a does."""
    mixed = np.uint64(0xCBF29CE484222325)
    for place in range(length):
        mixed ^= np.uint64(load_u8(source + place))
        mixed *= np.uint64(0x100000001B3)
    return np.int64(mixed >> np.uint64(20))


@compiled("b1(i8,i8,i8)")
def has_twice(slot: Word, start: Word, stop: Word) -> bool:
    """Tell whether a key stands twice among those of a map."""
    count = stop - start
    if count <= _FEW_KEYS:
        for one in range(start + 1, stop):
            place, length = _key(slot, one)
            for other in range(start, one):
                there, size = _key(slot, other)
                if size == length and is_equal(place, there, length):
                    return True
        return False
    room = 4 * _FEW_KEYS
    while room < 2 * count:
        room *= 2
    table = np.full(room, -1, np.int64)
    for one in range(start, stop):
        place, length = _key(slot, one)
        found = _hash(place, length) & (room - 1)
        while table[found] >= 0:
            there, size = _key(slot, table[found])
            if size == length and is_equal(place, there, length):
                return True
            found = (found + 1) & (room - 1)
        table[found] = one
    return False

"""Decodes between pages that must not be touched; a segmentation fault is a failure.

Each value lies against such a page, at its end or at its start, and so does each piece
of memory that is filled. `--reach-over` reads one byte too many, to show what happens.
"""

# ruff: noqa: T201  a program that tells what it found

import ctypes
import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from client.tests.avro_files import read_groups
from client.tests.avro_random import damage
from client.tests.fuzz_avro import Case, differences, expect, random_case
from nightmail.avro import buffers
from nightmail.avro.decode import AvroDecoder, DecodedRows

PAGE = mmap.PAGESIZE

WIDE = {
    "type": "record",
    "name": "wide",
    "fields": [
        {
            "name": "x",
            "type": ["null", {"type": "fixed", "name": "fixed", "size": 1_000_000}],
        },
        {"name": "y", "type": "string"},
    ],
}
"""Values of which a part is far longer in Arrow than they are."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def guarded(size: int, *, at_end: bool = True) -> npt.NDArray[np.uint8]:
    """Make memory with a page before it and one behind it that nobody may touch."""
    inner = -(-max(size, 1) // PAGE) * PAGE
    pages = np.frombuffer(mmap.mmap(-1, inner + 2 * PAGE), np.uint8)
    for place in (0, PAGE + inner):
        if _libc.mprotect(pages.ctypes.data + place, PAGE, 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    first = PAGE + inner - size if at_end else PAGE
    return pages[first : first + size]


def decode_guarded(
    decoder: AvroDecoder, values: list[bytes], *, at_end: bool
) -> DecodedRows:
    """Decode values, each in pages of its own."""
    pages = [guarded(len(value), at_end=at_end) for value in values]
    for page, value in zip(pages, values, strict=True):
        page[:] = np.frombuffer(value, np.uint8)
    addresses = np.array([page.ctypes.data for page in pages], np.int64)
    lengths = np.array([len(value) for value in values], np.int64)
    return decoder._decode(addresses, lengths)


@contextmanager
def guarded_output() -> Iterator[None]:
    """Let the memory that is filled end where such a page begins."""

    def aligned(size: int) -> Any:
        return guarded(-(-size // 64) * 64)

    with patch.object(buffers, "_aligned", aligned):
        yield


def cut_case(seed: int) -> Case:
    """Cut one of some random values before each of its first 200 bytes."""
    case = random_case(seed)
    longest = max(case.values[:20], key=len)
    cuts = [longest[:size] for size in range(min(len(longest), 200))]
    return replace(case, values=[*case.values[:60], *cuts])


def real_case(random: Random) -> Case | None:
    """Damage real alerts."""
    groups = read_groups("ztf_science_avro_v402_fink-client_part-3-305711.avro")
    if groups is None:
        return None
    schema, values = groups[0]
    return Case(schema, [damage(random, value) for value in values], random)


def check_guarded(case: Case) -> Iterator[str]:
    """Decode all columns and compare, and the last column, which skips the others."""
    expected = list(expect(case))
    for at_end in (True, False):
        rows = decode_guarded(AvroDecoder(case.schema), case.values, at_end=at_end)
        yield from differences(rows, expected)
    names = [field["name"] for field in case.schema["fields"]]
    decode_guarded(AvroDecoder(case.schema, names[-1:]), case.values, at_end=True)


def main() -> int:
    """Decode what cases there are, and compare."""
    if "--reach-over" in sys.argv:
        page = guarded(1)
        ctypes.string_at(page.ctypes.data, 2)
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    cases = [cut_case(seed + number) for number in range(count)]
    cases.append(Case(WIDE, [b"\0\0", b"\0"], Random(seed)))
    if (real := real_case(Random(seed))) is not None:
        cases.append(real)
    found: list[str] = []
    with guarded_output():
        for case in cases:
            found += check_guarded(case)
    print(*found, sep="\n")
    print(f"{len(cases)} cases, {len(found)} differences")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())

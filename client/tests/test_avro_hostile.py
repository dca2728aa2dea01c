"""Bytes from anybody: a bad row is set aside, and nothing else happens."""

import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from client.tests.avro_alerts import record
from client.tests.avro_files import read_groups
from client.tests.avro_oracle import StrictReader, plain
from client.tests.avro_random import damage
from client.tests.fuzz_avro import Case, check_decoder, check_projection
from nightmail.avro import AvroDecoder, reading

SCIENCE = "ztf_science_avro_v402_fink-client_part-3-305711.avro"


def number(value: int) -> bytes:
    """Write a number as Avro has it."""
    rest = (value << 1) ^ (value >> 63)
    found = bytearray()
    while rest > 127:
        found.append(rest & 127 | 128)
        rest >>= 7
    return bytes([*found, rest])


def array(items: Any) -> dict[str, Any]:
    """Make the schema of a list."""
    return {"type": "array", "items": items}


EMPTY = record() | {"name": "empty"}
ENUM = {"type": "enum", "name": "band", "symbols": ["g", "r"]}
FIXED = {"type": "fixed", "name": "digest", "size": 3}
MAP = {"type": "map", "values": "int"}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 1}
CUT = "the row ends inside it"
BLOCK = "a block of items is not as long as it says"
NO_BRANCH = "its union has no such branch"
LONG_NUMBER = "a number has more than 64 bits"
NOT_TEXT = "it is not UTF-8"
NO_SYMBOL = "its enum has no such symbol"
MANY_ITEMS = "it has too many items"


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("int", b"", f"x: {CUT} (byte 0 of 0)."),
        ("long", b"\x80\x80", f"x: {CUT} (byte 2 of 2)."),
        ("long", b"\x80" * 10 + b"\0", f"x: {LONG_NUMBER} (byte 10 of 11)."),
        ("long", b"\x80" * 9 + b"\2", f"x: {LONG_NUMBER} (byte 10 of 10)."),
        ("int", number(2**31), "x: an int has more than 32 bits (byte 5 of 5)."),
        ("int", number(-(2**31) - 1), "x: an int has more than 32 bits (byte 5 of 5)."),
        ("boolean", b"", f"x: {CUT} (byte 0 of 0)."),
        ("float", b"abc", f"x: {CUT} (byte 0 of 3)."),
        ("double", b"abcdefg", f"x: {CUT} (byte 0 of 7)."),
        ("bytes", number(4) + b"abc", f"x: {CUT} (byte 1 of 4)."),
        ("bytes", number(2**62), f"x: {CUT} (byte 10 of 10)."),
        ("string", number(-1) + b"a", "x: its length is negative (byte 1 of 2)."),
        ("string", number(-(2**63)), "x: its length is negative (byte 10 of 10)."),
        ("string", b"\2\xff", f"x: {NOT_TEXT} (byte 1 of 2)."),
        (FIXED, b"ab", f"x: {CUT} (byte 0 of 2)."),
        (ENUM, number(2), f"x: {NO_SYMBOL} (byte 1 of 1)."),
        (ENUM, number(-1), f"x: {NO_SYMBOL} (byte 1 of 1)."),
        (["null", "int"], b"", f"x: {CUT} (byte 0 of 0)."),
        (["null", "int"], number(2), f"x: {NO_BRANCH} (byte 1 of 1)."),
        (["int", "null"], number(-1), f"x: {NO_BRANCH} (byte 1 of 1)."),
        (["int"], number(1), f"x: {NO_BRANCH} (byte 1 of 1)."),
        (["int", "null"], number(2**40), f"x: {NO_BRANCH} (byte 6 of 6)."),
        (array("int"), number(1), f"x: {CUT} (byte 1 of 1)."),
        (array("int"), number(2**60) + b"\2\0", f"x: {CUT} (byte 9 of 11)."),
        (array("int"), number(-(2**63)) + b"\0", f"x: {BLOCK} (byte 11 of 11)."),
        (array("int"), b"\1\4\2\0", f"x: {BLOCK} (byte 3 of 4)."),
        (array("int"), b"\1\x01\2\0", f"x: {BLOCK} (byte 2 of 4)."),
        (array("null"), b"\1\2\2\0", f"x: {BLOCK} (byte 2 of 4)."),
        (array("null"), number(2**60) + b"\0", f"x: {MANY_ITEMS} (byte 9 of 10)."),
        (array(EMPTY), number(2**60) + b"\0", f"x: {MANY_ITEMS} (byte 9 of 10)."),
        (MAP, b"\2\2\xff\0\0", f"x.key: {NOT_TEXT} (byte 2 of 5)."),
        (MAP, b"\2\2a", f"x.value: {CUT} (byte 3 of 3)."),
        (MAP, b"\4\2a", f"x: {CUT} (byte 1 of 3)."),
        (
            DECIMAL,
            b"\2\x64",
            "x: it has more digits than its precision allows (byte 1 of 2).",
        ),
        (
            DECIMAL,
            number(17) + (2**128 + 5).to_bytes(17, "big"),
            "x: it has more digits than its precision allows (byte 1 of 18).",
        ),
        ("int", b"\0\0", "The record: bytes are left over behind it (byte 1 of 2)."),
    ],
)
def test_a_bad_row_is_named_by_path_reason_and_byte(
    kind: Any, value: bytes, sentence: str
) -> None:
    """One sentence says all that is needed to look at it."""
    decoder = AvroDecoder(record(x=kind))

    found = decoder.decode([value])

    assert (found.bad, found.batch.num_rows) == ({0: sentence}, 0)


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("string", number(2**63 - 1), f"x: {CUT} (byte 10 of 10)."),
        ("bytes", number(-2), "x: its length is negative (byte 1 of 1)."),
        (FIXED, b"ab", f"x: {CUT} (byte 0 of 2)."),
        (["null", "long"], b"\2\x80", f"x: {CUT} (byte 2 of 2)."),
        (["null", "double"], b"\4", f"x: {NO_BRANCH} (byte 1 of 1)."),
        (array("double"), number(2**61 - 1), f"x: {CUT} (byte 9 of 9)."),
        (array("string"), b"\1\x7f\0", f"x: {BLOCK} (byte 2 of 3)."),
        (array("null"), number(2**63 - 1), f"x: {MANY_ITEMS} (byte 10 of 10)."),
    ],
)
def test_a_row_is_bad_where_it_is_skipped(
    kind: Any, value: bytes, sentence: str
) -> None:
    """No length leads beyond the end, though nobody wants what it is of."""
    decoder = AvroDecoder(record(x=kind, y="int"), ["y"])

    found = decoder.decode([value])

    assert found.bad == {0: sentence}


def test_a_block_that_is_skipped_is_jumped_by_its_length() -> None:
    """Nothing in it is looked at."""
    decoder = AvroDecoder(record(x=array("string"), y="int"), ["y"])

    found = decoder.decode([b"\1\4\xff\xff\0\2"])

    assert found.batch.to_pylist() == [{"y": 1}]


@pytest.mark.parametrize(
    "text",
    [
        b"\x80",
        b"\xc1\x81",
        b"\xe0\x9f\xbf",
        b"\xed\xa0\x80",
        b"\xf0\x8f\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xc3",
        b"\xe2\x82",
        b"\xf0\x9f\x94",
        b"\xe2\x82a",
    ],
)
def test_only_utf8_is_text(text: bytes) -> None:
    """Halves, surrogates, longer forms than need be and what Unicode has not."""
    values = [
        number(len(v)) + v for v in (text, b"abcdefgh" + text, text + b"abcdefgh")
    ]

    found = AvroDecoder(record(x="string")).decode(values)

    assert list(found.bad) == [0, 1, 2]


def test_all_of_unicode_is_text() -> None:
    """Each character, and as Python reads them."""
    texts = [
        "".join(map(chr, range(start, start + 256)))
        for start in range(0, 0x110000, 256)
        if not 0xD800 <= start < 0xE000
    ]
    values = [number(len(text.encode())) + text.encode() for text in texts]

    found = AvroDecoder(record(x="string")).decode(values)

    assert found.batch.column("x").to_pylist() == texts


def test_items_that_take_no_bytes_are_counted() -> None:
    """65,536 in a row, wherever they are; the next row may have as many."""
    schema = record(x=array(array("null")))
    most = b"\2" + number(65_536) + b"\0\0"
    two_lists = b"\4" + number(65_535) + b"\0\2\0\0"
    too_many = b"\4" + number(65_535) + b"\0\4\0\0"

    found = AvroDecoder(schema).decode([most, two_lists, too_many, most])

    lengths = [[len(item) for item in row["x"]] for row in found.batch.to_pylist()]
    assert lengths == [[65_536], [65_535, 1], [65_536]]
    assert found.bad == {2: f"x.item: {MANY_ITEMS} (byte 6 of 8)."}


def test_a_row_that_would_fill_the_memory_is_set_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A null record is one byte of Avro, and here 8,000 of Arrow."""
    monkeypatch.setattr(reading, "_ROW_LIMIT", 2**20)
    wide = record(**{f"f{i}": "double" for i in range(1000)}) | {"name": "wide"}
    schema = record(x=array(["null", wide]))
    small, large = (number(n) + b"\0" * n + b"\0" for n in (100, 1000))

    found = AvroDecoder(schema).decode([small, large, small])

    assert [row["x"] for row in found.batch.to_pylist()] == [[None] * 100] * 2
    assert found.bad == {1: "x: its items would take too much memory (byte 2 of 1003)."}


def test_rows_that_would_together_are_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small each is, what does not fit any more is set aside."""
    monkeypatch.setattr(reading, "_CALL_LIMIT", 2**20)
    wide = record(**{f"f{i}": "double" for i in range(1000)}) | {"name": "wide"}
    schema = record(x=array(["null", wide]))
    value = number(50) + b"\0" * 50 + b"\0"

    found = AvroDecoder(schema).decode([value] * 10)

    assert [row["x"] for row in found.batch.to_pylist()] == [[None] * 50] * 2
    assert list(found.bad) == list(range(2, 10))
    assert "its items would take too much memory" in found.bad[2]


def test_a_row_cut_anywhere_is_bad() -> None:
    """A real alert, cut before each of its bytes; those that are whole are right."""
    schema, values = science()
    cuts = [values[0][:size] for size in range(0, len(values[0]), 7)]

    found = AvroDecoder(schema).decode([values[0], *cuts, values[1]])

    assert list(found.rows) == [0, len(cuts) + 1]
    assert plain(found.batch.to_struct_array()) == [
        StrictReader(schema).read(value) for value in values[:2]
    ]


def science() -> tuple[Any, list[bytes]]:
    """Real alerts with their schema; skip where they are not."""
    groups = read_groups(SCIENCE)
    if groups is None:
        pytest.skip(f"{SCIENCE} is not in ../shared/data")
    return groups[0]


@pytest.mark.parametrize("seed", range(4))
def test_damaged_alerts_are_bad_when_they_should_be(seed: int) -> None:
    """As a strict reader has it, and fastavro beside it; half of them are damaged."""
    random = Random(seed)
    schema, values = science()
    damaged = [damage(random, v) if random.random() < 0.5 else v for v in values]
    case = Case(schema, damaged, random)

    found = [*check_decoder(case), *check_projection(case)]

    assert found == []


def test_random_bytes_are_no_alerts() -> None:
    """A thousand values that were never written."""
    random = Random(1)
    schema, _ = science()
    values = [random.randbytes(random.randint(0, 3000)) for _ in range(1000)]

    found = AvroDecoder(schema).decode(values)

    assert (found.batch.num_rows, len(found.bad)) == (0, 1000)


def run_guarded(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run what lies between pages that nobody may touch."""
    script = Path(__file__).with_name("guard_pages.py")
    return subprocess.run(
        [sys.executable, script, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="mprotect is called as on Linux")
def test_nothing_outside_is_touched() -> None:
    """No byte before or behind a value, or before or behind what is filled."""
    done = run_guarded("7", "60")

    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.endswith("cases, 0 differences\n")


@pytest.mark.skipif(sys.platform != "linux", reason="mprotect is called as on Linux")
def test_a_byte_outside_would_be_noticed() -> None:
    """The test above can fail."""
    done = run_guarded("7", "1", "--reach-over")

    assert done.returncode == -signal.SIGSEGV

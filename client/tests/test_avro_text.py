"""What becomes text on its way, and how it looks."""

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from nightmail import AlertError
from nightmail.avro import derive_schema, wire_batch

T = datetime(2026, 3, 10, 3, 28, 6, 250000, tzinfo=UTC)
TEXT = "2026-03-10 03:28:06.25"


def batch_of(array: Any) -> pa.RecordBatch:
    """Batch with one column, `x`."""
    return pa.RecordBatch.from_arrays([array], names=["x"])


def wire(values: Any, kind: pa.DataType) -> Any:
    """Values of a column after `wire_batch`."""
    batch = wire_batch(batch_of(pa.array(values, kind)))
    batch.validate(full=True)
    return batch.column(0).to_pylist()


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "1970-01-01 00:00:00"),
        (1, "1970-01-01 00:00:00.000001"),
        (120_000, "1970-01-01 00:00:00.12"),
        (10_000_000, "1970-01-01 00:00:10"),
        (-1, "1969-12-31 23:59:59.999999"),
        (1_773_113_286_250_000, TEXT),
        (None, None),
    ],
)
def test_a_time_looks_as_spark_casts_it(
    microseconds: int | None, text: str | None
) -> None:
    """To the microsecond, trailing zeros of the fraction cut, null stays null."""
    assert wire([microseconds], pa.timestamp("us")) == [text]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.timestamp("us"), 2**63 - 1),
        (pa.timestamp("s"), -(2**62)),
        (pa.date32(), 2**31 - 1),
        (pa.date64(), 2**62 - 2**62 % 86_400_000),
    ],
)
def test_a_time_beyond_all_years_is_refused(kind: Any, value: int) -> None:
    """Arrow would write a sentence where readers expect a time."""
    width = pa.int32() if kind == pa.date32() else pa.int64()
    array = pa.array([0, value], width).view(kind)

    with pytest.raises(AlertError, match=r"^x: it has a time beyond the years"):
        wire_batch(batch_of(array))


def test_nanoseconds_are_cut_downwards() -> None:
    """Below a microsecond nothing is shown, before 1970 either."""
    assert wire([1_999, -1], pa.timestamp("ns")) == [
        "1970-01-01 00:00:00.000001",
        "1969-12-31 23:59:59.999999",
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_every_unit_gives_the_same_text(unit: Any) -> None:
    """The unit of a file does not reach the reader."""
    assert wire([T.replace(microsecond=0)], pa.timestamp(unit)) == [
        "2026-03-10 03:28:06"
    ]


def test_a_zoned_time_is_shown_in_utc() -> None:
    """The same instant in another zone gives the same text."""
    assert wire([T], pa.timestamp("us", "America/Santiago")) == [TEXT]


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()], ids=str)
def test_a_date_is_its_iso_form(kind: pa.DataType) -> None:
    """Year, month, day."""
    assert wire([date(2026, 3, 10), None], kind) == ["2026-03-10", None]


STAMP = pa.timestamp("us")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (pa.struct([("t", STAMP)]), {"t": T}, {"t": TEXT}),
        (pa.list_(STAMP), [T, None], [TEXT, None]),
        (pa.large_list(STAMP), [T], [TEXT]),
        (pa.list_(STAMP, 2), [T, None], [TEXT, None]),
        (pa.map_(pa.string(), STAMP), [("a", T)], [("a", TEXT)]),
        (pa.list_(pa.struct([("t", STAMP)])), [{"t": T}, None], [{"t": TEXT}, None]),
        (pa.dictionary(pa.int8(), STAMP), T, TEXT),
    ],
    ids=str,
)
def test_times_become_text_at_any_depth(
    kind: pa.DataType, value: Any, text: Any
) -> None:
    """Around nulls and in a slice too, where offsets do not begin at zero."""
    dictionary = kind if pa.types.is_dictionary(kind) else None
    values = [value, None, value, value]
    array: Any = pa.array(values, dictionary.value_type if dictionary else kind)
    array = array.dictionary_encode() if dictionary else array

    found = wire_batch(batch_of(array)).slice(1)
    sliced = wire_batch(batch_of(array).slice(1))

    sliced.validate(full=True)
    assert sliced.column(0).to_pylist() == [None, text, text]
    assert found.equals(sliced)


def test_a_slice_of_fixed_lists_of_structs_is_rewritten() -> None:
    """Arrow's own cast to a list leaves a child of nulls too short (pyarrow 26)."""
    kind = pa.list_(pa.struct([("x", pa.null()), ("y", pa.bool_())]), 2)
    value = [{"x": None, "y": True}, None]

    wired = wire_batch(batch_of(pa.array([None, value, None], kind).slice(1)))

    wired.validate(full=True)
    assert wired.column(0).to_pylist() == [value, None]


def test_the_schema_is_the_same_before_and_after() -> None:
    """The key may be derived from the store's types or from those of the wire."""
    kinds = {"a": STAMP, "b": pa.list_(pa.date32()), "c": pa.null(), "d": pa.float16()}
    batch = pa.RecordBatch.from_pylist([], pa.schema(list(kinds.items())))

    assert derive_schema(wire_batch(batch).schema) == derive_schema(batch.schema)


def test_a_column_that_stays_is_not_copied() -> None:
    """Cutouts go through untouched."""
    array: Any = pa.array([b"cutout"])

    wired: Any = wire_batch(batch_of(array)).column(0)

    assert wired.buffers()[2].address == array.buffers()[2].address

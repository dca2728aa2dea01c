"""A decoder reads what it is asked for, refuses what it cannot, and shares nothing."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from client.tests.avro_alerts import (
    ALERT,
    ALERTS,
    HISTORY,
    SOURCE,
    record,
    rows_of,
    write,
)
from nightmail import ColumnError, SchemaError
from nightmail.avro import AvroDecoder, decode


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["objectId"], {"objectId": "ZTF23ablepgb"}),
        (["cutout", "objectId"], {"objectId": "ZTF23ablepgb", "cutout": b"\x1f\x8b"}),
        (["candidate.magpsf"], {"candidate": {"magpsf": 18.5}}),
        (
            ["prv_candidates.magpsf"],
            {"prv_candidates": [{"magpsf": None}, {"magpsf": 19.25}]},
        ),
        (["prv_candidates", "prv_candidates.candid"], {"prv_candidates": ...}),
        (["features"], {"features": {"snn": 0.5, "rf": None}}),
        ([], {}),
    ],
)
def test_only_the_columns_that_are_named_are_read(
    columns: list[str], expected: dict[str, Any]
) -> None:
    """Nested names take a part of a record or a history; the schema's order is kept."""
    expected = {k: ALERTS[0][k] if v is ... else v for k, v in expected.items()}

    found = AvroDecoder(ALERT, columns).decode(write(ALERT, ALERTS[0]))

    assert rows_of(found.batch) == [expected]
    assert list(found.batch.schema.names) == list(expected)


def test_what_is_skipped_is_not_looked_into() -> None:
    """Text that is no text hinders nobody who does not read it."""
    schema = record(x="string", y="int")

    found = AvroDecoder(schema, ["y"]).decode([b"\2\xff\2"])

    assert found.batch.to_pylist() == [{"y": 1}]


def test_a_column_that_is_not_there_is_an_error() -> None:
    """The nearest names are told."""
    with pytest.raises(ColumnError, match=r"no column candidate\.magpfs .*\.magpsf"):
        AvroDecoder(ALERT, ["candidate.magpfs"])


def test_a_text_is_not_a_list_of_columns() -> None:
    """It would be taken letter by letter."""
    with pytest.raises(ColumnError, match="a list of names, not the text 'candid'"):
        AvroDecoder(ALERT, "candid")


@pytest.mark.parametrize("schema", ["long", ["null", SOURCE], HISTORY])
def test_only_records_have_columns(schema: Any) -> None:
    """What else a value may be has no names."""
    with pytest.raises(SchemaError, match="Only values that are records"):
        AvroDecoder(schema)


def test_a_fixed_may_not_be_huge() -> None:
    """Where it is null, a byte of Avro would take a gigabyte."""
    fixed = {"type": "fixed", "name": "huge", "size": 10**9}

    with pytest.raises(SchemaError, match="x: a fixed of 1000000000 bytes"):
        AvroDecoder(record(x=["null", fixed]))


def test_only_bytes_are_values() -> None:
    """An address would be believed."""
    values: Any = [b"", 4096]

    with pytest.raises(TypeError, match="Value 1 is int, not bytes"):
        AvroDecoder(record()).decode(values)


def test_more_than_arrow_can_count_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to do."""
    monkeypatch.setattr(decode, "_MOST_BYTES", 3)

    with pytest.raises(ValueError, match="4 bytes together; decode at most 3 at once"):
        AvroDecoder(record(x="string")).decode([b"\2a", b"\2b"])


def test_what_is_held_is_not_written_again() -> None:
    """Neither a batch, nor a column of it, nor a slice, whoever made them is gone."""
    decoder = AvroDecoder(ALERT)
    values = write(ALERT, *ALERTS)
    batch = decoder.decode(values).batch
    column = decoder.decode(values[::-1]).batch.column("objectId").slice(1)

    for _ in range(5):
        decoder.decode(write(ALERT, ALERTS[1], ALERTS[1], ALERTS[1]))
    del decoder

    assert rows_of(batch) == ALERTS
    assert column.to_pylist() == ["ZTF23ablepgb"]


def test_what_nobody_holds_is_written_again() -> None:
    """Fresh memory would cost more than decoding."""
    schema = record(x="long")
    decoder = AvroDecoder(schema)

    found = [address(decoder.decode([b"\2"] * 100).batch) for _ in range(5)]

    assert len(set(found)) == 1


def address(batch: Any) -> Any:
    """Tell where the values of a batch's first column are."""
    return batch.column(0).buffers()[1].address


def test_threads_share_a_decoder() -> None:
    """Each gets its own rows; the kernel runs without the GIL."""
    schema = record(x="string")
    decoder = AvroDecoder(schema)
    texts = [[f"{thread} {row}" for row in range(2000)] for thread in range(8)]
    values = [write(schema, *({"x": text} for text in of)) for of in texts]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(decoder.decode, values))

    assert [rows.batch.column("x").to_pylist() for rows in found] == texts


def test_the_kernel_releases_the_gil() -> None:
    """Other threads of a Spark worker go on."""
    from nightmail.avro.kernels import decode as kernel  # noqa: PLC0415

    read_rows: Any = kernel.read_rows

    assert read_rows.targetoptions["nogil"] is True


def test_a_decoder_travels() -> None:
    """Spark pickles what a task needs."""
    decoder = pickle.loads(pickle.dumps(AvroDecoder(ALERT, ["objectId"])))  # noqa: S301

    found = decoder.decode(write(ALERT, *ALERTS))

    assert found.batch.to_pydict() == {"objectId": ["ZTF23ablepgb", ""]}


def test_importing_it_does_not_import_numba() -> None:
    """Who does not decode does not wait for the compiler."""
    code = "import sys, nightmail.avro; print('numba' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"

"""Time the encoder: Arrow rows of real alerts to schemaless Avro, beside fastavro.

One core each. Bytes are compared with fastavro's before anything is timed.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import fastavro

from benchmarks._codec import Case, Work, cases, compare, rows_of, speedup, time_rounds
from benchmarks._options import Result, parser, report, rounds
from nightmail.avro import AvroEncoder, compact

EXAMPLES = """\
Examples:
  python benchmarks/encode.py --quick
  python benchmarks/encode.py --rounds 9 --json

Where the package pyruhvro is installed, it is timed too; it knows no bytes, so that it
cannot encode cutouts.
"""

QUICK_ROWS = 10
"""Rows of the small form."""

BASE = "fastavro, of Arrow rows"
"""What the others are compared with."""


def main() -> None:
    """Measure, and print a table."""
    options = parser(__doc__, EXAMPLES).parse_args()

    def measure() -> Result:
        table: list[Any] = []
        figures: dict[str, float] = {}
        for case in cases(QUICK_ROWS if options.quick else None):
            timed = time_rounds(_works(case), rounds(options))
            table += rows_of(case, timed, BASE)
            name = f"encode_{case.name}_over_fastavro"
            figures[name] = speedup(timed, "ours", BASE)
        return table, figures

    report(measure, as_json=options.json)


def _works(case: Case) -> Mapping[str, Work]:
    """Make what encodes a case, and compare what it gives."""
    schema: Any = fastavro.parse_schema(case.schema)
    ready = case.rows.to_pylist(maps_as_pydicts="strict")
    encoder = AvroEncoder(case.schema, case.rows.schema)
    works: dict[str, Work] = {
        "ours": partial(encoder.encode, case.rows),
        BASE: lambda: list(
            _write(schema, case.rows.to_pylist(maps_as_pydicts="strict"))
        ),
        "fastavro, of ready dicts": lambda: list(_write(schema, ready)),
    }
    expected = list(_write(schema, ready))
    compare(case, "ours", equal=list(works["ours"]()) == expected)
    if other := _pyruhvro(case):
        compare(case, "pyruhvro", equal=other() == expected)
        works["pyruhvro"] = other
    return works


def _write(schema: Any, records: Sequence[Any]) -> Iterator[bytes]:
    for record in records:
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, schema, record)
        yield buffer.getvalue()


def _pyruhvro(case: Case) -> Work | None:
    """Give pyruhvro's way, where it is installed and knows all types."""
    try:
        import pyruhvro  # type: ignore[import-not-found]  # noqa: PLC0415
    except ModuleNotFoundError:
        return None
    if "cutout" in " ".join(case.rows.schema.names):
        return None
    key = compact(case.schema).decode()

    def encode() -> list[bytes]:
        parts = pyruhvro.serialize_record_batch(case.rows, key, 1)
        return [bytes(value.as_py()) for part in parts for value in part]

    return encode


if __name__ == "__main__":
    main()

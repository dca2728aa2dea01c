"""Time the decoder: schemaless Avro of real alerts to Arrow, beside fastavro's dicts.

One core each. Rows are compared with fastavro's before anything is timed.
"""

import io
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import fastavro

from benchmarks._codec import Case, Work, cases, compare, rows_of, speedup, time_rounds
from benchmarks._maps import map_sorter
from benchmarks._night_filters import read_filters
from benchmarks._options import Result, parser, report, rounds
from nightmail.avro import AvroDecoder, AvroEncoder, DecodedRows, compact
from nightmail.columns import resolve

EXAMPLES = """\
Examples:
  python benchmarks/decode.py --quick
  python benchmarks/decode.py --rounds 9 --json

Where the package pyruhvro is installed, it is timed too; it knows no bytes, so that it
cannot decode cutouts.
"""

QUICK_ROWS = 10
"""Rows of the small form."""

NARROW = 20
"""Columns of a narrow decode: such as the benchmarks' filters read."""

HELD = 8
"""Batches that are held while others are decoded, so that memory is always fresh."""

BASE = "fastavro, dicts"
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
            for name in ("all", "narrow"):
                figure = f"decode_{case.name}_{name}_over_fastavro"
                figures[figure] = speedup(timed, f"ours, {name}", BASE)
        return table, figures

    report(measure, as_json=options.json)


def _works(case: Case) -> Mapping[str, Work]:
    """Make what decodes a case, and compare what it gives."""
    schema: Any = fastavro.parse_schema(case.schema)
    values = list(AvroEncoder(case.schema, case.rows.schema).encode(case.rows))
    whole = AvroDecoder(case.schema)
    narrow = AvroDecoder(case.schema, _narrow_columns(case))
    held: list[DecodedRows] = []

    def hold() -> None:
        held.append(whole.decode(values))
        del held[:-HELD]

    works: dict[str, Work] = {
        "ours, all": partial(whole.decode, values),
        "ours, all, into fresh memory": hold,
        "ours, narrow": partial(narrow.decode, values),
        BASE: lambda: _read(schema, values),
    }
    _compare(case, works["ours, all"](), _read(schema, values))
    if other := _pyruhvro(case, values):
        works["pyruhvro"] = other
    return works


def _read(schema: Any, values: Sequence[bytes]) -> list[Any]:
    return [fastavro.schemaless_reader(io.BytesIO(v), schema, None) for v in values]


def _compare(case: Case, found: DecodedRows, expected: Sequence[Any]) -> None:
    """Compare as text, because NaN is not equal to NaN; a map has no order."""
    sort = map_sorter(case.schema) or (lambda record: record)
    ours = [repr(sort(row)) for row in found.batch.to_pylist()]
    compare(case, "ours", equal=ours == [repr(sort(row)) for row in expected])


def _narrow_columns(case: Case) -> list[str]:
    """Choose columns that filters read, no histories, by the names of the decoder."""
    filters = read_filters(case.survey).filters.values()
    names = sorted({column for one in filters for column in one.columns})
    paths = [resolve(case.rows.schema, n) for n in names if not n.startswith("prv")]
    return [".".join(path) for path in paths[:NARROW]]


def _pyruhvro(case: Case, values: Sequence[bytes]) -> Work | None:
    """Give pyruhvro's way, where it is installed and knows all types."""
    try:
        import pyruhvro  # type: ignore[import-not-found]  # noqa: PLC0415
    except ModuleNotFoundError:
        return None
    if "cutout" in " ".join(case.rows.schema.names):
        return None
    key = compact(case.schema).decode()
    return lambda: pyruhvro.deserialize_array(values, key)


if __name__ == "__main__":
    main()

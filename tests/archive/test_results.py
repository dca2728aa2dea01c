"""Answers keep their values in every form."""

import csv
import io
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from archive.results import write_answer, write_csv, write_json, write_table
from settings.errors import QueryError

ODD = """
    select 9007199254740993 as id, 'nan'::double as x, null as n, true as b,
        date '2026-03-01' as d, timestamp '2026-03-01 04:05:06' as t,
        1.50::decimal(4, 2) as m, 'a,"b"' as s, 'xyz'::blob as raw,
        {'stamp': repeat('x', 12000)::blob, 'k': [1, null]} as nested, 7 as id
"""
"""One row of values that are easily lost."""


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def test_json(connection: duckdb.DuckDBPyConnection) -> None:
    """Large integers are exact, NaN is null, blobs are base64, names differ."""
    out = io.StringIO()

    write_json(connection, ODD, out=out)

    (record,) = json.loads(out.getvalue())
    assert record.pop("nested")["k"] == [1, None]
    assert record == {
        "id": 9007199254740993,
        "x": None,
        "n": None,
        "b": True,
        "d": "2026-03-01",
        "t": "2026-03-01T04:05:06",
        "m": 1.5,
        "s": 'a,"b"',
        "raw": "eHl6",
        "id_1": 7,
    }


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("select * from range(0)", 0),
        ("select * from range(1)", 1),
        ("select * from range(2500)", 2500),
    ],
)
def test_json_is_one_array(
    connection: duckdb.DuckDBPyConnection, query: str, rows: int
) -> None:
    """Whatever the number of rows, the text is valid JSON."""
    out = io.StringIO()

    write_json(connection, query, out=out)

    assert len(json.loads(out.getvalue())) == rows


def test_csv(connection: duckdb.DuckDBPyConnection) -> None:
    """Null is empty, nested values are JSON, text is quoted."""
    out = io.StringIO()

    write_csv(connection, ODD, out=out)

    head, row = csv.reader(io.StringIO(out.getvalue()))
    record = dict(zip(head, row, strict=True))
    assert json.loads(record.pop("nested"))["k"] == [1, None]
    assert record == {
        "id": "9007199254740993",
        "x": "nan",
        "n": "",
        "b": "True",
        "d": "2026-03-01",
        "t": "2026-03-01T04:05:06",
        "m": "1.5",
        "s": 'a,"b"',
        "raw": "eHl6",
        "id_1": "7",
    }


def test_table(connection: duckdb.DuckDBPyConnection) -> None:
    """Numbers stand to the right, blobs show their size, nulls are named."""
    out = io.StringIO()
    query = (
        "from (values ('a', 1, repeat('x', 12000)::blob, {'s': 'x'::blob}),"
        " ('bc', 20, null, null)) as t(name, n, raw, nested)"
    )

    write_table(connection, query, out=out)

    assert out.getvalue() == (
        "name   n  raw      nested\n"
        'a      1  <12 kB>  {"s": "<1 kB>"}\n'
        "bc    20  null     null\n"
        "(2 rows)\n"
    )


def test_table_cuts_what_is_long(connection: duckdb.DuckDBPyConnection) -> None:
    """A long table ends with how to see all of it; a long cell ends with dots."""
    out = io.StringIO()

    write_table(connection, "select repeat('x', 99) from range(1500)", out=out)

    lines = out.getvalue().splitlines()
    assert lines[1] == "x" * 59 + "…"
    assert lines[-1] == "(1,000 rows; there are more: --format csv gives all)"


def test_parquet(tmp_path: Path) -> None:
    """Types stay as DuckDB has them; the file is replaced whole."""
    out = tmp_path / "out.parquet"
    out.write_text("old")
    query = "select 1::bigint as id, [1.5] as x, 'a'::blob as raw from range(3000)"

    write_answer(tmp_path, query, survey=None, form="parquet", out=out)

    assert pq.read_table(out).num_rows == 3000
    assert pq.read_schema(out).names == ["id", "x", "raw"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_failed_query_leaves_the_file_alone(tmp_path: Path) -> None:
    """What was there before an error is there after it."""
    out = tmp_path / "out.csv"
    out.write_text("old")
    query = "select if(range = 2000, error('stop'), 'x') from range(3000)"

    with pytest.raises(QueryError, match="stop"):
        write_answer(tmp_path, query, survey=None, form="csv", out=out)

    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("selec 1", 'Parser Error: syntax error at or near "selec"'),
        ("select nope from matches", 'column "nope" not found'),
        ("select * from nope", "Table with name nope does not exist"),
        (" -- nothing", "The query is empty"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path: Path, query: str, sentence: str) -> None:
    """DuckDB's drawing of the place is left out."""
    with pytest.raises(QueryError, match=sentence) as caught:
        write_answer(tmp_path, query, survey=None, form="table", out=None)

    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_unwritable_file(tmp_path: Path) -> None:
    """A file in a folder that is not there is named."""
    out = tmp_path / "none" / "out.csv"

    with pytest.raises(QueryError, match=r"out\.csv cannot be written"):
        write_answer(tmp_path, "select 1", survey=None, form="csv", out=out)

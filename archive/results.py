"""The answer of a query as a table, CSV, JSON or Parquet."""

import base64
import csv
import itertools
import json
import logging
import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, time
from decimal import Decimal
from numbers import Number
from pathlib import Path
from typing import Any, TextIO

import duckdb
import pyarrow.parquet as pq

from archive.tables import aligned
from archive.views import open_archive
from settings.errors import QueryError

MAX_TABLE_ROWS = 1000
"""Rows that a table shows at most; the other formats give all of them."""

MAX_CELL = 60
"""Longest cell of a table; a longer one is cut [characters]."""

BATCH_ROWS = 1000
"""Rows that are held at a time; an alert with its cutouts is up to 600 kB."""


logger = logging.getLogger("nightmail")


def write_answer(
    root: Path, query: str, *, survey: str | None, form: str, out: Path | None
) -> None:
    """Answer a query from the archive.

    Parameters
    ----------
    root
        Folder of the archive.
    query
        SQL; of several statements, the last one's answer counts.
    survey
        Whose views the plain names are; None for both together.
    form
        `table`, `csv`, `json`, or `parquet`, which needs a file.
    out
        File for the answer, whole or not at all; None for standard output.

    Raises
    ------
    QueryError
        DuckDB does not take the query, or the file cannot be written.
    """
    if not root.exists():
        logger.info("The archive %s is not there yet: every view is empty.", root)
    with _mistakes_explained(), open_archive(root, survey) as connection:
        if not connection.extract_statements(query):
            raise QueryError('The query is empty; try "select * from nights".')
        if out is None:
            WRITERS[form](connection, query, out=sys.stdout)
        else:
            _write_file(connection, query, form=form, out=out)


def write_table(
    connection: duckdb.DuckDBPyConnection, query: str, *, out: TextIO
) -> None:
    """Write the answer aligned for a terminal, long cells cut and blobs as `<12 kB>`.

    Parameters
    ----------
    connection
        The archive.
    query
        SQL; of several statements, the last one's answer counts.
    out
        Where to write.
    """
    answer = connection.execute(query)
    names = _names(answer)
    rows = answer.fetchmany(MAX_TABLE_ROWS + 1)
    shown = rows[:MAX_TABLE_ROWS]
    cells = [[_cell(value) for value in row] for row in shown]
    right = [
        any(isinstance(row[i], Number) for row in shown) for i in range(len(names))
    ]
    out.writelines(f"{line}\n" for line in aligned(names, cells, right=right))
    count = "1 row" if len(shown) == 1 else f"{len(shown):,} rows"
    more = "; there are more: --format csv gives all" if len(rows) > len(shown) else ""
    out.write(f"({count}{more})\n")


def write_csv(
    connection: duckdb.DuckDBPyConnection, query: str, *, out: TextIO
) -> None:
    """Write the answer as CSV: null is empty, nested values are JSON, blobs base64."""
    answer = connection.execute(query)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_names(answer))
    writer.writerows([_field(value) for value in row] for row in _rows(answer))


def write_json(
    connection: duckdb.DuckDBPyConnection, query: str, *, out: TextIO
) -> None:
    """Write the answer as a JSON array of objects, one in a line; NaN is null."""
    answer = connection.execute(query)
    names = _names(answer)
    separator = "[\n"
    for row in _rows(answer):
        record = {n: _plain(v) for n, v in zip(names, row, strict=True)}
        out.write(f"{separator}{json.dumps(record, ensure_ascii=False)}")
        separator = ",\n"
    out.write("[]\n" if separator == "[\n" else "\n]\n")


def write_parquet(
    connection: duckdb.DuckDBPyConnection, query: str, *, out: Path
) -> None:
    """Write the answer as a Parquet file; DuckDB numbers names that occur again.

    Raises
    ------
    QueryError
        The statement has no answer.
    """
    answer = connection.sql(query)
    if answer is None:
        raise QueryError("The statement has no answer that could be written.")
    reader = answer.to_arrow_reader(BATCH_ROWS)
    with pq.ParquetWriter(out, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


WRITERS = {"table": write_table, "csv": write_csv, "json": write_json}
"""What writes text, by form."""


def _write_file(
    connection: duckdb.DuckDBPyConnection, query: str, *, form: str, out: Path
) -> None:
    with _whole(out) as pending:
        if form == "parquet":
            write_parquet(connection, query, out=pending)
            return
        with pending.open("w", encoding="utf-8") as text:
            WRITERS[form](connection, query, out=text)


@contextmanager
def _whole(file: Path) -> Iterator[Path]:
    """Name to write under; the file appears whole under its own, or not at all."""
    pending = file.with_name(f"_{file.name}.{os.getpid()}")
    try:
        yield pending
        pending.replace(file)
    except OSError as error:
        raise QueryError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            pending.unlink()


@contextmanager
def _mistakes_explained() -> Iterator[None]:
    """Give DuckDB's message in one sentence, without the drawing of the place."""
    try:
        yield
    except duckdb.Error as error:
        message = " ".join(str(error).partition("\n\nLINE ")[0].split())
        raise QueryError(f"The query has no answer: {message}") from error


def _names(answer: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of the columns; one that occurs again gets a number, as in DuckDB."""
    names: list[str] = []
    for name, *_ in answer.description or ():
        numbered = (f"{name}_{number}" for number in itertools.count(1))
        free = (n for n in itertools.chain([name], numbered) if n not in names)
        names.append(next(free))
    return names


def _rows(answer: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while rows := answer.fetchmany(BATCH_ROWS):
        yield from rows


def _cell(value: Any) -> str:
    text = _field(_without_blobs(value)) if value is not None else "null"
    text = " ".join(str(text).split())
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…"


def _without_blobs(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"<{math.ceil(len(value) / 1000)} kB>"
    if isinstance(value, dict):
        return {key: _without_blobs(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_blobs(item) for item in value]
    return value


def _field(value: Any) -> Any:
    plain = _plain(value)
    if isinstance(plain, dict | list):
        return json.dumps(plain, ensure_ascii=False)
    return value if isinstance(value, float) else plain


def _plain(value: Any) -> Any:
    """Value in the types that JSON has; NaN and infinities are null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, date | time) else str(value)

"""Filters that are written as one SQL boolean expression, in DuckDB's dialect."""

import functools
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nightmail._errors import FilterError
from nightmail._filters import Filter, check_name

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["Expression", "parse", "select", "sql_filter"]

HEADER = re.compile(r"--\s*(owner|summary|on by default)\s*:\s*(.*)")
"""A leading comment line that says something of the filter."""

_OF_THREAD = threading.local()
"""Has the database of a thread as `engine`, once there is one."""

SELECT = "select "
"""What makes a statement of an expression."""


@dataclass(frozen=True)
class Expression:
    """An SQL expression whose columns are known."""

    text: str
    """The expression, every column under its flat name."""

    columns: tuple[str, ...]
    """Flat names of its columns, in the order in which they first stand."""


def sql_filter(name: str, text: str, *, survey: str = "") -> Filter:
    """Make a filter of an SQL boolean expression.

    Parameters
    ----------
    name
        Name of the filter, that of its file.
    text
        The expression, after leading comment lines `-- owner: …` and `-- summary: …`;
        `-- on by default: no` is for one that runs only where it is asked for.
    survey
        `ztf` or `lsst`.

    Raises
    ------
    FilterError
        The name cannot be a filter's, the owner or the summary is missing, a word is
        neither yes nor no, or the text is not one expression over columns.
    """
    check_name(name)
    said = dict(_header(text))
    for word in ("owner", "summary"):
        if not said.get(word):
            raise FilterError(f"{name}.sql has no line `-- {word}: …` at its top.")
    if (default := said.get("on by default", "yes")) not in {"yes", "no"}:
        raise FilterError(
            f"{name}.sql says `-- on by default: {default}`: write yes or no."
        )
    return Filter(
        name=name,
        survey=survey,
        summary=said["summary"],
        owner=said["owner"],
        columns=parse(text).columns,
        keep=None,
        sql=text,
        version=hashlib.sha256(text.encode()).hexdigest()[:8],
        on_by_default=default == "yes",
    )


@functools.lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """Find the columns of an expression, and write them flat.

    Parameters
    ----------
    text
        One boolean expression; `candidate.magpsf` and `candidate_magpsf` are the same.

    Raises
    ------
    FilterError
        It is not one expression, or it reads no column.
    """
    tree = _tree(text)
    node = tree["statements"][0]["node"]
    one = len(tree["statements"]) == 1 and len(node.get("select_list", ())) == 1
    if not one or node["from_table"]["type"] != "EMPTY" or node["where_clause"]:
        raise FilterError("A filter in SQL is one boolean expression, without FROM.")
    columns: dict[str, None] = {}
    for reference in _references(node["select_list"], frozenset()):
        flat = "_".join(reference["column_names"])
        reference["column_names"] = [flat]
        columns[flat] = None
    if not columns:
        raise FilterError("The expression reads no column: name one.")
    with _open_engine() as engine:
        query = "select json_deserialize_sql($1::json)"
        row = engine.execute(query, [json.dumps(tree)]).fetchone()
    return Expression(str(row and row[0])[len(SELECT) :], tuple(columns))


def _open_engine() -> "duckdb.DuckDBPyConnection":
    """Open a connection to this thread's DuckDB: no files, no network, no extensions.

    The database is made once, because that takes ten times as long as a filter; it is
    in memory, and an expression has no way to leave anything behind in it.
    """
    if not hasattr(_OF_THREAD, "engine"):
        import duckdb  # noqa: PLC0415

        _OF_THREAD.engine = duckdb.connect(
            config={
                "threads": 1,
                "enable_external_access": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            }
        )
    database: duckdb.DuckDBPyConnection = _OF_THREAD.engine
    return database.cursor()


def select(text: str, batch: "pa.RecordBatch") -> Any:
    """Evaluate an expression over a flat batch whose NaN are nulls.

    Parameters
    ----------
    text
        The expression.
    batch
        Its columns under their flat names, shape (n,).

    Returns
    -------
    pyarrow.Array
        What it answers, of whatever type and length.
    """
    import pyarrow as pa  # noqa: PLC0415

    query = f"select {parse(text).text} as keep from alerts"  # noqa: S608
    with _open_engine() as engine:
        engine.register("alerts", pa.Table.from_batches([batch]))
        try:
            return engine.sql(query).to_arrow_table().column("keep").combine_chunks()
        finally:
            engine.unregister("alerts")


def _header(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line.strip() and not line.startswith("--"):
            return
        if match := HEADER.match(line):
            yield match[1], match[2].strip()


def _tree(text: str) -> Any:
    """Parse an expression as DuckDB does."""
    with _open_engine() as engine:
        statement = SELECT + text.strip().removesuffix(";")
        row = engine.execute("select json_serialize_sql($1)", [statement]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True, "error_message": "?"}
    if tree["error"]:
        raise FilterError(f"The expression is not SQL: {tree['error_message']}.")
    return tree


def _references(node: Any, bound: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the references to columns, leaving out the arguments of lambdas."""
    if isinstance(node, list):
        for child in node:
            yield from _references(child, bound)
        return
    if not isinstance(node, dict):
        return
    if node.get("class") == "COLUMN_REF" and node["column_names"][0] not in bound:
        yield node
    if node.get("class") in ("STAR", "SUBQUERY"):
        raise FilterError("A filter in SQL names its columns: no *, no subquery.")
    if node.get("class") == "LAMBDA":
        inner = {r["column_names"][0] for r in _references(node["lhs"], frozenset())}
        yield from _references(node["expr"], bound | inner)
        return
    for child in node.values():
        yield from _references(child, bound)

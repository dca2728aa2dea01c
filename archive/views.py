"""The archive as DuckDB views: alerts, matches, set_aside and nights."""
# ruff: noqa: S608  views take no parameters; every name and path in them is quoted

import glob
from collections.abc import Iterator
from pathlib import Path

import duckdb

from archive.kinds import SCHEMAS
from settings.names import ID_COLUMN, SURVEYS

VIEWS = ("alerts", "matches", "set_aside", "nights")
"""What every survey's schema has, and what the main schema has of all of them."""

NIGHT_COLUMNS = {
    "survey": "VARCHAR",
    "night": "VARCHAR",
    "dayObs": "VARCHAR",
    "status": "VARCHAR",
    "files": "BIGINT",
    "alerts": "BIGINT",
    "kept": "BIGINT",
    "generation": "INTEGER",
    "failures": "VARCHAR[]",
    "classes": "MAP(VARCHAR, BIGINT)",
    "topics": (
        "STRUCT(topic VARCHAR, filter VARCHAR, summary VARCHAR, owner VARCHAR,"
        " kept BIGINT, delivered BIGINT, archived BIGINT, set_aside BIGINT,"
        " bytes BIGINT, seconds DOUBLE, classes MAP(VARCHAR, BIGINT),"
        " failures VARCHAR[],"
        " partitions STRUCT(partition INTEGER, first_offset BIGINT,"
        " last_offset BIGINT, count BIGINT)[])[]"
    ),
}
"""Columns of `nights`, as `archive.summary.night_record` writes them."""

NIGHT_FILE = "????????.json"
"""Files of `nights`: YYYYMMDD, so neither Slack's markers nor unfinished files."""

DUCKDB_TYPE = {"int64": "BIGINT", "int32": "INTEGER", "string": "VARCHAR"}
"""DuckDB's name of an Arrow type, for the tables whose schema is ours."""


FITTING = (
    frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE"}),
    frozenset({"VARCHAR", "DATE", "TIMESTAMP", "TIMESTAMP_NS"}),
)
"""Types that files and surveys may mix in one column: it takes the widest, or text."""


def open_archive(root: Path, survey: str | None = None) -> duckdb.DuckDBPyConnection:
    """Open the archive for queries; it is only read.

    The schemas `ztf` and `lsst` have the views `alerts` (all columns of the store, and
    `id`), `matches` (one row for each alert, topic and generation), `set_aside` (one
    for each alert that was kept and cannot be sent) and `nights` (one row for each
    summary). `night` is text everywhere. A view without files is empty.

    Parameters
    ----------
    root
        Folder of the archive, of all surveys; it need not exist.
    survey
        Whose views the plain names `alerts`, `matches` and so on are. By default
        they are those of both surveys together, with the column `survey` in front;
        a column that the surveys write in types that do not fit becomes two, as
        `cutoutScience_ztf` and `cutoutScience_lsst`.

    Returns
    -------
    duckdb.DuckDBPyConnection
        In memory, in UTC; to be closed.

    Examples
    --------
    >>> con = open_archive(Path("no-archive-yet"))
    >>> con.execute("select count(*) from matches").fetchone()
    (0,)
    """
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for each in SURVEYS:
        con.execute(f"CREATE SCHEMA {each}")
        for view, select in _selects(root, each).items():
            con.execute(f"CREATE VIEW {each}.{view} AS {select}")
    for view in VIEWS:
        select = f"FROM {survey}.{view}" if survey else _together(con, view)
        con.execute(f"CREATE VIEW main.{view} AS {select}")
    return con


def _selects(root: Path, survey: str) -> dict[str, str]:
    folder = root / survey
    id_column = ID_COLUMN[survey]
    ours = {
        kind: {field.name: DUCKDB_TYPE[str(field.type)] for field in schema}
        for kind, schema in SCHEMAS.items()
    }
    return {
        "alerts": _parquet(folder, "alerts", f"{id_column} AS id, *")
        or _empty({"id": "BIGINT", id_column: "BIGINT", "night": "VARCHAR"}),
        **{
            kind: _parquet(folder, kind, "*") or _empty(columns | {"night": "VARCHAR"})
            for kind, columns in ours.items()
        },
        "nights": _summaries(folder) or _empty(NIGHT_COLUMNS),
    }


def _parquet(folder: Path, view: str, columns: str) -> str:
    """Select from the slices; empty text where there are none."""
    pattern = f"{view}/night=*/[!_.]*.parquet"
    if next(folder.glob(pattern), None) is None:
        return ""
    return (
        f"SELECT {columns} FROM read_parquet({_path(folder, pattern)},"
        " union_by_name = true, hive_partitioning = true,"
        " hive_types = {'night': VARCHAR})"
    )


def _summaries(folder: Path) -> str:
    """Select from the nights' summaries; empty text where there are none."""
    pattern = f"nights/{NIGHT_FILE}"
    if next(folder.glob(pattern), None) is None:
        return ""
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in NIGHT_COLUMNS.items())
    return (
        f"SELECT * FROM read_json({_path(folder, pattern)}, format = 'unstructured',"
        f" columns = {{{columns}}})"
    )


def _path(folder: Path, pattern: str) -> str:
    text = f"{glob.escape(str(folder.absolute()))}/{pattern}"
    return "'" + text.replace("'", "''") + "'"


def _empty(columns: dict[str, str]) -> str:
    nulls = ", ".join(f"NULL::{kind} AS {_name(n)}" for n, kind in columns.items())
    return f"SELECT {nulls} WHERE false"


def _together(con: duckdb.DuckDBPyConnection, view: str) -> str:
    """Select from all surveys, columns matched by name."""
    types = {survey: _types(con, f"{survey}.{view}") for survey in SURVEYS}
    return " UNION ALL BY NAME ".join(
        f"SELECT {', '.join(_renamed(survey, types))} FROM {survey}.{view}"
        for survey in SURVEYS
    )


def _renamed(survey: str, types: dict[str, dict[str, str]]) -> Iterator[str]:
    """Columns of one survey, those that clash with another's under a longer name."""
    own = types[survey]
    if "survey" not in own:
        yield f"'{survey}' AS survey"
    for name, kind in own.items():
        others = [columns[name] for columns in types.values() if name in columns]
        fits = all(_fit(kind, other) for other in others)
        yield _name(name) if fits else f"{_name(name)} AS {_name(f'{name}_{survey}')}"


def _types(con: duckdb.DuckDBPyConnection, view: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in con.execute(f"DESCRIBE {view}").fetchall()}


def _fit(one: str, other: str) -> bool:
    return one == other or any({one, other} <= types for types in FITTING)


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'

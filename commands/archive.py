"""`nightmail archive`: ask the archive of what was delivered."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import duckdb

from archive import results
from archive.views import open_archive
from commands.options import settings_option
from settings import Settings
from settings.errors import QueryError
from settings.names import SURVEYS

WRITERS = {
    "table": results.write_table,
    "csv": results.write_csv,
    "json": results.write_json,
}
"""What writes text, by format."""

logger = logging.getLogger("nightmail")


@click.group()
def archive() -> None:
    """Ask the archive of delivered alerts."""


@archive.command()
@click.argument("query")
@click.option(
    "--survey",
    type=click.Choice(SURVEYS),
    help="Whose views the plain names are; by default both surveys' together.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([*WRITERS, "parquet"]),
    default="table",
    show_default=True,
    help="Form of the answer.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for the answer, replaced whole; by default it is printed.",
)
@settings_option
def sql(
    query: str, *, survey: str | None, form: str, out: Path | None, settings: Settings
) -> None:
    """Answer a QUERY in DuckDB's SQL.

    \b
    alerts   kept alerts with all the store's columns, each once, and id
    matches  id, filter, topic, class, generation, file, night
    nights   one row per night, as in its summary

    ztf.alerts, lsst.matches and so on are those of one survey. The plain names are
    those of --survey; without it they hold both surveys, told apart by the column
    survey, and a column that the surveys write in different forms is two, as
    cutoutScience_ztf and cutoutScience_lsst.

    \b
    Examples:
      nightmail archive sql "select night, status, kept from nights"
      nightmail archive sql --survey ztf "select class, count(*) as n
        from matches where filter = 'sn_candidates' group by class"
      nightmail archive sql --survey lsst --format parquet --out new.parquet
        "select a.* from alerts a join matches m using (night, id)
        where m.filter = 'hostless_candidate'"
    """  # noqa: D301 - click's mark is a real backspace
    if form == "parquet" and out is None:
        raise click.UsageError("--format parquet needs --out FILE.")
    root = settings.archive_root()
    if not root.exists():
        logger.info("The archive %s is not there yet: every view is empty.", root)
    with _mistakes_explained(), open_archive(root, survey) as connection:
        if not connection.extract_statements(query):
            raise QueryError('The query is empty; try "select * from nights".')
        if out is None:
            WRITERS[form](connection, query, out=sys.stdout)
            return
        with _whole(out) as pending:
            _write(connection, query, form=form, file=pending)


def _write(
    connection: duckdb.DuckDBPyConnection, query: str, *, form: str, file: Path
) -> None:
    if form == "parquet":
        results.write_parquet(connection, query, out=file)
        return
    with file.open("w", encoding="utf-8") as out:
        WRITERS[form](connection, query, out=out)


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

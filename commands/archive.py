"""`nightmail archive`: ask the archive of what was delivered."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.options import settings_option
from settings.names import SURVEYS

if TYPE_CHECKING:
    from settings import Settings

FORMATS = ("table", "csv", "json", "parquet")
"""Forms of an answer."""


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
    type=click.Choice(FORMATS),
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
    query: str,
    *,
    survey: str | None,
    form: str,
    out: Path | None,
    settings: "Settings",
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
    # DuckDB and Arrow take half a second to load: not for --help.
    from archive.results import write_answer  # noqa: PLC0415

    if form == "parquet" and out is None:
        raise click.UsageError("--format parquet needs --out FILE.")
    write_answer(settings.archive_root(), query, survey=survey, form=form, out=out)

"""`nightmail sweep`: run the nights that were missed, and the newest again."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from commands.options import settings_option, survey_option

if TYPE_CHECKING:
    from flows.sweep import SweptNight
    from settings.model import Settings
    from tasks.find_unfinished import UnfinishedNight


@click.command()
@survey_option
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=0),
    help="Nights before the recent ones in which something may change; by default"
    " sweep.limit.",
)
@click.option(
    "--recent",
    metavar="N",
    type=click.IntRange(min=0),
    help="Newest nights, run again for late files; by default sweep.recent.",
)
@click.option(
    "--since",
    metavar="NIGHT",
    help="Night before which all is history; by default sweep.since, or else the"
    " first that has a summary.",
)
@click.option("--dry-run", is_flag=True, help="Only list what is to be run.")
@click.option("--json", "as_json", is_flag=True, help="Print an array, one per night.")
@settings_option
@click.pass_context
def sweep(  # noqa: PLR0913 - one for each option
    context: click.Context,
    *,
    survey: str,
    limit: int | None,
    recent: int | None,
    since: str | None,
    dry_run: bool,
    as_json: bool,
    settings: "Settings",
) -> None:
    """Run the nights that are not complete, and the newest again, oldest first.

    A night that fails does not keep the others from being run; where Kafka, the store
    or the archive is not reachable, the sweep ends. Nights before the first that has a
    summary are history and left alone.

    Exit codes, the worst of the nights': 0 complete, 1 ended with failures that are
    named, 2 wrong use or settings, 3 no such survey, 4 someone newer works on a night,
    5 something outside is not reachable, 130 interrupted.

    \b
    Examples:
      nightmail sweep --survey ztf
      nightmail sweep --survey ztf --dry-run
      nightmail sweep --survey lsst --since 20260301 --limit 30 --json
    """  # noqa: D301 - click's mark is a real backspace
    if dry_run:
        from tasks.find_unfinished import find_unfinished  # noqa: PLC0415

        now = dt.datetime.now(dt.UTC)
        found = find_unfinished(
            settings, survey=survey, at=now, recent=recent, since=since
        )
        click.echo(_as_json(found) if as_json else _show_found(found))
        return
    # Prefect, Spark and Arrow take seconds to load: not for --help.
    from flows.by_hand import run_sweep  # noqa: PLC0415

    swept = run_sweep(settings, survey=survey, limit=limit, recent=recent, since=since)
    click.echo(_as_json(swept) if as_json else _show_swept(swept))
    for night in swept:
        for failure in night.failures:
            click.echo(f"Error: {night.night}: {failure}", err=True)
    context.exit(max((night.exit_code for night in swept), default=0))


def _as_json(nights: Sequence[Any]) -> str:
    return json.dumps([vars(night) for night in nights], indent=1, ensure_ascii=False)


def _show_found(found: Sequence["UnfinishedNight"]) -> str:
    rows = [
        [one.night, one.status or "no summary", "yes" if one.is_recent else "no"]
        for one in found
    ]
    return _table({"night": False, "status": False, "recent": False}, rows)


def _show_swept(swept: Sequence["SweptNight"]) -> str:
    rows = [[s.night, s.status, f"{s.kept:,}", f"{s.delivered:,}"] for s in swept]
    head = {"night": False, "status": False, "kept": True, "newly delivered": True}
    return _table(head, rows)


def _table(head: Mapping[str, bool], rows: Sequence[Sequence[str]]) -> str:
    """Rows under their headings, each with whether its column stands to the right."""
    from archive.tables import aligned  # noqa: PLC0415

    if not rows:
        return "There is no night to run."
    return "\n".join(aligned(list(head), rows, right=list(head.values())))

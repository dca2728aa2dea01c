"""`nightmail verify`: prove that a night was delivered once."""

import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import click

from commands.options import night_option, settings_option, survey_option

if TYPE_CHECKING:
    from settings.model import Settings
    from tasks.verification import Verification

HEAD = ("topic", "ledger", "archive", "on topic", "expired", "set aside")
"""Headings of the table."""

SHOWN_IDS = 3
"""Ids that are shown of each problem."""


@click.command()
@survey_option
@night_option(required=True)
@click.option(
    "--repair",
    is_flag=True,
    help="Archive what is lacking, complete the night, send what is lacking.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@settings_option
@click.pass_context
def verify(  # noqa: PLR0913 - one for each option
    context: click.Context,
    *,
    survey: str,
    name: str,
    repair: bool,
    as_json: bool,
    settings: "Settings",
) -> None:
    """Prove that a night was delivered once: compare all that know of it.

    Reads the store, the ledger, the topics to their end (read_committed, in a group of
    its own that commits nothing) and the archive, and reconciles them for each file
    and topic: counts, digests of the ids, and each id. Filters are not run again.
    Records that Kafka has removed for their age are told, and the rest is checked.

    A repair takes the files that it mends from any run that is at work on them: that
    run ends with exit code 4.

    Exit codes: 0 all agree, 1 they do not, 2 wrong use or settings, 3 nobody knows the
    night, 4 a run came in between a repair, 5 something outside is not reachable, or a
    Kafka of your own has no ledger.

    \b
    Examples:
      nightmail verify --survey ztf --night 20260301
      nightmail verify --survey ztf --night 20260301 --repair
      nightmail verify --survey lsst --night 20260310 --json
    """  # noqa: D301 - click's mark is a real backspace
    # Kafka, Arrow and DuckDB take seconds to load: not for --help.
    from flows.by_hand import run_night  # noqa: PLC0415
    from flows.verify import repair as mend  # noqa: PLC0415
    from flows.verify import verify as compare  # noqa: PLC0415

    if repair:
        complete = partial(run_night, settings, survey=survey, night=name)
        found = mend(settings, survey=survey, night=name, complete=complete)
    else:
        found = compare(settings, survey=survey, night=name)
    click.echo(to_json(found) if as_json else show(found))
    for problem in found.problems:
        ids = ", ".join(map(str, problem.ids[:SHOWN_IDS]))
        more = ", …" if len(problem.ids) > SHOWN_IDS else ""
        click.echo(f"Error: {problem.text}{f' ({ids}{more})' if ids else ''}", err=True)
    context.exit(0 if found.agrees else 1)


def to_json(found: "Verification") -> str:
    """Give the whole verification as JSON."""
    return json.dumps({"agrees": found.agrees, **asdict(found)}, indent=1)


def show(found: "Verification") -> str:
    """Give a table of the topics, and what was found."""
    from archive.tables import aligned  # noqa: PLC0415
    from tasks.verification import count_by_topic  # noqa: PLC0415

    rows = [
        [where, *(f"{number:,}" for number in numbers)]
        for where, numbers in sorted(count_by_topic(found).items())
    ]
    right = [False, *[True] * (len(HEAD) - 1)]
    verdict = (
        "all agree: every alert is on its topics once"
        if found.agrees
        else f"{len(found.problems)} disagreements"
    )
    title = f"{found.survey} {found.night}: {verdict}"
    table = aligned(HEAD, rows, right=right) if rows else ["Nothing was sent."]
    return "\n".join([title, *table, *(f"Note: {note}" for note in found.notes)])

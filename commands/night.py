"""`nightmail night`: redistribute one night."""

from typing import TYPE_CHECKING

import click

from commands.options import night_option, settings_option, survey_option

if TYPE_CHECKING:
    from settings.model import Settings


@click.command()
@survey_option
@night_option(required=False)
@click.option(
    "--filter", "filters", metavar="NAME", multiple=True, help="Only this; repeatable."
)
@click.option(
    "--generation",
    metavar="N",
    type=click.IntRange(min=0),
    help="Send again what was sent, on purpose, under the next number.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@settings_option
@click.pass_context
def night(  # noqa: PLR0913 - one for each option
    context: click.Context,
    *,
    survey: str,
    name: str | None,
    filters: tuple[str, ...],
    generation: int | None,
    as_json: bool,
    settings: "Settings",
) -> None:
    """Redistribute one night: run the filters, send, archive, summarise.

    Run it again as often as you like: what was sent is not sent again, unless you ask
    for a new generation. Its number is in the header of each record.

    Exit codes: 0 complete, 1 ended with failures that are named, 2 wrong use or
    settings, 3 no such night or survey, 4 someone newer works on this night, 5
    something outside is not reachable, 130 interrupted.

    \b
    Examples:
      nightmail night --survey ztf --night 20260301
      nightmail night --survey lsst --night 20260310 --filter in_tns --json
      nightmail night --survey lsst --night 20260310 --filter in_tns --generation 1
    """  # noqa: D301 - click's mark is a real backspace
    # Prefect, Spark and Arrow take seconds to load: not for --help.
    from archive.summary import read_summary, to_json  # noqa: PLC0415
    from archive.tables import show_table  # noqa: PLC0415
    from flows.by_hand import run_night  # noqa: PLC0415

    ending = run_night(
        settings, survey=survey, night=name, filters=filters, generation=generation
    )
    if ending.summarised:
        summary = read_summary(settings.archive_root(), survey, ending.night)
        if summary:
            click.echo(to_json(summary) if as_json else show_table(summary))
    for failure in ending.failures:
        click.echo(f"Error: {failure}", err=True)
    context.exit(ending.exit_code)

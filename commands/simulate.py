"""`nightmail simulate`: nights that never were, to rehearse with."""

import json
import logging
from typing import TYPE_CHECKING

import click

from commands.options import night_option, settings_option
from settings.names import SURVEYS

if TYPE_CHECKING:
    from settings.model import Settings

log = logging.getLogger("nightmail")


@click.group()
def simulate() -> None:
    """Make nights that never were, to rehearse with."""


@simulate.command()
@click.option(
    "--survey", type=click.Choice(SURVEYS), required=True, help="Whose night it is."
)
@night_option(required=True)
@click.option(
    "--alerts", type=int, default=5000, show_default=True, help="How many there are."
)
@click.option(
    "--seed",
    type=int,
    default=7,
    show_default=True,
    help="The same seed gives the same bytes.",
)
@click.option(
    "--overwrite", is_flag=True, help="Replace the night if it was simulated before."
)
@click.option("--json", "as_json", is_flag=True, help="Name the files as JSON.")
@settings_option
def night(  # noqa: PLR0913 (one for each option)
    *,
    survey: str,
    name: str,
    alerts: int,
    seed: int,
    overwrite: bool,
    as_json: bool,
    settings: "Settings",
) -> None:
    """Write a simulated night into the science store.

    \b
    Examples:
      nightmail simulate night --survey ztf --night 20260301 --alerts 5000 --seed 7
      nightmail simulate night --survey lsst --night 20260301 --alerts 1000 --json
    """  # noqa: D301 - click's mark is a real backspace
    from simulator import simulate_night  # noqa: PLC0415 (Arrow takes long to load)

    paths = simulate_night(
        settings.store_root(survey),
        survey=survey,
        night=name,
        alerts=alerts,
        seed=seed,
        overwrite=overwrite,
        say=log.info,
    )
    folder = paths[0].parent
    if as_json:
        names = [str(path) for path in paths]
        told = {"survey": survey, "night": name, "alerts": alerts, "files": names}
        click.echo(json.dumps(told, indent=2))
    else:
        files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
        click.echo(f"{alerts} {survey} alerts in {files} in {folder}")

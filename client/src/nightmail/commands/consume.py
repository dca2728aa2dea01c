"""`nightmail consume`: show, save and pass on the alerts of some topics."""

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from nightmail._consumer import AlertConsumer
from nightmail._decode import ADVICE
from nightmail._errors import AlertError
from nightmail.commands import showing
from nightmail.commands.reader import Reader, private_option, reader_options
from nightmail.commands.saving import save_schema
from nightmail.commands.spelling import ManualCommand

__all__ = ["consume"]

_RESETS = {"earliest": "BEGINNING", "latest": "END"}
"""What the manuals say where reading starts anew."""

_ADVICE = {
    ADVICE: "; it stays unread, --set-aside FOLDER puts it there and goes on",
    "(schema= gives one)": "(--schema FILE gives one)",
}
"""What the library advises, and what one does with the command instead."""

_BETWEEN_S = 10.0
"""Time between two words about progress [s]."""

_logger = logging.getLogger("nightmail")

Received = tuple[str, dict[str, Any], str]


@click.command(cls=ManualCommand)
@reader_options()
@click.option("--display", is_flag=True, help="Print a table for each alert.")
@click.option("--save", is_flag=True, help="Write each alert into a file.")
@click.option(
    "--outdir",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    help="Where --save and --dump-schema write; made if it is not there. By default"
    " the current folder.",
)
@click.option(
    "--limit",
    type=click.IntRange(0),
    metavar="N",
    help="End after so many alerts; 0 and default: never.",
)
@click.option(
    "--schema",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Avro schema to read by, instead of that which comes with each alert.",
)
@click.option(
    "--dump-schema",
    is_flag=True,
    help="Write the schemas that come with the alerts, each once, also where an alert"
    " cannot be read.",
)
@click.option(
    "--display-statistics", is_flag=True, help="Print where you are, and end."
)
@click.option("--available-topics", is_flag=True, help="Print the topics, and end.")
@click.option(
    "--start-at",
    metavar="WHEN",
    help="Where to start, instead of where the group is: earliest, latest, a night"
    " (20260301), a date (2026-03-01T12:00), or how long ago (-2h).",
)
@private_option
@click.option(
    "--set-aside",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Put alerts that cannot be read here and go on; by default such a one ends"
    " the command.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each as a line of JSON.")
def consume(  # noqa: PLR0913 - one for each option
    reader: Reader,
    *,
    display: bool,
    save: bool,
    outdir: Path,
    limit: int | None,
    schema: Path | None,
    dump_schema: bool,
    display_statistics: bool,
    available_topics: bool,
    start_at: str | None,
    private: bool,
    set_aside: Path | None,
    as_json: bool,
) -> None:
    """Read alerts of TOPICs, by default of those that you registered.

    An alert counts as read when it was printed and saved. What is not yet read is
    kept for the next time, also where this is interrupted. Options may be written as
    in the manual of fink-client: -limit, -outdir, --dump_schema, -start_at.

    \b
    Examples:
      nightmail consume --display --limit 1
      nightmail consume --survey ztf --display --save --outdir alertDB
      nightmail consume fink_sn_candidates_ztf --save --private --start-at -2h
      nightmail consume fink_sn_candidates_ztf --json --limit 10
      nightmail consume --display-statistics
    """  # noqa: D301 - click's mark is a real backspace
    if display and as_json:
        raise click.UsageError("--display and --json exclude each other.")
    if display_statistics or available_topics:
        _tell(reader, statistics=display_statistics)
        return
    if display and start_at in _RESETS:
        click.echo(f"Resetting offsets to {_RESETS[start_at]}")
    extra = _extra(schema=schema, start_at=start_at, set_aside=set_aside)
    reader = reader.alone() if private else reader
    number, said = 0, time.monotonic()
    with AlertConsumer(reader.topics, reader.config, reader.survey, **extra) as source:
        keep = partial(source.save, outdir) if save else None
        steps = _steps(keep, display=display, as_json=as_json)
        dump = _dumper(source, outdir) if dump_schema else None
        for received in _receive(source, reader.patience, dump, is_said=display):
            for step in steps:
                step(received)
            number += 1
            if number == limit:
                break
            if steps and not (display or as_json):
                said = _say_now_and_then(number, said)
    _logger.info("Received %s.", "1 alert" if number == 1 else f"{number:,} alerts")


def _say_now_and_then(number: int, said: float) -> float:
    """Say how many alerts came, if it was not said for a while; give when it was."""
    now = time.monotonic()
    if now - said < _BETWEEN_S:
        return said
    _logger.info("%s alerts so far.", f"{number:,}")
    return now


def _tell(reader: Reader, *, statistics: bool) -> None:
    from nightmail.commands.offsets import Offsets  # noqa: PLC0415
    from nightmail.commands.stats import statistics_text  # noqa: PLC0415

    with Offsets(reader.config) as offsets:
        if statistics:
            click.echo(
                statistics_text(offsets.positions(reader.topics, offsets.nights()))
            )
        else:
            click.echo(str(offsets.topics()))


def _steps(
    keep: Callable[[], object] | None, *, display: bool, as_json: bool
) -> list[Callable[[Received], object]]:
    """Say what is done with each alert: saved first, so that what is shown is safe."""

    def show(received: Received) -> None:
        topic, alert, _ = received
        click.echo(showing.table(topic, alert, datetime.now(UTC)))

    def pass_on(received: Received) -> None:
        topic, alert, _ = received
        click.echo(showing.json_line(topic, alert))

    steps: list[Callable[[Received], object]] = []
    if keep is not None:
        steps.append(lambda _: keep())
    chosen = ((display, show), (as_json, pass_on))
    return steps + [step for is_wanted, step in chosen if is_wanted]


def _extra(
    *, schema: Path | None, start_at: str | None, set_aside: Path | None
) -> dict[str, Any]:
    extra: dict[str, Any] = {"schema": schema, "start_at": start_at}
    if set_aside:
        extra |= {"on_bad": "set_aside", "bad_folder": set_aside}
    return {name: value for name, value in extra.items() if value is not None}


def _receive(
    source: AlertConsumer,
    patience: float,
    dump: Callable[[], None] | None,
    *,
    is_said: bool,
) -> Iterator[Received]:
    for _ in itertools.count():
        try:
            topic, alert, key = source.poll(timeout=patience)
        except AlertError as error:
            if dump:
                dump()
            raise _reworded(error) from error
        if topic is not None and alert is not None and key is not None:
            if dump:
                dump()
            yield topic, alert, key
        elif is_said:
            click.echo(f"No alerts the last {patience:g} seconds")


def _reworded(error: AlertError) -> AlertError:
    """Advise what holds for a command: the next one meets the same message again."""
    text = str(error)
    for ours, theirs in _ADVICE.items():
        text = text.replace(ours, theirs)
    return AlertError(text)


def _dumper(source: AlertConsumer, folder: Path) -> Callable[[], None]:
    """Make what writes the schema of the message in hand, unless it was written."""
    done: set[bytes] = set()

    def dump() -> None:
        key = source.last_key or b""  # also where it cannot be decoded
        if key and key not in done:
            done.add(key)
            click.echo(f"Schema saved as {save_schema(key, folder)}")

    return dump

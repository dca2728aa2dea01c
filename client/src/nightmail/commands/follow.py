"""`nightmail follow`: the alerts of some topics as they come, one line each."""

import logging
import shutil
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click

from nightmail._consumer import AlertConsumer
from nightmail.commands.boxes import aligned
from nightmail.commands.reader import Reader, private_option, reader_options
from nightmail.commands.showing import emitted_at, is_lsst, main_name
from nightmail.commands.spelling import ManualCommand
from nightmail.picture.light_curve import ZTF_BANDS

__all__ = ["Board", "follow"]

_HEAD = ("received", "topic", "name", "emitted", "brightness")
"""Columns of the table."""

_BETWEEN_S = 0.2
"""Least time between two drawings [s]."""

_LOOK_S = 1.0
"""Longest time between two drawings [s]."""

_AROUND = 5
"""Lines of the screen that are not alerts."""

_logger = logging.getLogger("nightmail")

Row = tuple[str, str, str, str, str]


@click.command(cls=ManualCommand)
@reader_options()
@click.option(
    "--start-at",
    metavar="WHEN",
    help="Where to start, instead of where the group is: earliest, latest, a night"
    " (20260301), a date (2026-03-01T12:00), or how long ago (-2h).",
)
@private_option
@click.option(
    "--limit", type=click.IntRange(0), metavar="N", help="End after so many; 0: never."
)
@click.option(
    "--rows",
    type=click.IntRange(1),
    metavar="N",
    help="How many of the newest to show; by default as many as fit.",
)
def follow(
    reader: Reader,
    *,
    start_at: str | None,
    private: bool,
    limit: int | None,
    rows: int | None,
) -> None:
    """Watch the alerts of TOPICs come in, the newest first.

    On a terminal the table is drawn anew as they come; into a pipe goes one line for
    each, its columns separated by tabs. End it by Ctrl-C: what was shown counts as
    read.

    \b
    Examples:
      nightmail follow
      nightmail follow fink_sn_candidates_ztf --private --start-at -2h
      nightmail follow --limit 10 | cut -f 3
    """  # noqa: D301 - click's mark is a real backspace
    reader = reader.alone() if private else reader
    is_live = sys.stdout.isatty()
    board = Board(rows or max(shutil.get_terminal_size().lines - _AROUND, 1))
    show = _drawer(board) if is_live else _print_line
    extra = {"start_at": start_at} if start_at else {}
    number = 0
    with AlertConsumer(reader.topics, reader.config, reader.survey, **extra) as source:
        for topic, alert in _receive(source, reader.patience, board, is_live=is_live):
            show(board.add(topic, alert, datetime.now(UTC)))
            number += 1
            if number == limit:
                break
    if is_live:
        _draw(board)


@dataclass
class Board:
    """What stands on the screen."""

    height: int
    """Alerts that fit."""

    counts: Counter[str] = field(default_factory=Counter)
    """Alerts by topic."""

    newest: deque[Row] = field(default_factory=deque)
    """The newest first."""

    started: float = field(default_factory=time.monotonic)

    def add(self, topic: str, alert: Any, received: datetime) -> Row:
        """Put an alert on top; give its line."""
        row = _row(topic, alert, received)
        self.counts[topic] += 1
        self.newest.appendleft(row)
        while len(self.newest) > self.height:
            self.newest.pop()
        return row

    def text(self, now: float) -> str:
        """Write it all.

        Parameters
        ----------
        now
            Time of the same clock as `started` [s].
        """
        number = sum(self.counts.values())
        rate = number / max(now - self.started, 1.0)
        topics = ", ".join(f"{name}: {n:,}" for name, n in self.counts.most_common())
        head = f"{number:,} alerts, {rate:,.1f} a second"
        table = aligned(_HEAD, list(self.newest), numbers=())
        return "\n".join([head, topics or "Waiting for alerts.", "", table])


def _row(topic: str, alert: Any, received: datetime) -> Row:
    when = emitted_at(alert)
    emitted = f"{when:%Y-%m-%d %H:%M:%S}" if when else ""
    return (
        f"{received:%H:%M:%S}",
        topic,
        main_name(alert)[1],
        emitted,
        _brightness(alert),
    )


def _brightness(alert: Any) -> str:
    if is_lsst(alert):
        source = alert.get("diaSource") or {}
        value, unit = source.get("psfFlux"), "nJy"
    else:
        source = alert.get("candidate") or {}
        value, unit = source.get("magpsf"), "mag"
    if value is None:
        return ""
    band = source.get("band") or ZTF_BANDS.get(source.get("fid") or 0, "")
    return f"{band} {value:.6g} {unit}".strip()


def _receive(
    source: AlertConsumer, patience: float, board: Board, *, is_live: bool
) -> Iterator[tuple[str, Any]]:
    if is_live:
        _draw(board)
    while True:
        topic, alert, _ = source.poll(timeout=_LOOK_S if is_live else patience)
        if topic is not None and alert is not None:
            yield topic, alert
        elif is_live:
            _draw(board)
        else:
            _logger.info("No alerts the last %g seconds", patience)


def _drawer(board: Board) -> Callable[[Row], None]:
    """Make what draws the board, but not more often than one can look."""
    drawn = 0.0

    def draw(_: Row) -> None:
        nonlocal drawn
        if time.monotonic() - drawn >= _BETWEEN_S:
            _draw(board)
            drawn = time.monotonic()

    return draw


def _draw(board: Board) -> None:
    width = shutil.get_terminal_size().columns
    lines = [line[:width] for line in board.text(time.monotonic()).splitlines()]
    click.clear()
    click.echo("\n".join(lines))


def _print_line(row: Row) -> None:
    click.echo("\t".join(row))

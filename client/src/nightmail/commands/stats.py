"""`nightmail stats`: how many alerts a group has not read yet."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from nightmail.commands.boxes import aligned
from nightmail.commands.offsets import Offsets, Position
from nightmail.commands.reader import Reader, reader_options
from nightmail.commands.spelling import ManualCommand
from nightmail.nights import Count

__all__ = ["statistics_text", "stats"]

_LINE = "{:<50}  {:>9}  {:>9}"
"""A line of the manual's table."""

_WIDTH = 72
"""Length of its rules [characters]."""

_NOTHING = Count(0, is_exact=True)


@click.command(cls=ManualCommand)
@reader_options()
@click.option("--all", "all_", is_flag=True, help="Show the partitions without alerts.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def stats(reader: Reader, *, all_: bool, as_json: bool) -> None:
    """Show where your group is on TOPICs, and how much it has not read.

    It only asks: who reads in that group is not disturbed. Alerts are counted by the
    records of nights; where these do not tell, ≤ says that offsets were counted, of
    which some are no alerts.

    \b
    Examples:
      nightmail stats
      nightmail stats fink_sn_candidates_ztf --group my_group --json
    """  # noqa: D301 - click's mark is a real backspace
    with Offsets(reader.config) as offsets:
        found = offsets.positions(reader.topics, offsets.nights())
    if as_json:
        click.echo(json.dumps([_record(*pair) for pair in found.items()], indent=1))
        return
    rows = [row for pair in found.items() for row in _rows(*pair, all_=all_)]
    click.echo(
        aligned(("topic", "partition", "committed", "lag"), rows, numbers=(1, 2, 3))
    )


def statistics_text(found: Mapping[str, Sequence[Position]]) -> str:
    """Write the manual's table, with its words and widths.

    Parameters
    ----------
    found
        Where the group is, by topic.

    Returns
    -------
    str
        For each topic the partitions that were read or have something to read, and
        the sum. A partition that was never read has `-`.
    """
    lines: list[str] = []
    for topic, positions in found.items():
        lines += ["", _LINE.format("Topic [Partition]", "Committed", "Lag")]
        lines.append("=" * _WIDTH)
        lines += [
            _LINE.format(
                f"{topic} [{p.partition}]",
                "-" if p.committed is None else p.committed,
                p.lag.number,
            )
            for p in positions
            if p.committed is not None or p.lag.number
        ]
        lines.append("-" * _WIDTH)
        total, lag = _committed(positions), _lag(positions).number
        lines += [_LINE.format(f"Total for {topic}", total, lag), "-" * _WIDTH]
    return "\n".join([*lines, ""])


def _committed(positions: Iterable[Position]) -> int:
    return sum(p.committed or 0 for p in positions)


def _lag(positions: Iterable[Position]) -> Count:
    return sum((p.lag for p in positions), _NOTHING)


def _rows(
    topic: str, positions: Sequence[Position], *, all_: bool
) -> list[tuple[str, str, str, str]]:
    if not positions:
        return [(topic, "-", "-", "there is no such topic")]
    rows = [
        ("", str(p.partition), _or_dash(p.committed), str(p.lag))
        for p in positions
        if all_ or p.lag.number or p.committed is not None
    ]
    return [(topic, "all", str(_committed(positions)), str(_lag(positions))), *rows]


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)


def _record(topic: str, positions: Sequence[Position]) -> dict[str, Any]:
    lag = _lag(positions)
    return {
        "topic": topic,
        "exists": bool(positions),
        "lag": lag.number,
        "exact": lag.is_exact,
        "partitions": [
            {
                "partition": p.partition,
                "first": p.first,
                "end": p.end,
                "committed": p.committed,
                "lag": p.lag.number,
                "exact": p.lag.is_exact,
            }
            for p in positions
        ],
    }

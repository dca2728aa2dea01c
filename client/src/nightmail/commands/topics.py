"""`nightmail topics`, for readers: what there is, and what it means.

Where the pipeline is installed, its own command of that name stands in the place of
this one.
"""

import json
from collections.abc import Mapping
from typing import Any

import click

from nightmail.commands.boxes import aligned
from nightmail.commands.offsets import Offsets
from nightmail.commands.reader import Reader, reader_options
from nightmail.commands.spelling import ManualCommand
from nightmail.nights import Count, Nights

__all__ = ["topics"]

_RECENT = 3
"""Nights whose yield is shown in the table."""


@click.command(cls=ManualCommand)
@reader_options(group=False, topics=False)
@click.option("--json", "as_json", is_flag=True, help="For scripts, with all nights.")
def topics(reader: Reader, *, as_json: bool) -> None:
    """List the topics: how many alerts are there, recent nights, what is meant.

    TOPICs choose some; by default all that you may read are listed.

    \b
    Examples:
      nightmail topics
      nightmail topics --survey lsst --json
      nightmail topics --servers kafka.example.org:9092
    """  # noqa: D301 - click's mark is a real backspace
    with Offsets(reader.config) as offsets:
        nights = offsets.nights()
        counts = offsets.counts(reader.topics or offsets.topics(), nights)
    records = [_record(name, count, nights) for name, count in counts.items()]
    if as_json:
        click.echo(json.dumps(records, indent=1, ensure_ascii=False))
        return
    head = ("topic", "what it keeps", "alerts", "recent nights")
    rows = [(r["topic"], r["summary"], r["shown"], _recent(r)) for r in records]
    click.echo(aligned(head, rows, numbers=(2,)))


def _record(topic: str, count: Count, nights: Nights) -> dict[str, Any]:
    told = [
        (night["night"], mine)
        for night in sorted(nights.records, key=lambda one: str(one["night"]))
        for mine in night["topics"]
        if mine["topic"] == topic
    ]
    newest: Mapping[str, Any] = told[-1][1] if told else {}
    return {
        "topic": topic,
        "filter": newest.get("filter"),
        "summary": newest.get("summary", ""),
        "owner": newest.get("owner"),
        "alerts": count.number,
        "exact": count.is_exact,
        "shown": str(count),
        "nights": {night: mine["delivered"] for night, mine in told},
    }


def _recent(record: Mapping[str, Any]) -> str:
    newest = list(record["nights"].items())[-_RECENT:]
    return ", ".join(f"{night}: {number}" for night, number in reversed(newest))

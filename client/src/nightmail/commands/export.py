"""`nightmail export`: topics, or a span of time, into files."""

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from nightmail._errors import AlertError, ConfigError
from nightmail._span import read_span
from nightmail._start import EARLIEST, LATEST
from nightmail.commands.offsets import Offsets
from nightmail.commands.reader import Reader, reader_options
from nightmail.commands.spelling import ManualCommand
from nightmail.export.formats import FORMATS, check_format
from nightmail.export.plan import Piece, Record
from nightmail.export.run import run

__all__ = ["export"]

_logger = logging.getLogger("nightmail")


@click.command(cls=ManualCommand)
@reader_options(group=False)
@click.option(
    "--outdir",
    metavar="FOLDER",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the files go; made if it is not there.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="parquet",
    show_default=True,
    help="Parquet needs the extra [arrow].",
)
@click.option(
    "--columns",
    metavar="NAME,…",
    help="Columns to write, nested ones with dots: candid,candidate.ra. By default all,"
    " in CSV all but cutouts.",
)
@click.option(
    "--start-at",
    default="earliest",
    metavar="WHEN",
    help="earliest, a date (2026-03-01T12:00, UTC) or how long ago (-2h): when the"
    " alerts came to Kafka.",
)
@click.option("--until", metavar="WHEN", help="The same; by default what is there now.")
@click.option(
    "--night", metavar="YYYYMMDD", help="One night, by the date on which it ends."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="How many partitions at a time.",
)
@click.option("--json", "as_json", is_flag=True, help="For scripts, at the end.")
def export(  # noqa: PLR0913 - one for each option
    reader: Reader,
    *,
    outdir: Path,
    form: str,
    columns: str | None,
    start_at: str,
    until: str | None,
    night: str | None,
    jobs: int,
    as_json: bool,
) -> None:
    """Write the alerts of TOPICs into files, and leave your group where it is.

    The same command goes on where it was interrupted, and later adds what is new. A
    file is whole or not there. Alerts that cannot be read go into set_aside, and the
    command ends with 1.

    \b
    Examples:
      nightmail export fink_sn_candidates_ztf --outdir sn
      nightmail export --night 20260301 --outdir night --format avro
      nightmail export fink_sn_candidates_ztf --outdir sn --format csv \\
        --columns objectId,candidate.magpsf --start-at -2d
    """  # noqa: D301 - click's mark is a real backspace
    chosen = [name.strip() for name in columns.split(",")] if columns else None
    check_format(form, chosen)
    if night and (until or start_at != "earliest"):
        raise click.UsageError("Give --night, or --start-at and --until.")
    record = Record.open(outdir, {"format": form, "columns": chosen})
    with Offsets(reader.config) as offsets:
        pieces = (
            _of_night(offsets, reader, night)
            if night
            else _of_time(offsets, reader, start_at, until)
        )
    left = record.left(pieces)
    _run(reader, left, record, jobs)
    _tell(record, as_json=as_json)


def _run(reader: Reader, left: list[Piece], record: Record, jobs: int) -> None:
    total = sum(piece.end - piece.start for piece in left)
    if not sys.stderr.isatty():
        run(reader.config, left, record, at_once=jobs, say=lambda _: None)
        return
    with click.progressbar(
        length=total, label="Exporting", file=sys.stderr, show_pos=True
    ) as bar:
        run(reader.config, left, record, at_once=jobs, say=bar.update)


def _tell(record: Record, *, as_json: bool) -> None:
    if as_json:
        told = {
            "folder": str(record.folder),
            "alerts": record.alerts,
            "set_aside": record.set_aside,
        }
        click.echo(json.dumps(told, indent=1))
    else:
        click.echo(f"{record.alerts:,} alerts are in {record.folder}.")
    if record.set_aside:
        raise AlertError(
            f"{record.set_aside:,} messages cannot be read; they are in"
            f" {record.folder / 'set_aside'}."
        )


def _of_night(offsets: Offsets, reader: Reader, night: str) -> list[Piece]:
    ranges = [
        Piece(
            mine["topic"],
            p["partition"],
            p["first_offset"],
            p["last_offset"] + 1,
            night,
        )
        for told in offsets.nights().records
        if told["night"] == night
        for mine in told["topics"]
        if mine["topic"] in reader.topics
        for p in mine["partitions"]
    ]
    if not ranges:
        raise ConfigError(
            f"No record tells of alerts of the night {night} on"
            f" {', '.join(reader.topics)}; try --start-at and --until."
        )
    bounds = {
        (topic, partition): start
        for topic, partition, start, _ in offsets.spans(reader.topics, EARLIEST, LATEST)
    }
    return [
        Piece(p.topic, p.partition, max(p.start, first), p.end, night)
        for p in ranges
        if (first := bounds.get((p.topic, p.partition))) is not None
    ]


def _of_time(
    offsets: Offsets, reader: Reader, start: str, until: str | None
) -> list[Piece]:
    span = read_span(None, start, until, datetime.now(UTC))
    if span.first_night or span.last_night:
        raise ConfigError("--start-at and --until want a time; write --night instead.")
    found = offsets.spans(reader.topics, span.since_ms, span.until_ms)
    for topic in reader.topics:
        if not any(name == topic for name, *_ in found):
            _logger.warning("There is no topic %s; the others go on.", topic)
    if not found:
        raise ConfigError(f"There is no topic {', '.join(reader.topics)}.")
    return [Piece(*span) for span in found]

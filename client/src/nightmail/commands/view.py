"""`nightmail view`: the light curve and cutouts of one alert."""

import gzip
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from math import isnan
from pathlib import Path
from typing import Any

import click

from nightmail import credentials as kept
from nightmail._errors import AlertError
from nightmail.commands.reader import read_config
from nightmail.commands.showing import emitted_at, is_lsst, main_name
from nightmail.commands.spelling import ManualCommand

__all__ = ["view"]

Alert = Mapping[str, Any]


@click.command(cls=ManualCommand)
@click.argument(
    "file",
    required=False,
    metavar="[FILE]",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option(
    "--filename",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The same as FILE.",
)
@click.option(
    "--number",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Which alert of a file that has several; by default the first.",
)
@click.option("--topic", metavar="TOPIC", help="Show the newest alert of this topic.")
@click.option(
    "--png",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a picture; another ending, as .pdf or .svg, gives that.",
)
@click.option("--terminal", is_flag=True, help="Draw with letters, here.")
@click.option("--json", "as_json", is_flag=True, help="Print the measurements.")
@click.option(
    "--survey",
    type=click.Choice(kept.SURVEYS),
    help="Whose registration to take with --topic. An alert shows itself which survey"
    " it is of.",
)
@click.option("--servers", metavar="HOST:PORT,…", help="Instead of the registered.")
@click.option(
    "--credentials",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to take instead of yours.",
)
def view(  # noqa: PLR0913 - one for each option
    *,
    file: Path | None,
    filename: Path | None,
    number: int,
    topic: str | None,
    png: Path | None,
    terminal: bool,
    as_json: bool,
    survey: str | None,
    servers: str | None,
    credentials: Path | None,
) -> None:
    """Show an alert that was saved, or the newest of a topic.

    It opens a window; where there is no screen, or no matplotlib (the extra [plot]), it
    draws with letters. No group's position changes.

    \b
    Examples:
      nightmail view alertDB/ZTF21aaqkqwq_1549473362115015004.avro
      nightmail view -survey lsst -f 170028498888818709.avro --terminal
      nightmail view --topic fink_sn_candidates_ztf --png newest.png
    """  # noqa: D301 - click's mark is a real backspace
    sources = [one for one in (file, filename, topic) if one is not None]
    if len(sources) != 1:
        raise click.UsageError("Name one FILE, or a --topic.")
    if (png is not None) + terminal + as_json > 1:
        raise click.UsageError("Give one of --png, --terminal and --json.")
    if topic:
        config = read_config(survey, credentials, servers, None, needs_group=False)
        alert = _newest(topic, config)
    else:
        alert = _saved(Path(sources[0]), number)
    _show(alert, png=png, terminal=terminal, as_json=as_json)


def _show(alert: Alert, *, png: Path | None, terminal: bool, as_json: bool) -> None:
    from nightmail.picture import plot  # noqa: PLC0415
    from nightmail.picture.fits import cutouts  # noqa: PLC0415
    from nightmail.picture.light_curve import light_curve  # noqa: PLC0415
    from nightmail.picture.text import draw_cutouts, draw_light_curve  # noqa: PLC0415

    curve = light_curve(alert)
    if as_json:
        points = [
            asdict(point) | {"error": None if isnan(point.error) else point.error}
            for point in curve.points
        ]
        record = {"name": main_name(alert)[1], "unit": curve.label, "points": points}
        click.echo(json.dumps(record, indent=1))
        return
    title, images = _title(alert), cutouts(alert)
    if png:
        plot.save_picture(title, curve, images, png)
        click.echo(f"Wrote {png}.")
    elif terminal or not plot.show_picture(title, curve, images):
        drawings = (title, draw_cutouts(images), draw_light_curve(curve))
        click.echo("\n\n".join(drawings))


def _title(alert: Alert) -> str:
    name = main_name(alert)[1]
    survey = "LSST" if is_lsst(alert) else "ZTF"
    when = emitted_at(alert)
    return f"{survey} {name}" + (f", {when:%Y-%m-%d %H:%M:%S} UTC" if when else "")


def _saved(file: Path, number: int) -> Alert:
    import fastavro  # noqa: PLC0415

    content = file.read_bytes()
    try:
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        reader = fastavro.reader(io.BytesIO(content))
        alert: Any = next(islice(reader, number - 1, None), None)
    except Exception as error:
        raise AlertError(f"{file} is no Avro file of alerts: {error}.") from error
    if not isinstance(alert, Mapping):
        raise AlertError(f"{file} has no alert {number}.")
    return alert


def _newest(topic: str, config: kept.Credentials) -> Alert:
    import fastavro  # noqa: PLC0415

    from nightmail.commands.offsets import Offsets  # noqa: PLC0415

    with Offsets(config) as offsets:
        message = offsets.newest(topic)
    if message is None:
        raise AlertError(f"The topic {topic} has no alert that could be shown.")
    try:
        schema = fastavro.parse_schema(json.loads(message.key()))
        stream = io.BytesIO(message.value())
        alert: Any = fastavro.schemaless_reader(stream, schema, None)
    except Exception as error:
        raise AlertError(
            f"The newest alert of {topic} cannot be decoded: {error}."
        ) from error
    found: Alert = alert
    return found

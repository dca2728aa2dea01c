"""`nightmail start`: what runs until it is stopped."""

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from commands.options import settings_option
from nightmail.cli import is_hung_up

if TYPE_CHECKING:
    from settings.model import Settings

ROWS = 20
"""Alerts shown of each batch."""

BATCH_OFFSETS = 10_000
"""Most offsets of a batch."""

LOOK_S = 0.5
"""How often the time is looked at [s]."""


@click.group()
def start() -> None:
    """Start what runs until it is stopped."""


@start.command("distribution_test")
@click.option("--topic", required=True, help="Topic to read; several by commas.")
@click.option(
    "--schema",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Avro schema to decode by, whatever the alerts' keys say.",
)
@click.option("--columns", metavar="NAMES", help="Only these, joined by commas.")
@click.option(
    "--exit-after",
    "seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    help="End by itself; by default Ctrl-C ends it.",
)
@settings_option
def distribution_test(
    *,
    topic: str,
    schema: str | None,
    columns: str | None,
    seconds: float | None,
    settings: "Settings",
) -> None:
    """Read a topic as a stream in Spark, and print its alerts as they come.

    They are read from the oldest on, decoded by the schema in their keys, and shown as
    Spark shows a DataFrame. Nothing is committed: the next run begins anew.

    \b
    Examples:
      nightmail start distribution_test --topic fink_in_tns_lsst --exit-after 30
      nightmail start distribution_test --topic fink_x_ztf --columns objectId,candid
      nightmail start distribution_test --topic fink_x_ztf --schema alert.avsc
    """  # noqa: D301 - click's mark is a real backspace
    # Spark and Arrow take seconds to load: not for --help.
    from cluster.access import connect  # noqa: PLC0415
    from runtime.spark import spark_session  # noqa: PLC0415

    options = {
        "topics": topic,
        "schema": schema,
        "columns": columns,
        "group.id": "distribution_test",
        "maxOffsetsPerTrigger": str(BATCH_OFFSETS),
        **_login(connect(settings).reader),
    }
    with spark_session(settings) as spark:
        shown = _show(spark, {k: v for k, v in options.items() if v}, seconds)
    click.echo(f"{shown} alerts were read.", err=True)


def _login(reader: Any) -> dict[str, str]:
    """Give the options by which the source reaches Kafka."""
    return {key: str(value) for key, value in reader.items() if "." in key}


def _show(spark: Any, options: dict[str, str], seconds: float | None) -> int:
    """Print batches until the time is over; give the number of alerts."""
    from pyspark.errors import PySparkException  # noqa: PLC0415

    from nightmail.spark import find_reason, register  # noqa: PLC0415

    register(spark)
    try:
        alerts = spark.readStream.format("nightmail").options(**options).load()
        # Java prints: a batch that a callback of Python prints cannot be interrupted.
        console = alerts.writeStream.format("console").option("numRows", ROWS)
        return _wait(console.start(), seconds)
    except PySparkException as error:
        if (reason := find_reason(error)) is not None:
            raise reason from error
        raise


def _wait(query: Any, seconds: float | None) -> int:
    """Wait until the time is over, or nobody reads; give the number of alerts."""
    end = time.monotonic() + (float("inf") if seconds is None else seconds)
    batches: dict[int, int] = {}
    try:
        while time.monotonic() < end and not is_hung_up(sys.stdout.fileno()):
            time.sleep(LOOK_S)  # Ctrl-C within a call of Java is told at length
            if not query.isActive:
                query.awaitTermination()  # raises what ended it
                break
            batches |= {p["batchId"]: p["numInputRows"] for p in query.recentProgress}
    finally:
        query.stop()
    return sum(batches.values())

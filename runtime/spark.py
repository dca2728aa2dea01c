"""The Spark session: one per process, quiet, with our code on its workers."""

import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from runtime.java import find_java
from runtime.memory import KEPT_BY_ARROW
from runtime.shipping import pack
from settings import Settings

LOG4J = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = Spark: %p %c{1}: %m%notEmpty{: %ex{short.message}}%n
logger.repl.name = org.apache.spark.repl.Main
logger.repl.level = error
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
"""
"""Only errors, a line each; the two loggers are raised by Spark itself unless named."""

LONGEST_CAUSE = 400
"""Where the cause of a job's end is cut [character]."""

TASK_FAILURES = 4
"""Times that Spark tries a task whose worker died; a local master tries once."""

ROWS_OPTIONS = {
    "spark.sql.caseSensitive": "true",
    "spark.sql.files.maxPartitionBytes": str(1 << 50),
    "spark.sql.files.minPartitionNum": "1",
    "spark.sql.unionOutputPartitioning": "false",
    "spark.sql.orc.columnarReaderBatchSize": "128",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(64 << 20),
}
"""For a store whose rows Spark brings. Names are what the store says. A file is never
cut, else its parts would come out of order. A union keeps the partitions of its frames:
each is a shard. An alert may be 600 kB, so batches are few rows in the JVM, whose
default of 4096 would be 2 GB, and bounded by bytes on their way to Python."""

log = logging.getLogger("nightmail")


@contextmanager
def spark_session(settings: Settings) -> Iterator[Any]:
    """Give the process's Spark session, starting it if need be.

    Whoever started it stops it, so that several nights in a row can share one.

    Raises
    ------
    SettingsError
        No Java that Spark can run on is found.
    """
    from pyspark.sql import SparkSession  # noqa: PLC0415 - seconds, and only here

    active = SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    log.info("Starting Spark (%s).", settings.spark.master)
    with tempfile.TemporaryDirectory(prefix="nightmail-spark-") as scratch:
        with _interrupts_wait(), _configured(Path(scratch)):
            session = _start(settings, Path(scratch))
        try:
            yield session
        finally:
            # A job that was interrupted may have taken Java's side with it; what ended
            # the job is worth more than that.
            with suppress(Exception):
                session.stop()
            _end_gateway()


def first_cause(error: Exception) -> str:
    """Take the sentence that matters out of hundreds of lines of a Java trace."""
    text = str(error)
    cause = re.search(r".*Exception: ([^\n]+?)(?:\. |\.?\n|\.?$)", text)
    return cause[1] if cause else text.strip().partition("\n")[0][:LONGEST_CAUSE]


def _start(settings: Settings, scratch: Path) -> Any:
    from pyspark.sql import SparkSession  # noqa: PLC0415

    os.environ["JAVA_HOME"] = str(
        find_java("spark", fallback=settings.state_dir / "cache").home
    )
    os.environ["PYSPARK_PYTHON"] = settings.spark.python or sys.executable
    # Workers would import a folder named `filters` from where someone stands.
    os.environ["PYTHONSAFEPATH"] = "1"
    # It reports each call that an interrupt cuts short, at length.
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    builder = SparkSession.builder.master(_patient(settings.spark.master))
    for key, value in _options(settings.spark.master, scratch).items():
        builder = builder.config(key, value)
    session = builder.appName("nightmail").getOrCreate()
    session.sparkContext.addPyFile(str(pack(scratch / "code").path))
    return session


@contextmanager
def _configured(scratch: Path) -> Iterator[None]:
    """Have Spark start with our way of logging, and all else as SPARK_CONF_DIR has it.

    What a cluster's people have set there holds, where it is not ours to say: memory of
    executors, file systems and their keys, packages.
    """
    given = os.environ.get("SPARK_CONF_DIR")
    for file in Path(given).glob("*") if given else ():
        if file.is_file() and not file.name.startswith("log4j"):
            shutil.copy(file, scratch)
    (scratch / "log4j2.properties").write_text(LOG4J)
    os.environ["SPARK_CONF_DIR"] = str(scratch)
    try:
        yield
    finally:
        os.environ.pop("SPARK_CONF_DIR")
        if given:
            os.environ["SPARK_CONF_DIR"] = given


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold back Ctrl-C while Java starts, which would be left behind half-started.

    Afterwards our own handlers stand again: Spark's would call Java from within a call.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


def _options(master: str, scratch: Path) -> dict[str, str]:
    options = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.speculation": "false",
        "spark.task.maxFailures": str(TASK_FAILURES),
        "spark.sql.session.timeZone": "UTC",
        "spark.executorEnv.PYTHONSAFEPATH": "1",
        **{
            f"spark.executorEnv.{name}": os.environ.get(name, to)
            for name, to in KEPT_BY_ARROW.items()
        },
        "spark.driver.memory": "1g",
        "spark.sql.artifact.isolation.enabled": "false",
        **ROWS_OPTIONS,
    }
    if master.startswith("local"):
        options |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(scratch / "local"),
            "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        }
    return options


def _patient(master: str) -> str:
    """Let a local master try a task again, as clusters do."""
    match = re.fullmatch(r"local\[(\*|\d+)\]", master)
    return f"local[{match[1]},{TASK_FAILURES}]" if match else master


def _end_gateway() -> None:
    """End the JVM, which would otherwise live as long as this process."""
    from pyspark import SparkContext  # noqa: PLC0415

    gateway = SparkContext._gateway  # noqa: SLF001 - pyspark has no public way
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=30)
        SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001

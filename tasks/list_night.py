"""List the files of a night: by the folder, or by the log of a streaming writer."""

import logging
from pathlib import Path
from urllib.parse import unquote, urlparse

from runtime.spark import spark_session
from settings import Settings
from store.night import is_streamed, list_files

log = logging.getLogger("nightmail")


def list_night(settings: Settings, folder: Path) -> tuple[str, ...]:
    """Name the files that count.

    A streaming Spark job leaves a log of what it has committed, and beside it, after a
    failure, files that do not count. Spark reads that log; where there is none, the
    folder itself tells, and no Spark is started for it.

    Returns
    -------
    tuple of str
        Paths relative to the folder, sorted: the ledger knows files by these.
    """
    if not is_streamed(folder):
        return list_files(folder)
    log.info("A streaming writer's log says which files of %s count.", folder.name)
    with spark_session(settings) as spark:
        # Any format follows the log; this one needs no schema, so a night of no file
        # is listed too.
        urls = spark.read.format("binaryFile").load(str(folder)).inputFiles()
    paths = [Path(unquote(urlparse(url).path)) for url in urls]
    return tuple(sorted(path.relative_to(folder).as_posix() for path in paths))

"""List the files of a night: by the folder, or by the log of a streaming writer."""

import logging
from pathlib import PurePosixPath

from runtime.spark import spark_session
from settings import Settings
from store.night import is_streamed, list_files
from store.path import StorePath, path_in_url

log = logging.getLogger("nightmail")


def list_night(settings: Settings, folder: StorePath) -> tuple[str, ...]:
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
        return list_files(folder, settings.store.format)
    log.info("A streaming writer's log says which files of %s count.", folder.name)
    with spark_session(settings) as spark:
        # Any format follows the log; this one needs no schema, so a night of no file
        # is listed too.
        urls = spark.read.format("binaryFile").load(folder.spark_url).inputFiles()
    paths = [PurePosixPath(path_in_url(url)) for url in urls]
    below = [path.relative_to(folder.spark_path) for path in paths]
    return tuple(sorted(path.as_posix() for path in below))

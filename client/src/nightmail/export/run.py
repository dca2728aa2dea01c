"""Pieces of topics into files, several at a time."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any

from nightmail._errors import NightmailError, SchemaError
from nightmail._save import write_whole
from nightmail.export.chunks import Chunk, read_chunks
from nightmail.export.formats import FORMATS
from nightmail.export.plan import Piece, Record

__all__ = ["run"]

_STEP_S = 0.2
"""Time between two looks at how far it is [s]."""

_logger = logging.getLogger("nightmail")


class _StoppedError(Exception):
    """Somebody else failed, or it was interrupted."""


class _Progress:
    """How many offsets are done, counted by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self.is_stopped = False

    def add(self, number: int) -> None:
        if self.is_stopped:
            raise _StoppedError
        with self._lock:
            self._number += number

    def take(self) -> int:
        with self._lock:
            number, self._number = self._number, 0
        return number


def run(
    config: Mapping[str, Any],
    pieces: Iterable[Piece],
    record: Record,
    *,
    at_once: int,
    say: Callable[[int], None],
) -> None:
    """Write pieces into files.

    Parameters
    ----------
    config
        As for `AlertConsumer`.
    pieces
        What is left to do.
    record
        Where it is noted, and in which format it is written.
    at_once
        How many pieces.
    say
        Told by how many offsets it went on.

    Raises
    ------
    NightmailError
        Kafka does not answer, or a file cannot be written. What was noted is whole,
        and another call goes on behind it.
    """
    progress = _Progress()
    with ThreadPoolExecutor(at_once) as pool:
        jobs = {pool.submit(_export, config, p, record, progress) for p in pieces}
        try:
            _watch(jobs, progress, say)
        finally:
            progress.is_stopped = True
            pool.shutdown(cancel_futures=True)


def _watch(
    jobs: set[Future[None]], progress: _Progress, say: Callable[[int], None]
) -> None:
    left = jobs
    while left:
        done, left = wait(left, _STEP_S, FIRST_EXCEPTION)
        say(progress.take())
        for job in done:
            job.result()


def _export(
    config: Mapping[str, Any], piece: Piece, record: Record, progress: _Progress
) -> None:
    for chunk in read_chunks(config, piece, progress.add):
        bad = _write(chunk, piece, record) if chunk.values else 0
        record.note(piece, chunk.following, alerts=len(chunk.values) - bad, bad=bad)


def _write(chunk: Chunk, piece: Piece, record: Record) -> int:
    """Write a chunk; give how many of its values were set aside."""
    form = record.wish["format"]
    name = f"{piece.topic}-{piece.partition}-{chunk.first:012d}"
    try:
        content, bad = FORMATS[form](chunk.key, chunk.values, record.wish["columns"])
    except NightmailError as error:
        if not isinstance(error, SchemaError):
            raise
        content, bad = b"", dict.fromkeys(range(len(chunk.values)), str(error))
    except Exception as error:  # noqa: BLE001  a key may be anything
        reason = f"its key is no schema ({type(error).__name__}: {error})"
        content, bad = b"", dict.fromkeys(range(len(chunk.values)), reason)
    for place, reason in bad.items():
        _set_aside(chunk, place, reason, piece, record)
    if len(bad) < len(chunk.values):
        write_whole(record.folder / f"{name}.{form}", content, is_replacing=True)
    return len(bad)


def _set_aside(
    chunk: Chunk, place: int, reason: str, piece: Piece, record: Record
) -> None:
    offset = chunk.offsets[place]
    name = f"{piece.topic}-{piece.partition}-{offset:012d}"
    folder = record.folder / "set_aside"
    write_whole(folder / f"{name}.value", chunk.values[place], is_replacing=True)
    write_whole(folder / f"{name}.key", chunk.key, is_replacing=True)
    _logger.warning(
        "The message of %s, partition %s, offset %s cannot be decoded: %s.",
        *(piece.topic, piece.partition, offset, reason),
    )

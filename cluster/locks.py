"""Locks on files, which end with whoever holds them, even by kill -9."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAUSE_S = 0.05
"""Time between two tries [s]."""


@contextmanager
def hold(file: Path, *, wait_s: float, shared: bool = False) -> Iterator[int]:
    """Hold the lock of a file, made if need be.

    Parameters
    ----------
    file
        Its content means nothing.
    wait_s
        How long to try [s]; 0 tries once.
    shared
        Together with others who hold it shared; else alone.

    Yields
    ------
    int
        Descriptor. The lock lasts until this and every process that inherited it, as
        `pass_fds` lets a child, have closed it or ended.

    Raises
    ------
    TimeoutError
        Somebody else holds it.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, wait_s)
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(file: Path) -> bool:
    """Tell whether somebody holds the lock of a file alone."""
    if not file.exists():
        return False
    try:
        with hold(file, wait_s=0, shared=True):
            return False
    except TimeoutError:
        return True


def _take(descriptor: int, kind: int, wait_s: float) -> None:
    end = time.monotonic() + wait_s
    while True:
        try:
            return fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= end:
                raise TimeoutError("the lock is held by somebody else") from error
        time.sleep(PAUSE_S)

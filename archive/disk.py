"""Writing to the archive's disk: made durable, and refused in one sentence."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from settings.errors import ArchiveUnavailableError

PENDING_PREFIX = "_"
"""Beginning of the name of whatever is not yet complete; Spark passes over it."""

REMEDIES = {
    errno.ENOSPC: "no space left on the disk; free some, then run the night again",
    errno.EDQUOT: "the disk quota is used up; free some, then run the night again",
    errno.EROFS: "the file system is read-only; mount it writable or set archive.uri",
    errno.EACCES: "permission denied; grant write access or set archive.uri",
    errno.EPERM: "not permitted; grant write access or set archive.uri",
    errno.ENOTDIR: "a file stands where a folder should be; move it or set archive.uri",
    errno.EEXIST: "a file stands where a folder should be; move it or set archive.uri",
}
"""Why the disk refuses, and what to do, by error number."""


@contextmanager
def refusals_explained(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses into one sentence that names the folder.

    Parameters
    ----------
    folder
        Folder that is written or read.

    Raises
    ------
    ArchiveUnavailableError
        The disk is full, read-only, or refuses for another reason.
    """
    try:
        yield
    except pa.ArrowInvalid as error:
        raise ArchiveUnavailableError(
            f"A file of the archive in {folder} is damaged: {error}."
        ) from error
    except OSError as error:
        why = REMEDIES.get(error.errno or 0, error.strerror or str(error))
        raise ArchiveUnavailableError(
            f"The archive in {folder} cannot be used: {why}."
        ) from error


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that readers see the old one or the new, never a part.

    Parameters
    ----------
    path
        File to write; its folders are made.
    text
        Its content, written as UTF-8.

    Raises
    ------
    ArchiveUnavailableError
        The disk refuses.
    """
    pending = path.with_name(f"{PENDING_PREFIX}{path.name}.{os.getpid()}")
    with refusals_explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            pending.write_text(text, encoding="utf-8")
            sync(pending)
            pending.replace(path)
        finally:
            pending.unlink(missing_ok=True)
        sync(path.parent)

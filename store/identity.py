"""What tells a file of any format from another."""

import hashlib

import pyarrow as pa

from settings.errors import StoreError
from store.path import StorePath, damage_named

TAIL_BYTES = 64 << 10
"""How much of a file's end counts [byte]."""


def read_identity(file: pa.NativeFile) -> tuple[str, int]:
    """Read what tells an open file from another: its end, and its size.

    ORC has types, counts and statistics at its end, as Parquet does, so that one small
    read is enough. When the file was changed does not count: a store that is copied
    would be sent again as a new one.

    Returns
    -------
    str
        16 hexadecimal digits.
    int
        Size [byte].
    """
    size = file.size()
    tail = read_end(file, TAIL_BYTES)
    return hashlib.sha256(tail + str(size).encode()).hexdigest()[:16], size


def check_identity(path: StorePath, identity: str, kind: str) -> None:
    """Check that a file is the one that was planned.

    Parameters
    ----------
    kind
        What the file should be.

    Raises
    ------
    StoreError
        It is gone, or another file.
    StoreUnavailableError
        The file system does not answer.
    """
    with damage_named(path, kind), path.open() as file:
        if read_identity(file)[0] != identity:
            raise StoreError(f"{path} changed while the night ran.")


def read_end(file: pa.NativeFile, length: int) -> bytes:
    """Read the last bytes of an open file, or all of a shorter one."""
    size = file.size()
    file.seek(max(0, size - length))
    return file.read(min(size, length))

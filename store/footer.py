"""What the footer of a file says: rows, types, sizes and identity."""

import hashlib
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from store.identity import TAIL_BYTES, read_end
from store.path import StorePath, damage_named

MAGIC = b"PAR1"
"""First and last bytes of a Parquet file."""

END = 8
"""Length of the footer's size and the magic at the end of a file [byte]."""


@dataclass(frozen=True)
class Footer:
    """One file of a night, as far as its footer tells."""

    name: str
    """Path relative to the night's folder."""

    path: StorePath
    schema: pa.Schema
    identity: str
    """16 hexadecimal digits: sha256 of the footer's bytes and the file's size. Of what
    Spark reads, see `store.identity`."""

    group_rows: tuple[int, ...]
    """Rows of each row group; what Spark reads has one, of the whole file."""

    group_bytes: tuple[int, ...]
    """Uncompressed size of each row group; what Spark reads has the file's [byte]."""

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return sum(self.group_rows)


def read_footer(folder: StorePath, name: str) -> Footer:
    """Read the footer of one Parquet file.

    Raises
    ------
    StoreError
        The file is not Parquet, is cut, or cannot be read.
    StoreUnavailableError
        The file system does not answer.
    """
    path = folder / name
    with damage_named(path), path.open() as file:
        metadata, identity = read_metadata(file)
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        return Footer(
            name=name,
            path=path,
            schema=metadata.schema.to_arrow_schema(),
            identity=identity,
            group_rows=tuple(g.num_rows for g in groups),
            group_bytes=tuple(g.total_byte_size for g in groups),
        )


def read_metadata(file: pa.NativeFile) -> tuple[pq.FileMetaData, str]:
    """Read the footer of an open Parquet file, and what tells the file from another.

    Returns
    -------
    pyarrow.parquet.FileMetaData
        The footer.
    str
        Identity of the file, see `Footer`.

    Raises
    ------
    pyarrow.ArrowInvalid
        It is not Parquet, or was cut.
    """
    tail = read_end(file, TAIL_BYTES)
    if tail[-len(MAGIC) :] != MAGIC or len(tail) < END:
        raise pa.ArrowInvalid(f"it does not end with {MAGIC.decode()}")
    length = int.from_bytes(tail[-END:-4], "little")
    if length + END > len(tail):
        tail = read_end(file, length + END)
    footer = tail[-END - length : -END]
    identity = hashlib.sha256(footer + str(file.size()).encode()).hexdigest()[:16]
    return pq.read_metadata(pa.BufferReader(tail)), identity

"""What the footer of a Parquet file says: rows, types, sizes and identity."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from settings.errors import StoreError

MAGIC = b"PAR1"
"""First and last bytes of a Parquet file."""

TAIL = 8
"""Length of the footer's size and the magic at the end of a file [byte]."""


@dataclass(frozen=True)
class Footer:
    """One file of a night, as far as its footer tells."""

    name: str
    """Path relative to the night's folder."""

    path: str
    schema: pa.Schema
    identity: str
    """16 hexadecimal digits: sha256 of the footer's bytes and the file's size."""

    group_rows: tuple[int, ...]
    """Rows of each row group."""

    group_bytes: tuple[int, ...]
    """Uncompressed size of each row group [byte]."""

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return sum(self.group_rows)


def read_footer(folder: Path, name: str) -> Footer:
    """Read the footer of one file.

    Raises
    ------
    StoreError
        The file is not Parquet, is cut, or cannot be read.
    """
    path = folder / name
    try:
        file = pq.ParquetFile(path, memory_map=True, pre_buffer=False)
        groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        return Footer(
            name=name,
            path=str(path),
            schema=file.schema_arrow,
            identity=read_identity(path),
            group_rows=tuple(g.num_rows for g in groups),
            group_bytes=tuple(g.total_byte_size for g in groups),
        )
    except (OSError, pa.ArrowException) as error:
        why = str(error).strip().splitlines()[0]
        raise StoreError(f"{name} cannot be read as Parquet: {why}") from error


def read_identity(path: Path) -> str:
    """Read what tells a file from another: its footer and its size."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(size - TAIL)
        length = int.from_bytes(file.read(4), "little")
        file.seek(size - TAIL - length)
        return hashlib.sha256(file.read(length) + str(size).encode()).hexdigest()[:16]

"""Real ZTF packets, encoded as the product does, in a file that processes share."""

import tarfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks._publish import Packets
from nightmail.avro import (
    compact,
    derive_schema,
    encode_batch,
    fingerprint,
    wire_batch,
)
from settings.names import stable_hash

RAW = "ztf_raw_*.tar.xz"
"""Packets as ZTF sends them."""

SCIENCE = "ztf_science_v402_fink-filters_regular_part-00000.parquet"
"""Records of the science store, whose columns the packets are put into."""

HASHES = 1 << 32
"""Values that the hash of an object can have."""


def encode_packets(shared: Path, path: Path) -> Packets:
    """Encode all real packets, one behind the other.

    Parameters
    ----------
    shared
        Folder of the real alerts.
    path
        File to write.
    """
    batch = read_packets(shared)
    schema = derive_schema(batch.schema)
    values = encode_batch(schema, wire_batch(batch))
    path.write_bytes(b"".join(values))
    ends: list[int] = np.cumsum([0, *map(len, values)]).tolist()
    return Packets(
        path=str(path),
        key=compact(schema).decode(),
        fingerprint=fingerprint(schema),
        spans=list(pairwise(ends)),
        objects=[stable_hash(str(o), HASHES) for o in batch.column("objectId")],
    )


def read_packets(shared: Path) -> pa.RecordBatch:
    """Put raw packets into the columns of the science store.

    What its science adds is that of the few real records there, over and over.

    Parameters
    ----------
    shared
        Folder of the real alerts.
    """
    raw = list(_raw_packets(shared))
    science = pq.read_table(shared / SCIENCE)
    added = science.take(np.arange(len(raw)) % len(science)).combine_chunks()
    columns = [
        pa.array([packet[field.name] for packet in raw], field.type)
        if all(field.name in packet for packet in raw)
        else added.column(field.name).combine_chunks()
        for field in science.schema
    ]
    return pa.RecordBatch.from_arrays(columns, names=science.column_names)


def _raw_packets(shared: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(shared.glob(RAW)):
        with tarfile.open(path) as archive:
            for member in filter(tarfile.TarInfo.isfile, archive):
                file: Any = archive.extractfile(member)
                reader: Any = fastavro.reader(file)
                if reader.codec == "null":  # the one of another needs a package more
                    yield next(reader)

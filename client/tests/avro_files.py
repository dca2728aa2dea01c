"""Real alerts as bytes, out of the Avro containers in ../shared/data."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa

__all__ = ["CONTAINERS", "read_groups"]

DATA = Path(__file__).parents[3] / "shared" / "data"

CONTAINERS = {
    "ztf_science_avro_v402_fink-client_part-3-305711.avro": 31,
    "lsst_science_avro_fink-client_part-2-918301.avro": 7,
    "lsst_raw_v90_fink-broker_20250906.tar.xz": 100,
    "ztf_raw_multinight_v33_v401.tar.xz": 88,
    "ztf_raw_v32_fink-alert-simulator.tar.xz": 499,
    "ztf_raw_v402_fink-broker.tar.xz": 1085,
}
"""Every Avro file there, and how many alerts it has."""

HEADER = {
    "type": "record",
    "name": "Header",
    "fields": [
        {"name": "magic", "type": {"type": "fixed", "name": "magic", "size": 4}},
        {"name": "meta", "type": {"type": "map", "values": "bytes"}},
        {"name": "sync", "type": {"type": "fixed", "name": "sync", "size": 16}},
    ],
}


def read_groups(name: str) -> list[tuple[Any, list[bytes]]] | None:
    """Read a file's alerts, as they stand there; None where there is no such file.

    Returns
    -------
    list of tuple
        For each schema, as JSON gives it, its values.
    """
    path = DATA / name
    if not path.exists():
        return None
    found: dict[bytes, list[bytes]] = {}
    for content in _contents(path):
        schema, values = _read_container(content)
        found.setdefault(schema, []).extend(values)
    return [(json.loads(schema), values) for schema, values in found.items()]


def _contents(path: Path) -> Iterator[bytes]:
    if path.suffix == ".avro":
        yield path.read_bytes()
        return
    with tarfile.open(path) as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is not None:
                yield file.read()


def _read_container(content: bytes) -> tuple[bytes, list[bytes]]:
    """Cut a container into its values.

    fastavro would want another package for Snappy, which pyarrow has.
    """
    buffer = io.BytesIO(content)
    meta = _read(buffer, HEADER)["meta"]
    schema = fastavro.parse_schema(json.loads(meta["avro.schema"]))
    values = []
    while buffer.tell() < len(content):
        count, block = _read(buffer, "long"), _read(buffer, "bytes")
        buffer.read(16)
        if meta.get("avro.codec") == b"snappy":
            block = _unsnap(block)
        rows = io.BytesIO(block)
        for _ in range(count):
            start = rows.tell()
            fastavro.schemaless_reader(rows, schema, None)
            values.append(block[start : rows.tell()])
    return meta["avro.schema"], values


def _unsnap(block: bytes) -> bytes:
    """Decompress a block: its length stands before it, and a checksum behind it."""
    size = 0
    for place, byte in enumerate(block):
        size |= (byte & 127) << 7 * place
        if byte < 128:
            break
    return pa.Codec("snappy").decompress(block[:-4], size, asbytes=True)


def _read(buffer: io.BytesIO, schema: Any) -> Any:
    return fastavro.schemaless_reader(buffer, fastavro.parse_schema(schema), None)

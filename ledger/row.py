"""A row of the ledger: what became of one unit on one topic."""

import io
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self, TypeVar

import fastavro

import schemas
from settings.errors import LedgerError

MAGIC = b"\xc3\x01"
"""Beginning of an Avro single-object encoding (Avro 1.12 specification)."""

FINGERPRINT_BYTES = 8
"""Length of the schema's CRC-64-AVRO that follows the magic."""

SCHEMA = "ledger"
"""Name of the schema of a row's value."""


CLAIM = ""
"""Unit of a key that is no unit's but a run's, see `ledger.claim`."""

T = TypeVar("T")

SEPARATORS = (",", ":")
"""Of the JSON of a key: no spaces."""


@dataclass(frozen=True, order=True)
class LedgerKey:
    """Which unit of which night on which topic."""

    prefix: str
    survey: str
    night: str
    unit: str
    topic: str

    def encode(self) -> bytes:
        """Bytes of the record's key: a JSON array."""
        parts = (self.prefix, self.survey, self.night, self.unit, self.topic)
        return json.dumps(parts, separators=SEPARATORS).encode()

    @classmethod
    def decode(cls, key: bytes) -> Self:
        """Read what `encode` wrote."""
        return cls(*json.loads(key))


def begin_key(parts: tuple[str, ...]) -> bytes:
    """Give the bytes that keys begin with whose first parts are these, and no others.

    Parameters
    ----------
    parts
        Prefix, survey and night, and maybe the unit.
    """
    return json.dumps(parts, separators=SEPARATORS).encode()[:-1] + b","


@dataclass(frozen=True)
class PartitionRange:
    """Where a unit's alerts stand in one partition of a topic."""

    partition: int
    first_offset: int
    last_offset: int
    count: int


@dataclass(frozen=True)
class LedgerRow:
    """What became of one unit on one topic; fields as in `schemas/ledger.avsc`."""

    outcome: str
    """`sent` or `failed`."""

    identity: str
    """Identity of the file that was read."""

    filter_version: str
    rows: int = 0
    """Alerts that the filter kept and the topic has."""

    read: int = 0
    """Alerts that the filter saw."""

    digest: str = ""
    """16 hexadecimal digits of the sha256 of the sorted ids."""

    generation: int = 0
    archive_slice: str | None = None
    classes: dict[str, int] = field(default_factory=dict)
    """Kept alerts per class."""

    partitions: tuple[PartitionRange, ...] = ()
    size: int = 0
    """Size of what was delivered [byte]."""

    seconds: float = 0.0
    """CPU time of the filter [s]."""

    reason: str | None = None
    """Why it failed; of a row that was sent, what a repair has done."""

    set_aside: int = 0
    """Alerts kept by the filter that could not be sent, ever."""

    nulls: tuple[str, ...] = ()
    """Columns that this file does not have, taken as null."""

    def encode(self) -> bytes:
        """Bytes of the record's value: an Avro single-object encoding."""
        schema, fingerprint = _writer()
        buffer = io.BytesIO()
        buffer.write(MAGIC + fingerprint)
        record = vars(self) | {"partitions": [vars(p) for p in self.partitions]}
        fastavro.schemaless_writer(buffer, schema, record)
        return buffer.getvalue()

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read what `encode` wrote.

        Raises
        ------
        LedgerError
            The value was written by a version of nightmail that this one does not know.
        """
        schema, fingerprint = _writer()
        head = len(MAGIC) + FINGERPRINT_BYTES
        if value[:head] != MAGIC + fingerprint:
            raise LedgerError(
                "A row of the ledger was written by another version of nightmail: run"
                " that one, or a later one."
            )
        record: Any = fastavro.schemaless_reader(
            io.BytesIO(value[head:]), schema, schema
        )
        ranges = [_fill(PartitionRange, p) for p in record["partitions"]]
        return _fill(
            cls,
            record | {"partitions": tuple(ranges), "nulls": tuple(record["nulls"])},
        )


def _fill(kind: type[T], fields: dict[str, Any]) -> T:
    """Make a frozen object of all its fields, ten times as fast as by its __init__."""
    made = object.__new__(kind)
    vars(made).update(fields)
    return made


@cache
def _writer() -> tuple[Any, bytes]:
    """Give the parsed schema of today's rows, and its fingerprint."""
    schema = fastavro.parse_schema(schemas.load(SCHEMA))
    canonical = fastavro.schema.to_parsing_canonical_form(schema)
    number = fastavro.schema.fingerprint(canonical, "CRC-64-AVRO")
    return schema, bytes.fromhex(number)

"""Encoded alerts of one unit, waiting for their transaction."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ledger.transaction import Record

MEMORY_BYTES = 64 << 20
"""Size above which the encoded alerts wait in a temporary file [byte]."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One alert of the outbox; its bytes stand in the spool, in order."""

    id: int
    partition: int
    length: int
    filters: tuple[str, ...]


class Outbox:
    """Alerts of one unit, each encoded once, for every topic that wants them.

    Parameters
    ----------
    key
        Record key of them all: the Avro schema as JSON.
    headers
        Headers that all have.
    """

    def __init__(self, key: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        self.key = key
        self._headers = tuple(headers)
        self._alerts: list[Waiting] = []
        self._spool = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by __exit__
            max_size=MEMORY_BYTES, prefix="nightmail-outbox-"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def add(self, alert: Waiting, value: bytes) -> None:
        """Put one encoded alert behind the others."""
        self._alerts.append(alert)
        self._spool.write(value)

    def records(self, topics: Mapping[str, str]) -> Iterator[Record]:
        """Yield a record per alert and topic.

        Parameters
        ----------
        topics
            Topic of each filter that is sent now.
        """
        self._spool.seek(0)
        for alert in self._alerts:
            value = self._spool.read(alert.length)
            headers = (*self._headers, ("id", str(alert.id).encode()))
            for name in alert.filters:
                if name in topics:
                    yield Record(
                        topics[name], alert.partition, self.key, value, headers
                    )

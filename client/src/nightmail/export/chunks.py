"""Messages of a piece of a partition, in chunks of one schema that fit into memory."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from nightmail._connection import connection
from nightmail._errors import BrokerUnavailableError
from nightmail.export.plan import Piece

__all__ = ["Chunk", "read_chunks"]

MOST_ALERTS = 10_000
"""In a chunk, and so in a file."""

MOST_BYTES = 32 * 2**20
"""Of values in a chunk [byte]."""

_BATCH = 100
"""Messages taken from librdkafka at a time."""

_PATIENCE_S = 30.0
"""How long nothing may come while there is something to come [s]."""


@dataclass
class Chunk:
    """Alerts that go into one file."""

    first: int
    """Offset of the first."""

    key: bytes
    """Their schema, as JSON."""

    values: list[bytes] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    size: int = 0
    """Of the values [byte]."""

    following: int = 0
    """Offset behind what was looked at for it."""

    def add(self, offset: int, value: bytes) -> None:
        """Put a message in."""
        self.values.append(value)
        self.offsets.append(offset)
        self.size += len(value)

    @property
    def is_full(self) -> bool:
        """Whether the next message goes into another."""
        return len(self.values) >= MOST_ALERTS or self.size >= MOST_BYTES


def read_chunks(
    config: Mapping[str, Any], piece: Piece, say: Callable[[int], None]
) -> Iterator[Chunk]:
    """Read a piece; the same piece is always cut in the same way.

    Parameters
    ----------
    config
        As for `AlertConsumer`; the group's position is neither used nor changed.
    piece
        What to read.
    say
        Told by how many offsets it went on; it may raise, to end this.

    Yields
    ------
    Chunk
        In the order of offsets. The last one reaches to the end of the piece, and may
        be without alerts.

    Raises
    ------
    BrokerUnavailableError
        Nothing comes for a long time.
    """
    chunk = Chunk(piece.start, b"")
    at = piece.start
    for message in _messages(config, piece, say):
        say(message.offset() + 1 - at)
        at = message.offset() + 1
        if piece.night and _night(message) != piece.night:
            continue
        key = message.key() or b""
        if chunk.values and (chunk.is_full or key != chunk.key):
            chunk.following = message.offset()
            yield chunk
            chunk = Chunk(message.offset(), key)
        chunk.key = key
        chunk.add(message.offset(), message.value() or b"")
    say(piece.end - at)
    chunk.following = piece.end
    yield chunk


def _messages(
    config: Mapping[str, Any], piece: Piece, say: Callable[[int], None]
) -> Iterator[Any]:
    properties = connection(config) | {
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "queued.max.messages.kbytes": MOST_BYTES // 2**10,
    }
    with closing(Consumer(properties)) as consumer:
        consumer.assign([TopicPartition(piece.topic, piece.partition, piece.start)])
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            say(0)
            for message in consumer.consume(_BATCH, 0.2):
                if _is_end(message, piece):
                    return
                if message.error() is None:
                    deadline = time.monotonic() + _PATIENCE_S
                    yield message
            if time.monotonic() > deadline:
                raise BrokerUnavailableError(
                    f"Nothing comes of {piece.topic}, partition {piece.partition}; the"
                    " same command goes on later where it ended."
                )


def _is_end(message: Any, piece: Piece) -> bool:
    error = message.error()
    if error is not None:
        is_end: bool = error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001
        return is_end
    return bool(message.offset() >= piece.end)


def _night(message: Any) -> str | None:
    for name, value in message.headers() or ():
        if name == "night":
            return bytes(value or b"").decode()
    return None

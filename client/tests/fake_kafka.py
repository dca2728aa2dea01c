"""Stands in for librdkafka's consumer, without network."""

# ruff: noqa: D102 - the methods are librdkafka's

import json
import time
from dataclasses import dataclass, field
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from client.tests.avro_alerts import write

__all__ = [
    "CONFIG",
    "KEY",
    "SCHEMA",
    "FakeBroker",
    "FakeMessage",
    "bad_message",
    "good_message",
    "numbered",
]

SCHEMA = {
    "type": "record",
    "name": "topLevelRecord",
    "fields": [{"name": "candid", "type": ["long", "null"]}],
}
KEY = json.dumps(SCHEMA).encode()
CONFIG = {"bootstrap.servers": "127.0.0.1:9092", "group.id": "me"}


@dataclass
class FakeMessage:
    """What librdkafka hands out."""

    _key: bytes | None = KEY
    _value: bytes | None = b"\x00\x02"
    _error: KafkaError | None = None
    _headers: list[tuple[str, bytes | None]] | None = None
    _offset: int = 17
    _topic: str = "fink_x_ztf"
    _time_ms: int = 0

    def key(self) -> bytes | None:
        return self._key

    def value(self) -> bytes | None:
        return self._value

    def error(self) -> KafkaError | None:
        return self._error

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self._headers

    def topic(self) -> str:
        return self._topic

    def timestamp(self) -> tuple[int, int]:
        return 1, self._time_ms

    def __len__(self) -> int:
        return len(self._value or b"")

    def partition(self) -> int:
        return 2

    def offset(self) -> int:
        return self._offset


@dataclass
class FakeBroker:
    """Stands in for librdkafka's consumer."""

    messages: list[FakeMessage | None] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)
    committed: list[int] = field(default_factory=list)
    sought: list[int] = field(default_factory=list)
    subscribed: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    topics: Any = ()
    closed: bool = False
    store_error: KafkaError | None = None
    answers: bool = True
    properties: dict[str, Any] = field(default_factory=dict)

    def __call__(self, properties: dict[str, Any]) -> Self:
        self.properties = properties
        return self

    def subscribe(self, topics: list[str], on_assign: Any, on_revoke: Any) -> None:
        self.subscribed, self.on_assign, self.on_revoke = topics, on_assign, on_revoke

    def poll(self, timeout: float) -> FakeMessage | None:
        if self.messages:
            return self.messages.pop(0)
        self.waits.append(timeout)
        time.sleep(timeout)
        return None

    def error(self, name: str) -> KafkaError:
        return KafkaError(getattr(KafkaError, name))

    def consume(self, most: int, timeout: float) -> list[FakeMessage]:
        assert timeout == 0
        ready = [m for m in self.messages[:most] if m is not None]
        del self.messages[: len(ready)]
        return ready

    def store_offsets(self, offsets: list[TopicPartition]) -> None:
        if self.store_error:
            raise KafkaException(self.store_error)
        self.stored += [one.offset for one in offsets]

    def commit(self, *, asynchronous: bool) -> None:
        assert not asynchronous
        self.committed = list(self.stored)

    def seek(self, place: TopicPartition) -> None:
        self.sought.append(place.offset)

    def list_topics(self, timeout: float) -> Any:
        assert timeout > 0
        if not self.answers:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return self

    def close(self) -> None:
        self.closed = True


def good_message(offset: int, **more: Any) -> FakeMessage:
    """Make the message of an alert whose id is its offset."""
    return FakeMessage(_value=_encoded(offset), _offset=offset, **more)


def bad_message(offset: int) -> FakeMessage:
    """Make a message that is cut."""
    return FakeMessage(_value=b"\x00", _offset=offset)


def numbered(*offsets: int) -> list[FakeMessage | None]:
    """Make messages of alerts whose ids are their offsets."""
    return [good_message(offset) for offset in offsets]


def _encoded(number: int) -> bytes:
    (value,) = write(SCHEMA, {"candid": number})
    return value

"""Which schema the records of some topics have."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from nightmail._errors import ConfigError
from nightmail.avro import fingerprint
from nightmail.spark.follow import Follower
from nightmail.spark.log import Log
from nightmail.spark.ranges import Place, Range
from nightmail.spark.wish import Wish

__all__ = ["Choice", "choose_schema", "read_key"]

_TAIL = 3
"""Offsets looked at from the end: behind the last record is a transaction's mark."""


@dataclass(frozen=True)
class Choice:
    """The schema by which records are read."""

    avro: Any = field(repr=False)
    fingerprint: str
    forced: bool = False
    """Whether it holds whatever a record's key says."""


def choose_schema(wish: Wish) -> Choice:
    """Find the schema of the wished records.

    The first and the last record of each partition tell it. Where none of them is
    wished, or has the wished schema, all are looked at until one does.

    Raises
    ------
    ConfigError
        There are several schemas, or none; the file is none.
    """
    if wish.schema_file is not None:
        return _read_file(wish.schema_file)
    with Log(wish) as log:
        ranges = log.ranges()
    seen = _Seen(wish)
    if wish.fingerprint is None:
        seen.look_at_first(ranges)
    seen.look_at_last(ranges)
    if wish.fingerprint is not None:
        seen.search(ranges, wish.fingerprint)
    return seen.choose()


@lru_cache(maxsize=64)
def read_key(key: bytes | None) -> Choice | None:
    """Read the schema in a record's key; None if it is not that of an alert."""
    try:
        avro = json.loads((key or b"").decode())
    except ValueError:
        return None
    if not isinstance(avro, dict) or avro.get("type") != "record":
        return None
    return Choice(avro, fingerprint(avro))


class _Seen:
    """Schemas that were seen, and on which topics."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._choices: dict[str, Choice] = {}
        self._topics: dict[str, set[str]] = {}
        self._nameless: str = ""

    def look_at_first(self, ranges: list[Range]) -> None:
        """Look at the first wished record of each partition."""
        looked: set[Place] = set()
        with Follower(self._wish, ranges) as follower:
            for message in self._wished(follower):
                if (place := (message.topic(), message.partition())) not in looked:
                    self._note(message)
                    looked.add(place)
                    follower.drop(place)

    def look_at_last(self, ranges: list[Range]) -> None:
        """Look at the last records of each partition, if they are wished."""
        tails = [
            Range(r.topic, r.partition, max(r.start, r.end - _TAIL), r.end)
            for r in ranges
        ]
        with Follower(self._wish, tails) as follower:
            for message in self._wished(follower):
                self._note(message)

    def search(self, ranges: list[Range], mark: str) -> None:
        """Look at all, until one has this fingerprint."""
        if mark in self._choices:
            return
        with Follower(self._wish, ranges) as follower:
            for message in self._wished(follower):
                self._note(message)
                if mark in self._choices:
                    return

    def choose(self) -> Choice:
        """Give the one that is wished, or the only one."""
        wished = self._wish.fingerprint
        topics = ", ".join(self._wish.topics)
        if wished in self._choices:
            return self._choices[wished]
        if wished is not None:
            raise ConfigError(
                f"No record of {topics} has the schema {wished}; {self._tell()}."
            )
        if len(self._choices) > 1:
            raise ConfigError(
                f"The records of {topics} have {len(self._choices)} schemas: choose one"
                f" by the option schema; {self._tell()}."
            )
        if not self._choices:
            raise ConfigError(
                f"The schema of {topics} is not known: {self._tell()}; give it by the"
                " option schema, as a file."
            )
        return next(iter(self._choices.values()))

    def _wished(self, follower: Follower) -> Iterator[Any]:
        for messages in follower:
            yield from filter(self._wish.takes, messages)

    def _note(self, message: Any) -> None:
        choice = read_key(message.key())
        if choice is None:
            self._nameless = message.topic()
            return
        self._choices.setdefault(choice.fingerprint, choice)
        self._topics.setdefault(choice.fingerprint, set()).add(message.topic())

    def _tell(self) -> str:
        if self._choices:
            found = (f"{m} on {', '.join(sorted(t))}" for m, t in self._topics.items())
            return f"there are {'; '.join(sorted(found))}"
        if self._nameless:
            return f"keys of records of {self._nameless} are no schema"
        return "there is no record of the wished time and nights"


def _read_file(name: str) -> Choice:
    try:
        avro = json.loads(Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"The schema {name} is no fingerprint of 16 digits, and as a file it cannot"
            f" be read: {error.strerror}."
        ) from error
    except ValueError as error:
        raise ConfigError(f"The file {name} is no Avro schema: {error}.") from error
    if not isinstance(avro, dict) or avro.get("type") != "record":
        raise ConfigError(f"The file {name} is no Avro schema of a record.")
    return Choice(avro, fingerprint(avro), forced=True)

"""What a reader was given and what it has finished with: every alert at least once."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from nightmail._ahead import Ahead
from nightmail._aside import Aside
from nightmail._decode import Decoded
from nightmail._errors import AlertError
from nightmail._messages import Place, place_of
from nightmail._schemas import Schemas

__all__ = ["Feed", "Hand"]

_BATCH = 256
"""Most messages taken at once."""

_AHEAD = 64
"""How many are taken where they are decoded ahead."""


class Feed(Protocol):
    """Where the messages of a reader come from."""

    @property
    def is_over(self) -> bool:
        """Whether nothing comes any more."""

    def take(self, most: int, timeout: float) -> list[Any]:
        """Wait for messages [s, for ever if negative]; none if nothing came in time."""

    def gone(self) -> set[Place]:
        """Name, once, the partitions that went to another member of the group."""

    def store(self, offsets: Mapping[Place, int]) -> None:
        """Note the offsets behind what was read."""

    def commit(self) -> None:
        """Tell Kafka at once what was noted."""

    def rewind(self, offsets: Mapping[Place, int]) -> None:
        """Give messages from these offsets on again."""

    def topics(self) -> list[str]:
        """Name the topics that one may read."""

    def close(self) -> None:
        """Leave in good order."""


class Hand:
    """Messages between Kafka and the program.

    A message is waiting, then in hand, then read. Only what is read is told to Kafka;
    whatever is raised, a message that was not handed out is waiting again.

    Parameters
    ----------
    feed
        Where messages come from.
    schemas
        By what they are read.
    aside
        What keeps bad messages; None where they are raised.
    patience
        How long is waited where the caller does not say it [s].
    """

    def __init__(
        self, feed: Feed, schemas: Schemas, aside: Aside | None, patience: float
    ) -> None:
        self.feed = feed
        self.schemas = schemas
        self.aside = aside
        self.last: Decoded | None = None
        self.last_key: bytes | None = None
        self._patience = patience
        self._ahead = Ahead(schemas)
        self._waiting: deque[Any] = deque()
        self._in_hand: dict[Place, tuple[int, int]] = {}
        self._told: set[tuple[str | None, int | None, int | None]] = set()

    @property
    def is_over(self) -> bool:
        """Whether nothing comes any more."""
        return self.feed.is_over and not self._waiting

    def acknowledge(self) -> None:
        """Count what is in hand as read."""
        read, self._in_hand, self.last = self._in_hand, {}, None
        if read:
            self.feed.store({place: behind for place, (_, behind) in read.items()})

    def receive(self, most: int, timeout: float | None) -> list[Decoded]:
        """Wait for alerts; those before count as read now.

        Parameters
        ----------
        most
            How many to wait for.
        timeout
            How long [s]; for ever if negative.

        Raises
        ------
        AlertError
            The first message that would be given cannot be decoded.
        FileError
            A bad message cannot be set aside.
        """
        self.acknowledge()
        end = self.end(timeout)
        taken: list[Any] = []
        found: list[Decoded] = []
        bad: AlertError | None = None
        try:
            while len(found) < most:
                message = self._next_decoded(most - len(found), end)
                if message is None:
                    break
                taken.append(message)
                self.last_key = message.key()
                decoded = self._read(message)
                if isinstance(decoded, AlertError):
                    if found:
                        self.put_back([taken.pop()])
                    else:
                        bad = decoded
                    break
                found += [decoded] if decoded else []
        except BaseException:
            self.put_back(taken)
            raise
        self.hold(taken)
        if bad is not None:
            raise bad
        self.last = found[-1] if found else None
        return found

    def end(self, timeout: float | None) -> float:
        """Tell until when to wait, on the monotonic clock [s]."""
        wait = self._patience if timeout is None else timeout
        return time.monotonic() + wait if wait >= 0 else float("inf")

    def next(self, most: int, end: float) -> Any:
        """Wait for the next message; None if nothing came in time.

        Parameters
        ----------
        most
            How many will be asked for.
        end
            Until when, on the monotonic clock [s].
        """
        if gone := self.feed.gone():
            left_to_us = (m for m in self._waiting if place_of(m) not in gone)
            self._waiting = deque(left_to_us)
        if not self._waiting:
            left = max(0.0, end - time.monotonic())
            wait = -1 if left == float("inf") else left
            self._waiting += self.feed.take(min(most, _BATCH), wait)
        return self._waiting.popleft() if self._waiting else None

    def hold(self, messages: Sequence[Any]) -> None:
        """Have messages in hand."""
        for message in messages:
            place, offset = place_of(message), message.offset()
            first, _ = self._in_hand.get(place, (offset, offset))
            self._in_hand[place] = (first, offset + 1)

    def put_back(self, messages: Sequence[Any]) -> None:
        """Have messages waiting again, before all others."""
        self._waiting.extendleft(reversed(messages))

    def drop(self) -> None:
        """Have the last alert waiting again."""
        if self.last is not None:
            self.put_back([self.last.message])
        self._in_hand, self.last = {}, None

    def rewind(self) -> None:
        """Have all that is in hand come again from Kafka."""
        first = {place: begin for place, (begin, _) in self._in_hand.items()}
        for message in self._waiting:
            first.setdefault(place_of(message), message.offset())
        self._waiting.clear()
        self._in_hand, self.last = {}, None
        self.feed.rewind(first)

    def is_settled(self, message: Any, error: AlertError) -> bool:
        """Tell whether a bad message was told before, or is set aside now."""
        if (error.topic, error.partition, error.offset) in self._told:
            return True
        if self.aside is None:
            return False
        self.aside.put(message, error)
        return True

    def told(self, error: AlertError) -> AlertError:
        """Note that a message need not be told of again."""
        self._told.add((error.topic, error.partition, error.offset))
        return error

    def _next_decoded(self, most: int, end: float) -> Any:
        """Wait for the next message; those that wait behind it are decoded, too."""
        is_new = not self._waiting
        message = self.next(max(most, _AHEAD) if self._ahead.is_worth else most, end)
        if is_new and message is not None:
            self._ahead.look((message, *self._waiting))
        return message

    def _read(self, message: Any) -> Decoded | AlertError | None:
        """Decode a message; give the error, or None if that is dealt with."""
        try:
            return self._ahead.decode(message)
        except AlertError as error:
            return None if self.is_settled(message, error) else error

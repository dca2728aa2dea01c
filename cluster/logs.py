"""What the local Kafka says: the end of its logs, and what is added."""

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cluster.status import BrokerStatus

PAUSE_S = 0.2
"""Time between two looks at logs that are followed [s]."""


@dataclass(frozen=True)
class Line:
    """One line of a log."""

    broker: int
    """Whose, from 1."""

    text: str
    """Without its end."""


def read_end(brokers: Sequence[BrokerStatus], lines: int) -> list[Line]:
    """Give the last lines of each broker's log, one broker after the other."""
    found: list[Line] = []
    for broker in brokers:
        try:
            with broker.log.open(errors="replace") as file:
                last = deque(file, lines)
        except FileNotFoundError:
            continue
        found += [Line(broker.number, text.rstrip("\n")) for text in last]
    return found


def follow(
    brokers: Sequence[BrokerStatus], *, pause: Callable[[float], None] = time.sleep
) -> Generator[Line, None, None]:
    """Give what is added to logs from now on, for ever, over restarts.

    Parameters
    ----------
    brokers
        Whose logs.
    pause
        Waits so many seconds.
    """
    # At once, so that nothing is missed until the first line is asked for.
    return _follow({broker.number: _Tail(broker.log) for broker in brokers}, pause)


def _follow(
    tails: Mapping[int, "_Tail"], pause: Callable[[float], None]
) -> Generator[Line, None, None]:
    try:
        while True:
            for number, tail in tails.items():
                for text in tail.read():
                    yield Line(number, text)
            pause(PAUSE_S)
    finally:
        for tail in tails.values():
            tail.close()


class _Tail:
    """A file from its end on; a new one of the same name is read from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._half = ""
        if path.exists():
            self._file = path.open(errors="replace")
            self._file.seek(0, 2)

    def read(self) -> Iterator[str]:
        """Yield the whole lines that are new."""
        if self._file:
            yield from self._lines(self._file)
        if self._path.exists() and not self._is_same():
            self.close()
            self._half = ""
            self._file = self._path.open(errors="replace")
            yield from self._lines(self._file)

    def close(self) -> None:
        """Let go of the file."""
        if self._file:
            self._file.close()

    def _lines(self, file: TextIO) -> Iterator[str]:
        *whole, self._half = (self._half + file.read()).split("\n")
        yield from whole

    def _is_same(self) -> bool:
        if self._file is None:
            return False
        mine = os.fstat(self._file.fileno())
        return mine.st_ino == self._path.stat().st_ino

"""What an export has done and has still to do."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from nightmail._errors import ConfigError
from nightmail._save import write_whole

__all__ = ["Piece", "Record"]

_NAME = "export.json"
"""File that says how far an export is."""


@dataclass(frozen=True)
class Piece:
    """Part of a partition."""

    topic: str
    partition: int
    start: int
    """First offset."""

    end: int
    """Offset behind the last."""

    night: str | None = None
    """Where others' alerts may stand between: only those of this night."""


@dataclass
class Record:
    """How far an export is, kept in its folder after each file.

    A file that was written and is not in it is written again, with the same name.
    """

    folder: Path
    wish: dict[str, Any]
    """What must stay the same: the format and the columns."""

    done: dict[str, int] = field(default_factory=dict)
    """Next offset by topic, partition and night, as `of` names them."""

    alerts: int = 0
    set_aside: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def open(cls, folder: Path, wish: dict[str, Any]) -> "Record":
        """Take up what is in a folder, or begin.

        Raises
        ------
        ConfigError
            The folder holds an export of something else.
        """
        file = folder / _NAME
        if not file.exists():
            return cls(folder, wish)
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            record = cls(folder, kept["wish"], kept["done"], kept["alerts"])
            record.set_aside = kept["set_aside"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{file} cannot be read; take another folder, or remove it."
            ) from error
        if record.wish != wish:
            raise ConfigError(
                f"{folder} holds an export of {record.wish}, not of {wish}; take"
                " another folder."
            )
        return record

    def left(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Cut off what is done."""
        moved = [
            Piece(p.topic, p.partition, self._at(p), p.end, p.night) for p in pieces
        ]
        return [piece for piece in moved if piece.start < piece.end]

    def note(self, piece: Piece, following: int, *, alerts: int, bad: int) -> None:
        """Keep that a piece is done up to an offset, with so many alerts."""
        with self._lock:
            self.done[_of(piece)] = following
            self.alerts += alerts
            self.set_aside += bad
            kept = {
                "wish": self.wish,
                "alerts": self.alerts,
                "set_aside": self.set_aside,
                "done": self.done,
            }
            text = json.dumps(kept, indent=1, sort_keys=True)
            write_whole(self.folder / _NAME, f"{text}\n".encode(), is_replacing=True)

    def _at(self, piece: Piece) -> int:
        return max(piece.start, self.done.get(_of(piece), 0))


def _of(piece: Piece) -> str:
    name = f"{piece.topic}/{piece.partition}"
    return f"{name}/{piece.night}" if piece.night else name

"""Messages that could not be decoded, each in a file of its own."""

import base64
import json
import logging
from pathlib import Path
from typing import Any

from nightmail._errors import AlertError, ConfigError
from nightmail._messages import headers_of
from nightmail._save import write_whole

__all__ = ["Aside", "make_aside"]

_logger = logging.getLogger("nightmail")


class Aside:
    """Keeps messages that could not be decoded.

    Parameters
    ----------
    folder
        Where their files go: `<topic>-<partition>-<offset>.json` with the reason, and
        key and value in base64. It is made if need be.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._names: set[str] = set()

    @property
    def count(self) -> int:
        """How many messages there are of this reader's."""
        return len(self._names)

    def put(self, message: Any, error: AlertError) -> None:
        """Set a message aside.

        Raises
        ------
        FileError
            It cannot be written; the message is not to count as read then.
        """
        name = f"{message.topic()}-{message.partition()}-{message.offset()}.json"
        record = {
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
            "timestamp_ms": message.timestamp()[1],
            "reason": str(error),
            "headers": headers_of(message),
            "key": _text(message.key()),
            "value": _text(message.value()),
        }
        file = self._folder / name
        write_whole(file, json.dumps(record, indent=1).encode(), is_replacing=True)
        self._names.add(name)
        _logger.warning("%s It is set aside as %s.", error, file)


def make_aside(on_bad: str, folder: str | Path | None) -> Aside | None:
    """Make what keeps bad messages; None where each is to be raised.

    Raises
    ------
    ConfigError
        `on_bad` is neither `raise` nor `set_aside`, or the folder is missing.
    """
    if on_bad not in ("raise", "set_aside"):
        raise ConfigError(f"on_bad is {on_bad!r}; write 'raise' or 'set_aside'.")
    if on_bad == "raise":
        return None
    if folder is None:
        raise ConfigError("on_bad='set_aside' wants bad_folder, where they are kept.")
    return Aside(folder)


def _text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()

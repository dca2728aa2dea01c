"""How much Slack takes, and what fits."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = [
    "BLOCK_WEIGHT",
    "MAX_BLOCKS",
    "MAX_HEADER",
    "MAX_MESSAGE",
    "MAX_TEXT",
    "MAX_UPDATE",
    "MAX_WEIGHT",
    "check",
    "check_update",
    "pieces",
    "weight",
]

MAX_BLOCKS = 50
"""Blocks of a message, by Slack's Block Kit reference."""

MAX_TEXT = 3000
"""Longest text object of a block, by the same [characters]."""

MAX_HEADER = 150
"""Longest text of a header block, by the same [characters]."""

MAX_MESSAGE = 40_000
"""Longest text of a message, by the page of chat.postMessage [characters]."""

MAX_UPDATE = 4000
"""Longest text of a message that is changed, by that of chat.update [characters]."""

BLOCK_WEIGHT = 125
"""What a block adds to the weight of a message besides its text [characters]."""

MAX_WEIGHT = 12_000
"""Most text in all blocks together, each block counted with `BLOCK_WEIGHT`.

Slack documents no such limit, and answers `msg_blocks_too_long` beyond about 13,200
(slackapi/bolt-js issues 2509 and 2867) [characters]."""


def check(message: Mapping[str, Any]) -> None:
    """Refuse a message that Slack would refuse for its size.

    Parameters
    ----------
    message
        `text`, `blocks` or both, as chat.postMessage takes them.

    Raises
    ------
    ValueError
        Which limit is exceeded, where, and by how much it is.
    """
    text, blocks = message.get("text") or "", message.get("blocks") or []
    if not text and not blocks:
        raise ValueError("A message to Slack needs a text or blocks.")
    _at_most(len(text), MAX_MESSAGE, "the text of a message has", "characters")
    _at_most(len(blocks), MAX_BLOCKS, "a message has", "blocks")
    for i, block in enumerate(blocks):
        longest = MAX_HEADER if block.get("type") == "header" else MAX_TEXT
        for shown in _texts(block):
            _at_most(len(shown), longest, f"a text of block {i} has", "characters")
            if not shown:
                raise ValueError(f"A text of block {i} is empty; Slack refuses it.")
    what = "the blocks of a message, each counted with its container, have"
    _at_most(weight(blocks), MAX_WEIGHT, what, "characters")


def check_update(message: Mapping[str, Any]) -> None:
    """Refuse what Slack would refuse in place of a message that stands.

    Parameters
    ----------
    message
        `text`, `blocks` or both, as chat.update takes them.

    Raises
    ------
    ValueError
        As `check`; a text may only have 4,000 characters here.
    """
    check(message)
    what = "the text of a message that is changed has"
    _at_most(len(message.get("text") or ""), MAX_UPDATE, what, "characters")


def weight(blocks: Sequence[Mapping[str, Any]]) -> int:
    """Count what the blocks of a message have together, to compare with `MAX_WEIGHT`.

    Parameters
    ----------
    blocks
        Of one message.

    Returns
    -------
    int
        Length of all texts, with `BLOCK_WEIGHT` for each block [characters].
    """
    return sum(
        BLOCK_WEIGHT + sum(len(text) for text in _texts(block)) for block in blocks
    )


def pieces(text: str, longest: int = MAX_MESSAGE) -> Iterator[str]:
    """Cut a text at the ends of lines, or within a line that is longer than a piece.

    Parameters
    ----------
    text
        To be cut.
    longest
        Longest piece [characters].

    Yields
    ------
    str
        Its pieces in order; the newline between two of them is left out.
    """
    while len(text) > longest:
        end = text.rfind("\n", 1, longest + 1)
        at = end if end > 0 else longest
        yield text[:at]
        text = text[at + 1 :] if end > 0 else text[at:]
    yield text


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(part, list | tuple):
        for each in part:
            yield from _texts(each)


def _at_most(number: int, most: int, what: str, unit: str) -> None:
    if number > most:
        raise ValueError(f"Slack takes at most {most:,} {unit}: {what} {number:,}.")

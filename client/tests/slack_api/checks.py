"""What Slack refuses of a message, by the limits of its Block Kit reference."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from client.tests.slack_api.workspace import SlackRefusalError

MAX_BLOCKS = 50
"""Blocks of a message."""

MAX_MESSAGE = 40_000
"""Longest text of a message [characters]."""

MAX_WEIGHT = 13_297
"""All text of all blocks, with `BLOCK_WEIGHT` for every block after the first
[characters]; measured, not documented: slackapi/bolt-js issue 2509."""

BLOCK_WEIGHT = 125
"""What a block adds besides its text [characters]."""

LONGEST = {"section": 3000, "header": 150, "context": 3000, "markdown": 12_000}
"""Longest text by type of block [characters]."""

KNOWN = {
    *("actions", "context", "divider", "file", "header", "image", "markdown"),
    *("rich_text", "section", "table", "video"),
}
"""Types of block."""

MAX_ELEMENTS = {"context": 10, "actions": 25}
"""Elements by type of block."""

MAX_FIELDS, MAX_FIELD = 10, 2000
"""Fields of a section, and their longest text [characters]."""

MAX_NAME = 255
"""Longest block_id or action_id [characters]."""

MAX_BUTTON, MAX_URL, MAX_ALT = 75, 3000, 2000
"""Longest text of a button, address, and alternative text [characters]."""

TEXT_TYPES = {"mrkdwn", "plain_text"}


def check_message(message: Mapping[str, Any], files: Mapping[str, Any]) -> None:
    """Refuse what Slack refuses.

    Parameters
    ----------
    message
        Arguments of chat.postMessage or chat.update.
    files
        Uploads by id, for what blocks show of them.

    Raises
    ------
    SlackRefusalError
        `no_text`, `msg_too_long`, `invalid_blocks`, `msg_blocks_too_long`,
        `invalid_metadata_format`.
    """
    blocks = message.get("blocks") or []
    text = message.get("text") or ""
    if not text and not blocks:
        raise SlackRefusalError("no_text")
    if len(text) > MAX_MESSAGE:
        raise SlackRefusalError("msg_too_long")
    if problems := list(_blocks(blocks, files)):
        lines = [f"[ERROR] {problem}" for problem in problems]
        raise SlackRefusalError(
            "invalid_blocks", errors=problems, response_metadata={"messages": lines}
        )
    weight = sum(map(len, texts(blocks))) + BLOCK_WEIGHT * (len(blocks) - 1)
    if weight > MAX_WEIGHT:
        raise SlackRefusalError("msg_blocks_too_long")
    _metadata(message.get("metadata"))


def texts(part: Any) -> Iterator[str]:
    """Yield every text of blocks, at any depth."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from texts(value)
    elif isinstance(part, list):
        for each in part:
            yield from texts(each)


def _metadata(metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, Mapping):
        raise SlackRefusalError("invalid_metadata_format")
    kind = metadata.get("event_type")
    payload = metadata.get("event_payload")
    if not (isinstance(kind, str) and re.fullmatch(r"\w{1,255}", kind)):
        raise SlackRefusalError("invalid_metadata_format")
    flat = isinstance(payload, Mapping) and all(
        isinstance(json.dumps(value), str) for value in payload.values()
    )
    if not flat:
        raise SlackRefusalError("invalid_metadata_format")


def _blocks(blocks: Any, files: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(blocks, list):
        yield "must be an array [json-pointer:/blocks]"
        return
    if len(blocks) > MAX_BLOCKS:
        yield f"no more than {MAX_BLOCKS} items allowed [json-pointer:/blocks]"
    seen: set[str] = set()
    for i, block in enumerate(blocks):
        where = f"/blocks/{i}"
        if not isinstance(block, Mapping) or block.get("type") not in KNOWN:
            yield f"unsupported type [json-pointer:{where}/type]"
            continue
        name = block.get("block_id")
        if name is not None and (name in seen or not 0 < len(name) <= MAX_NAME):
            yield f"invalid or doubled block_id [json-pointer:{where}/block_id]"
        seen.add(str(name))
        yield from _block(block, where, files)


def _block(
    block: Mapping[str, Any], where: str, files: Mapping[str, Any]
) -> Iterator[str]:
    kind = block["type"]
    if kind == "section":
        yield from _section(block, where)
    elif kind == "header":
        yield from _text(
            block.get("text"), f"{where}/text", LONGEST[kind], {"plain_text"}
        )
    elif kind == "markdown" and not 0 < len(block.get("text", "")) <= LONGEST[kind]:
        yield f"must be less than 12001 characters [json-pointer:{where}/text]"
    elif kind == "image":
        yield from _image(block, where, files)
    elif kind in MAX_ELEMENTS:
        yield from _elements(block, where, files)


def _section(block: Mapping[str, Any], where: str) -> Iterator[str]:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        yield f"missing required field: text [json-pointer:{where}]"
    if "text" in block:
        yield from _text(block["text"], f"{where}/text", LONGEST["section"], TEXT_TYPES)
    if len(fields) > MAX_FIELDS:
        yield f"no more than {MAX_FIELDS} items allowed [json-pointer:{where}/fields]"
    for i, field in enumerate(fields):
        yield from _text(field, f"{where}/fields/{i}", MAX_FIELD, TEXT_TYPES)


def _text(text: Any, where: str, longest: int, types: set[str]) -> Iterator[str]:
    if not isinstance(text, Mapping) or text.get("type") not in types:
        yield f"failed to match all allowed schemas [json-pointer:{where}]"
        return
    shown = text.get("text")
    if not isinstance(shown, str) or not shown:
        yield f"must be more than 0 characters [json-pointer:{where}/text]"
    elif len(shown) > longest:
        yield f"must be less than {longest + 1} characters [json-pointer:{where}/text]"


def _elements(
    block: Mapping[str, Any], where: str, files: Mapping[str, Any]
) -> Iterator[str]:
    kind, elements = block["type"], block.get("elements")
    if not isinstance(elements, list) or not elements:
        yield f"missing required field: elements [json-pointer:{where}]"
        return
    most = MAX_ELEMENTS[kind]
    if len(elements) > most:
        yield f"no more than {most} items allowed [json-pointer:{where}/elements]"
    for i, element in enumerate(elements):
        place = f"{where}/elements/{i}"
        if element.get("type") == "button":
            yield from _text(
                element.get("text"), f"{place}/text", MAX_BUTTON, {"plain_text"}
            )
        elif element.get("type") == "image":
            yield from _image(element, place, files)
        elif kind == "context":
            yield from _text(element, place, LONGEST[kind], TEXT_TYPES)


def _image(
    block: Mapping[str, Any], where: str, files: Mapping[str, Any]
) -> Iterator[str]:
    if not 0 < len(block.get("alt_text", "")) <= MAX_ALT:
        yield f"missing required field: alt_text [json-pointer:{where}]"
    url, file = block.get("image_url"), block.get("slack_file")
    if (url is None) == (file is None):
        yield f"one of image_url and slack_file is required [json-pointer:{where}]"
    elif url is not None and not 0 < len(url) <= MAX_URL:
        yield f"invalid image_url [json-pointer:{where}/image_url]"
    elif file is not None and not files.get(file.get("id"), {}).get("done"):
        yield f"invalid slack file [json-pointer:{where}/slack_file]"
    if "title" in block:
        yield from _text(block["title"], f"{where}/title", MAX_ALT, {"plain_text"})

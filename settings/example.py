"""The example settings file: every setting with its default and one line of why."""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from settings.model import Settings

WIDTH = 88
"""Widest line [characters]."""

HEAD = """\
Every setting of nightmail with its default. Copy this to nightmail.toml, and take the
mark off the lines that shall differ. The environment wins over the file:
NIGHTMAIL_KAFKA__USERNAME is kafka.username. Secrets belong into the environment.

Made by `python -m settings.example > nightmail.example.toml`.
"""


def example_toml() -> str:
    """Text of nightmail.example.toml.

    Returns
    -------
    str
        Each setting commented out, so that the file as it is changes nothing.
    """
    return "\n".join([*_comment(HEAD), *_lines(Settings)]) + "\n"


def _lines(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from ["", *_comment(kind.__doc__ or ""), f"[{name}]"]
            yield from _lines(kind)
        else:
            yield from ["", *_comment(_described(field)), f"# {name} = {_toml(field)}"]


def _described(field: FieldInfo) -> str:
    text = field.description or ""
    is_told = field.default is not None or "y default" in text
    return text if is_told else f"{text} Not set by default."


def _toml(field: FieldInfo) -> str:
    default: Any = field.default
    if isinstance(default, int):
        return str(default)
    if default == ():
        return "[]"
    text = "" if default is None else str(default)
    if isinstance(default, str | Path) or default is None:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    raise TypeError(f"There is no TOML for the default {default!r}.")


def _comment(text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        lines += ["", *textwrap.wrap(paragraph, WIDTH - len("# "))]
    return [f"# {line}".rstrip() for line in lines[1:]]


if __name__ == "__main__":
    sys.stdout.write(example_toml())

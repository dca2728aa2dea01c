"""Options as the manuals of the existing clients spell them, `-start_at` as well."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

__all__ = ["ManualCommand"]

_ALIASES = {
    "group-id": "--group",
    "groupid": "--group",
    "mytopics": "--topics",
    "ext-schema": "--schema",
    "f": "--filename",
}
"""Names of options in the manuals that differ in more than their dashes."""


class ManualCommand(click.Command):
    """A command that also understands options as the field's manuals write them.

    One dash is as good as two, and `_` as good as `-`. An option in `greedy` takes
    all words up to the next option.
    """

    def __init__(
        self, *args: Any, greedy: Sequence[str] = (), **attributes: Any
    ) -> None:
        super().__init__(*args, **attributes)
        self._greedy = greedy

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse after translation."""
        return super().parse_args(ctx, list(self._translated(args)))

    def _translated(self, args: Sequence[str]) -> Iterator[str]:
        known = {name for one in self.params for name in one.opts}
        greedy = ""
        for arg in args:
            name, equals, value = arg.partition("=")
            ours = _spelled(name, known)
            if ours:
                greedy = ours if ours in self._greedy and not equals else ""
                yield from () if greedy else (f"{ours}{equals}{value}",)
            elif greedy and not arg.startswith("-"):
                yield from (greedy, arg)
            else:
                yield arg


def _spelled(name: str, known: set[str]) -> str | None:
    """Give our spelling of an option, or None if it is no option."""
    bare = name.lstrip("-")
    if bare == name or not bare:
        return None
    if name in known:
        return name
    plain = bare.replace("_", "-")
    ours = _ALIASES.get(plain, f"--{plain}")
    return ours if ours in known else None

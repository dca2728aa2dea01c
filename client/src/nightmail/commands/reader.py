"""Which topics of which Kafka a command reads, and as whom."""

import functools
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from nightmail import credentials as kept
from nightmail._errors import ConfigError

__all__ = ["Reader", "private_option", "read_config", "reader_options"]

_PATIENCE_S = 10
"""How long to wait for an alert where nobody says [s]."""


private_option = click.option(
    "--private",
    is_flag=True,
    help="Read in a group of its own: yours stays where it is.",
)


@dataclass(frozen=True)
class Reader:
    """What a command was told, or was registered."""

    config: kept.Credentials = field(repr=False)
    topics: list[str]
    survey: str | None
    patience: float
    """How long to wait for an alert [s]."""

    def alone(self) -> "Reader":
        """Give the same in a group of its own, which is forgotten.

        Its name begins with that of the group, whose rights it needs.
        """
        group = f"{self.config['group.id']}_{uuid.uuid4().hex[:12]}"
        more = {"group.id": group, "enable.auto.commit": False}
        return replace(self, config=kept.Credentials(self.config | more))


def read_config(
    survey: str | None,
    file: Path | None,
    servers: str | None,
    group: str | None,
    *,
    needs_group: bool,
) -> kept.Credentials:
    """Take what is registered, if anything is missing or a file is named.

    Parameters
    ----------
    survey, file
        Which registration, and where it is kept.
    servers, group
        What was said on the line; it goes before.
    needs_group
        Whether the command reads as a group; otherwise any will do.

    Raises
    ------
    ConfigError
        Nothing is registered that would do.
    """
    said = {"bootstrap.servers": servers, "group.id": group}
    said = {name: value for name, value in said.items() if value}
    is_whole = servers and (group or not needs_group)
    found = {} if is_whole and file is None and not survey else kept.load(survey, file)
    anyone = {} if needs_group else {"group.id": "nightmail"}
    return kept.Credentials({**anyone, **found, **said})


def reader_options(
    *, group: bool = True, topics: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add what says where to read; the command gets a keyword `reader`.

    Parameters
    ----------
    group
        Whether the command reads as a group; otherwise any will do.
    topics
        Whether it needs topics; otherwise those of the registration are not taken.
    """

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_reader(  # noqa: PLR0913 - one for each option
            *args: Any,
            names: Sequence[str],
            survey: str | None,
            servers: str | None,
            group_id: str | None,
            credentials: Path | None,
            maxtimeout: float | None,
            **options: Any,
        ) -> Any:
            config = read_config(
                survey, credentials, servers, group_id, needs_group=group
            )
            reader = Reader(
                config=config,
                topics=list(names) or (config.get("topics", []) if topics else []),
                survey=survey or config.get("survey"),
                patience=maxtimeout or config.get("maxtimeout") or _PATIENCE_S,
            )
            if topics and not reader.topics:
                raise ConfigError(
                    "No topic is said: name some, or register them by"
                    " nightmail register --topics."
                )
            return command(*args, reader=reader, **options)

        for option in reversed(_OPTIONS):
            with_reader = option(with_reader)
        return with_reader

    return add


_OPTIONS = (
    click.argument("names", metavar="[TOPIC]...", nargs=-1),
    click.option(
        "--survey",
        type=click.Choice(kept.SURVEYS),
        help="Whose registration to take, where you have several.",
    ),
    click.option("--servers", metavar="HOST:PORT,…", help="Instead of the registered."),
    click.option(
        "--group", "group_id", metavar="GROUP", help="Instead of the registered."
    ),
    click.option(
        "--credentials",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File to take instead of yours.",
    ),
    click.option(
        "--maxtimeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="How long to wait for an alert; by default as registered, else 10.",
    ),
)

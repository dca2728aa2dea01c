"""The wished state of a cluster, as a file says it: topics, users, who may do what."""

import difflib
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cluster.acls import ANYTHING, Rule, consumer_rules, producer_rules
from cluster.rights import publisher_rules
from cluster.topic_config import topic_config
from cluster.users import check_user
from settings.errors import SettingsError

LIKENESS = 0.5
"""How like an unknown key a valid one must be to be suggested, by difflib's ratio."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class WishedTopic(_Table):
    """A topic; what is left out stays as it is, or is as the settings say."""

    partitions: int | None = Field(
        default=None, ge=1, le=512, description="Least number of partitions."
    )
    replication: int | None = Field(
        default=None, ge=1, le=9, description="Copies of a new topic."
    )
    retention: list[str] = Field(
        default=[], description='Times and sizes: ["4d"], ["168h", "50GB"].'
    )
    max_message_bytes: int | None = Field(
        default=None, ge=1024, description="Largest batch of records."
    )
    compression: (
        Literal["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"] | None
    ) = Field(default=None, description="How records are kept.")

    @property
    def config(self) -> dict[str, str]:
        """Settings under Kafka's names."""
        return topic_config(
            retention=self.retention,
            max_message_bytes=self.max_message_bytes,
            compression=self.compression,
        )


class WishedUser(_Table):
    """A user, all of whose rights are those that stand here."""

    reads: list[str] = Field(
        default=[], description="Topics it reads; `fink_*` is all that begin so."
    )
    groups: list[str] | None = Field(
        default=None,
        description="Consumer groups it reads in; by default its name, and all that"
        " begin with its name and `_`.",
    )
    writes: list[str] = Field(default=[], description="Topics it writes.")
    publishes: bool = Field(
        default=False, description="Whether it may publish nights, ledger included."
    )
    hosts: list[str] = Field(
        default=[ANYTHING],
        min_length=1,
        description="IP addresses from which its reads and writes hold; by default"
        " all.",
    )

    def rules(self, name: str, *, prefix: str) -> list[Rule]:
        """Give all its rights.

        Parameters
        ----------
        name
            Its own.
        prefix
            Beginning of the topics that a publisher writes.
        """
        wished = publisher_rules(prefix, user=name) if self.publishes else []
        groups = (name, f"{name}_*") if self.groups is None else self.groups
        for host in self.hosts:
            for topic in self.reads:
                wished += consumer_rules(name, topic=topic, group=None, host=host)
            for group in groups if self.reads else ():
                wished += consumer_rules(name, topic=None, group=group, host=host)
            for topic in self.writes:
                wished += producer_rules(name, topic=topic, host=host)
        return list(dict.fromkeys(wished))


class Wished(_Table):
    """All that a file wishes."""

    anonymous: bool | None = Field(
        default=None,
        description="Whether anybody may read the topics of topics.prefix without"
        " logging in; left out, it stays as it is.",
    )
    topics: dict[str, WishedTopic] = Field(
        default={}, description="Topics, a table for each name."
    )
    users: dict[str, WishedUser] = Field(
        default={}, description="Users, a table for each name."
    )


def read_wished(file: Path) -> Wished:
    """Read a file of wishes.

    Parameters
    ----------
    file
        TOML; docs/access.md has its keys.

    Raises
    ------
    SettingsError
        The file cannot be read, a key is unknown, or a value is wrong.
    """
    try:
        return parse_wished(file.read_text(encoding="utf-8"), source=str(file))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(f"{file} cannot be read: {why}.") from error


def parse_wished(text: str, *, source: str) -> Wished:
    """Read the text of such a file.

    Parameters
    ----------
    text
        TOML.
    source
        Where it stands, for messages.

    Raises
    ------
    SettingsError
        As `read_wished`.
    """
    try:
        wished = Wished.model_validate(tomllib.loads(text))
        for name, user in wished.users.items():
            check_user(name)
            user.rules(name, prefix="")
        for topic in wished.topics.values():
            _ = topic.config
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source} is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise SettingsError(f"{source}: {_first_problem(error)}") from error
    except SettingsError as error:
        raise SettingsError(f"{source}: {error}") from error
    return wished


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    *within, last = (str(part) for part in problem["loc"])
    key = ".".join([*within, last])
    if problem["type"] == "extra_forbidden":
        return f"there is no key {key}; {_hint(within, last)}"
    return f"{key} is wrong: {problem['msg'].lower()}."


def _hint(within: list[str], key: str) -> str:
    known = list(_model(within).model_fields)
    near = difflib.get_close_matches(key, known, n=1, cutoff=LIKENESS)
    if near:
        return f"did you mean {near[0]}?"
    return f"valid ones are {', '.join(known)}."


def _model(within: list[str]) -> type[BaseModel]:
    """Give the model of a table: at the top, of a topic, or of a user."""
    if not within:
        return Wished
    return WishedTopic if within[0] == "topics" else WishedUser


def describe_keys() -> dict[str, dict[str, Any]]:
    """Give every key of the file and what it means, by table; the page lists them."""
    tables: dict[str, type[BaseModel]] = {
        "": Wished,
        "topics.<name>": WishedTopic,
        "users.<name>": WishedUser,
    }
    return {
        table: {key: field.description for key, field in model.model_fields.items()}
        for table, model in tables.items()
    }

"""What is to be read, as Spark's options say it."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nightmail._connection import connection
from nightmail._errors import ConfigError

__all__ = ["KNOWN", "Wish", "read_wish"]

KNOWN = {
    "topics": "names, joined by commas",
    "columns": "names, joined by commas; everything without it",
    "schema": "fingerprint of the records to take, or a file to read all of them by",
    "night": "the only night, as 20260301",
    "startingNight": "the first night",
    "endingNight": "the last night",
    "startingTime": "the first moment, as 2026-03-01T12:00:00, in UTC",
    "endingTime": "the first moment that is not read any more; not of streams",
    "startingOffsets": "of a new stream: earliest (the default) or latest",
    "maxOffsetsPerTrigger": "most offsets of one batch of a stream",
    "minPartitions": "fewest tasks, if partitions have that many records",
    "batchBytes": "bytes of Avro that are decoded at a time; 16 MiB",
    "badRecords": "fail (the default), or setAside into the column _bad",
    "metadata": "true adds the column _kafka",
    "failOnDataLoss": "false goes on where records are gone already",
}
"""Options of our own, and what they take."""

LOGIN = ("servers", "username", "password", "group_id", "groupid")
"""Options of the connection that have no dot in their name."""

GROUP = "spark"
"""Consumer group where none is named; nothing is ever committed."""

BATCH_BYTES = 16 << 20
"""Size of the values that are decoded at a time [byte]."""

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_NIGHT = re.compile(r"\d{8}")
_YES = {"true": True, "false": False}


@dataclass(frozen=True)
class Wish:
    """What is to be read, and how."""

    topics: tuple[str, ...]
    config: Mapping[str, str] = field(repr=False)
    """How to reach Kafka, as `AlertConsumer` takes it; it may hold a password."""

    columns: tuple[str, ...] | None = None
    """Dotted names; everything if None."""

    fingerprint: str | None = None
    """Only records of this schema."""

    schema_file: str | None = None
    """All records by this schema, whatever their keys say."""

    nights: tuple[str, str] | None = None
    """First and last night; records without one are left out then."""

    since_ms: int | None = None
    """Earliest time of a record [ms since 1970, UTC]."""

    until_ms: int | None = None
    """Earliest time that is not read any more [ms since 1970, UTC]."""

    from_latest: bool = False
    """Whether a new stream begins at the end."""

    most_offsets: int | None = None
    """Of one batch of a stream."""

    fewest_tasks: int = 1
    batch_bytes: int = BATCH_BYTES
    sets_aside: bool = False
    has_metadata: bool = False
    fails_on_loss: bool = True

    def properties(self) -> dict[str, Any]:
        """Give librdkafka's configuration. It may hold a password: never log it."""
        return connection({"group.id": GROUP, **self.config})

    @property
    def servers(self) -> str:
        """Where Kafka is."""
        return self.config.get("bootstrap.servers") or self.config.get("servers", "")

    def takes(self, message: Any) -> bool:
        """Tell whether a record is of the wished nights and time."""
        if self.since_ms is not None and message.timestamp()[1] < self.since_ms:
            return False
        if self.until_ms is not None and message.timestamp()[1] >= self.until_ms:
            return False
        if self.nights is None:
            return True
        night = dict(message.headers() or ()).get("night")
        first, last = self.nights
        return night is not None and first <= night.decode() <= last


def read_wish(options: Mapping[str, str]) -> Wish:
    """Read Spark's options, whose names have lost their capitals.

    Raises
    ------
    ConfigError
        One is missing, unknown or has a value that it cannot have.
    """
    own = {name.lower(): name for name in KNOWN}
    config = {k: v for k, v in options.items() if "." in k or k in LOGIN}
    for key in options:
        if key not in config and key not in own:
            raise ConfigError(_unknown(key))
    said = {own[key]: value.strip() for key, value in options.items() if key in own}
    schema = said.get("schema")
    is_mark = schema is not None and _FINGERPRINT.fullmatch(schema) is not None
    wish = Wish(
        topics=_names(said, "topics") or _missing("topics"),
        config=config,
        columns=_names(said, "columns"),
        fingerprint=schema if is_mark else None,
        schema_file=None if is_mark else schema,
        nights=_nights(said),
        since_ms=_moment(said, "startingTime"),
        until_ms=_moment(said, "endingTime"),
        from_latest=_one_of(said, "startingOffsets", ("earliest", "latest")) == 1,
        most_offsets=_count(said, "maxOffsetsPerTrigger"),
        fewest_tasks=_count(said, "minPartitions") or 1,
        batch_bytes=_count(said, "batchBytes") or BATCH_BYTES,
        sets_aside=_one_of(said, "badRecords", ("fail", "setAside")) == 1,
        has_metadata=_one_of(said, "metadata", ("false", "true")) == 1,
        fails_on_loss=_one_of(said, "failOnDataLoss", ("true", "false")) == 0,
    )
    wish.properties()  # refuses what is wrong with the connection
    return wish


def _names(said: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    names = (part.strip() for part in said.get(name, "").split(","))
    return tuple(dict.fromkeys(filter(None, names))) or None


def _missing(name: str) -> tuple[str, ...]:
    raise ConfigError(f"The option {name} is missing; give {KNOWN[name]}.")


def _unknown(key: str) -> str:
    names = {name.lower(): name for name in (*KNOWN, *LOGIN, "bootstrap.servers")}
    near = difflib.get_close_matches(key, names, n=1)
    hint = f"did you mean {names[near[0]]}?" if near else f"valid: {', '.join(KNOWN)}."
    return f"The option {key} is unknown; {hint}"


def _one_of(said: Mapping[str, str], name: str, values: tuple[str, ...]) -> int:
    """Give the place of an option's value among those it can have; the first if not."""
    value = said.get(name, values[0]).lower()
    known = [one.lower() for one in values]
    if value not in known:
        raise ConfigError(f"The option {name} is {value}; valid: {', '.join(values)}.")
    return known.index(value)


def _count(said: Mapping[str, str], name: str) -> int | None:
    value = said.get(name)
    if value is None:
        return None
    if not value.isdecimal() or not int(value):
        raise ConfigError(f"The option {name} is {value}; give a number from 1.")
    return int(value)


def _nights(said: Mapping[str, str]) -> tuple[str, str] | None:
    only = said.get("night")
    first, last = (said.get(n, only) for n in ("startingNight", "endingNight"))
    for night in filter(None, (only, first, last)):
        if not _NIGHT.fullmatch(night):
            raise ConfigError(f"The night {night} is none; write it as 20260301.")
    if only and (first != only or last != only):
        raise ConfigError("The option night excludes startingNight and endingNight.")
    return (first or "0" * 8, last or "9" * 8) if first or last else None


def _moment(said: Mapping[str, str], name: str) -> int | None:
    """Read a moment [ms since 1970]; without a zone it is in UTC."""
    value = said.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise ConfigError(
            f"The option {name} is {value}; write it as 2026-03-01T12:00:00."
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)

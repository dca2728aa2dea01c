"""Every setting, its default, and one line of why."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from settings.errors import SettingsError
from settings.section import Section
from settings.slack import Slack
from settings.uris import check_folder, check_store, is_remote, local_path

ENV_PREFIX = "NIGHTMAIL_"
"""Beginning of every environment variable; levels are joined by two underscores."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens there unless it is asked for
"""Every address of a machine."""

HOST_NAME = r"^[A-Za-z0-9.-]+$"
"""A name or an IPv4 address."""

STORE_FORMATS = ("parquet", "orc")
"""Formats of stores: Arrow reads the first, Spark the others."""


class Store(Section):
    """The science store: where the nights are read."""

    uri: str = Field(
        default="{state_dir}/store/{survey}",
        description=(
            "Folder or URL that holds science/<night>/*.parquet; {survey} is ztf or"
            " lsst."
        ),
    )

    format: str = Field(
        default="parquet",
        description="Format of its files: parquet, or orc, which Spark reads.",
    )

    @field_validator("format")
    @classmethod
    def _has_files(cls, value: str) -> str:
        if value not in STORE_FORMATS:
            known = " and ".join(STORE_FORMATS)
            raise ValueError(
                f"only {known} are read. What is done of a night is remembered by file,"
                " so a table without files of its own (jdbc, delta, iceberg) cannot be"
                " a store; csv and json cannot hold cutouts"
            )
        return value

    @field_validator("uri")
    @classmethod
    def _known(cls, value: str) -> str:
        return check_store(value)


class Archive(Section):
    """The archive: where kept alerts and summaries are written."""

    uri: str = Field(
        default="{state_dir}/archive",
        description="Folder of the Parquet archive that DuckDB answers from.",
    )

    @field_validator("uri")
    @classmethod
    def _known(cls, value: str) -> str:
        return check_folder(value, {"{state_dir}"})


class Kafka(Section):
    """The Kafka cluster; without bootstrap_servers, the local one."""

    bootstrap_servers: str | None = Field(
        default=None,
        description="host:port of a cluster to use instead of the local one.",
    )
    username: str | None = Field(default=None, description="SCRAM-SHA-512 user.")
    password: SecretStr | None = Field(
        default=None, description="Its password; better in NIGHTMAIL_KAFKA__PASSWORD."
    )
    security_protocol: (
        Literal["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL", "SSL"] | None
    ) = Field(
        default=None,
        description="By default SASL_PLAINTEXT with a username, else PLAINTEXT.",
    )
    ca_location: str | None = Field(
        default=None, description="File of the certificate authority, for TLS."
    )

    @field_validator("ca_location")
    @classmethod
    def _expanded(cls, value: str | None) -> str | None:
        return str(Path(value).expanduser()) if value else value


class Cluster(Section):
    """The local Kafka that nightmail starts by itself."""

    port: int | None = Field(
        default=None,
        ge=1024,
        le=65533,
        description=(
            "Port of the anonymous listener; two more follow it. By default 9092 if it"
            " is free, else any, and the same ever after."
        ),
    )
    host: str = Field(
        default="127.0.0.1",
        pattern=HOST_NAME,
        description=(
            "Address to listen on for users and anonymous readers; 0.0.0.0 is every one"
            " of this machine."
        ),
    )
    advertised_host: str | None = Field(
        default=None,
        pattern=HOST_NAME,
        description=(
            "Name or address under which clients reach this machine. By default"
            " cluster.host."
        ),
    )
    tls: bool | None = Field(
        default=None,
        description=(
            "Whether users log in over TLS. By default as at the last start, at first"
            " no."
        ),
    )
    tls_certificate: str | None = Field(
        default=None,
        description=(
            "PEM file of a certificate for this machine, its chain after it. By default"
            " one is made."
        ),
    )
    tls_key: str | None = Field(
        default=None, description="PEM file of its key, without a password."
    )
    tls_authority: str | None = Field(
        default=None,
        description=(
            "PEM file of the authority that signed it. By default those that the"
            " machine trusts."
        ),
    )

    @field_validator("tls_certificate", "tls_key", "tls_authority")
    @classmethod
    def _expanded(cls, value: str | None) -> str | None:
        return str(Path(value).expanduser().absolute()) if value else value

    @field_validator("advertised_host")
    @classmethod
    def _reachable(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Refuse an address that says nothing to a client."""
        if (value or info.data.get("host")) == EVERYWHERE:
            raise ValueError(f"clients cannot reach {EVERYWHERE}: name this machine")
        return value


class Topics(Section):
    """The topics that filters' alerts go to."""

    prefix: str = Field(
        default="fink_",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Beginning of every topic's name.",
    )
    partitions: int = Field(
        default=4, ge=1, le=512, description="Partitions of a new topic."
    )
    replication: int = Field(
        default=1, ge=1, le=9, description="Copies of a new topic; 3 in production."
    )
    retention: str = Field(
        default="7d",
        pattern=r"^\d+[smhd]$",
        description="How long a topic keeps alerts: 7d, 168h.",
    )

    without_cutouts: tuple[str, ...] = Field(
        default=(),
        description=(
            "Filters whose topics get alerts without cutouts; in the environment,"
            " separated by commas."
        ),
    )

    @field_validator("without_cutouts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [name.strip() for name in value.split(",") if name.strip()]
        return value

    @property
    def retention_ms(self) -> int:
        """Retention [ms]."""
        seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}
        return int(self.retention[:-1]) * seconds[self.retention[-1]] * 1000


class Filters(Section):
    """The filters that run."""

    also: tuple[str, ...] = Field(
        default=(),
        description=(
            "Filters that are off by default and shall run, as everything; in the"
            " environment separated by commas."
        ),
    )

    @field_validator("also", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """Take the environment's text as a list."""
        if not isinstance(value, str):
            return value
        return tuple(name.strip() for name in value.split(",") if name.strip())


class Spark(Section):
    """The engine that walks a night."""

    master: str = Field(
        default="local[*]",
        description="Where Spark runs: local[*], or a cluster's URL.",
    )
    python: str | None = Field(
        default=None,
        description="Python of the workers, where the cluster has it elsewhere.",
    )


class Sweep(Section):
    """Which nights a sweep runs again."""

    recent: int = Field(
        default=3,
        ge=0,
        description="Newest nights that are looked at again for late files.",
    )
    limit: int = Field(
        default=10,
        ge=0,
        description="Older nights in which one sweep may change something.",
    )
    since: str | None = Field(
        default=None,
        pattern=r"^\d{8}$",
        description=(
            "Night before which all is history; by default the first that has a"
            " summary."
        ),
    )


class Settings(Section):
    """Everything that can be set; frozen once loaded."""

    state_dir: Path = Field(
        default=Path(".nightmail"),
        description="Folder of the local Kafka, and by default of store and archive.",
    )
    store: Store = Field(default_factory=Store)
    archive: Archive = Field(default_factory=Archive)
    kafka: Kafka = Field(default_factory=Kafka)
    cluster: Cluster = Field(default_factory=Cluster)
    topics: Topics = Field(default_factory=Topics)
    filters: Filters = Field(default_factory=Filters)
    spark: Spark = Field(default_factory=Spark)
    sweep: Sweep = Field(default_factory=Sweep)
    slack: Slack = Field(default_factory=Slack)

    @field_validator("state_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    def store_uri(self, survey: str) -> str:
        """Absolute folder of a survey's science store, or its URL."""
        uri = self.store.uri
        if is_remote(uri):
            return uri.replace("{survey}", survey)
        return str(self._folder(uri, survey))

    def store_root(self, survey: str) -> Path:
        """Folder of a survey's science store, to write into.

        Raises
        ------
        SettingsError
            The store is not on this machine.
        """
        if is_remote(self.store.uri):
            raise SettingsError(
                "Only a store in a folder of this machine can be written to, and"
                f" store.uri is {self.store.uri}."
            )
        return self._folder(self.store.uri, survey)

    def archive_root(self) -> Path:
        """Folder of the archive, of all surveys."""
        return self._folder(self.archive.uri, "")

    def _folder(self, uri: str, survey: str) -> Path:
        path = local_path(uri)
        filled = path.replace("{survey}", survey)
        filled = filled.replace("{state_dir}", str(self.state_dir))
        return Path(filled).expanduser().absolute()

"""Every setting, its default, and one line of why."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_PREFIX = "NIGHTMAIL_"
"""Beginning of every environment variable; levels are joined by two underscores."""


class Section(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Store(Section):
    """The science store: where the nights are read."""

    uri: str = Field(
        "{state_dir}/store/{survey}",
        description="Folder that holds science/<night>/*.parquet; {survey} is ztf or lsst.",
    )


class Archive(Section):
    """The archive: where kept alerts and summaries are written."""

    uri: str = Field(
        "{state_dir}/archive",
        description="Folder of the Parquet archive that DuckDB answers from.",
    )


class Kafka(Section):
    """The Kafka cluster; without bootstrap_servers, the local one."""

    bootstrap_servers: str | None = Field(
        None, description="host:port of a cluster to use instead of the local one."
    )
    username: str | None = Field(None, description="SCRAM-SHA-512 user.")
    password: SecretStr | None = Field(
        None, description="Its password; better in NIGHTMAIL_KAFKA__PASSWORD."
    )
    security_protocol: (
        Literal["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL", "SSL"] | None
    ) = Field(
        None, description="By default SASL_PLAINTEXT with a username, else PLAINTEXT."
    )
    ca_location: str | None = Field(
        None, description="File of the certificate authority, for TLS."
    )


class Cluster(Section):
    """The local Kafka that nightmail starts by itself."""

    port: int | None = Field(
        None,
        ge=1024,
        le=65533,
        description=(
            "Port of the anonymous listener; two more follow it. By default 9092 if it"
            " is free, else any, and the same ever after."
        ),
    )


class Topics(Section):
    """The topics that filters' alerts go to."""

    prefix: str = Field(
        "fink_",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Beginning of every topic's name.",
    )
    partitions: int = Field(4, ge=1, le=512, description="Partitions of a new topic.")
    replication: int = Field(
        1, ge=1, le=9, description="Copies of a new topic; 3 in production."
    )
    retention: str = Field(
        "7d",
        pattern=r"^\d+[smhd]$",
        description="How long a topic keeps alerts: 7d, 168h.",
    )

    @property
    def retention_ms(self) -> int:
        """Retention [ms]."""
        seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}
        return int(self.retention[:-1]) * seconds[self.retention[-1]] * 1000


class Spark(Section):
    """The engine that walks a night."""

    master: str = Field(
        "local[*]", description="Where Spark runs: local[*], or a cluster's URL."
    )
    python: str | None = Field(
        None,
        description="Python of the workers, where the cluster has it elsewhere.",
    )


class Slack(Section):
    """Where the night's summary is posted; without a token it is printed."""

    token: SecretStr | None = Field(
        None, description="Bot token; better in NIGHTMAIL_SLACK__TOKEN."
    )
    channel: str = Field("#nightmail", description="Channel of the night's summary.")
    base_url: str = Field("https://slack.com/api/", description="Slack's Web API.")


class Settings(BaseSettings):
    """Everything that can be set; frozen once loaded."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
    )

    state_dir: Path = Field(
        Path(".nightmail"),
        description="Folder of the local Kafka, and by default of store and archive.",
    )
    store: Store = Store()
    archive: Archive = Archive()
    kafka: Kafka = Kafka()
    cluster: Cluster = Cluster()
    topics: Topics = Topics()
    spark: Spark = Spark()
    slack: Slack = Slack()

    @field_validator("state_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    def store_root(self, survey: str) -> Path:
        """Folder of a survey's science store."""
        return self._folder(self.store.uri, survey)

    def archive_root(self) -> Path:
        """Folder of the archive, of all surveys."""
        return self._folder(self.archive.uri, "")

    def _folder(self, uri: str, survey: str) -> Path:
        filled = uri.replace("{state_dir}", str(self.state_dir))
        filled = filled.replace("{survey}", survey).removeprefix("file://")
        return Path(filled).expanduser().absolute()

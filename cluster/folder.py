"""Where the local Kafka keeps what is its own, readable by its owner only."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings import Settings
from settings.errors import ClusterError


@dataclass(frozen=True)
class KafkaFolder:
    """The folder of one local Kafka; it can be moved while nothing runs in it."""

    root: Path
    """Absolute."""

    @property
    def lock(self) -> Path:
        """Held by the broker for as long as it lives, however it ends."""
        return self.root / "lock"

    @property
    def starting(self) -> Path:
        """Held by whoever starts the broker, until it can be used."""
        return self.root / "starting"

    @property
    def users(self) -> Path:
        """Held together by the runs that use a broker which is to end with them."""
        return self.root / "users"

    @property
    def temporary(self) -> Path:
        """Is there while the broker is to end with the last run that uses it."""
        return self.root / "temporary"

    @property
    def record(self) -> Path:
        """The ports of the last start, and when it was."""
        return self.root / "broker.json"

    @property
    def pid(self) -> Path:
        """The broker's process; stays behind if it dies."""
        return self.root / "broker.pid"

    @property
    def log(self) -> Path:
        """What the broker of the last start says."""
        return self.root / "broker.log"

    @property
    def passwords(self) -> Path:
        """Made at the first start; the broker and we read them here."""
        return self.root / "passwords.properties"

    @property
    def data(self) -> Path:
        """Kafka's own."""
        return self.root / "data"


def kafka_folder(settings: Settings) -> KafkaFolder:
    """Give the folder of the local Kafka, which may not be there yet."""
    return KafkaFolder(settings.state_dir / "kafka")


def make_folder(folder: KafkaFolder) -> None:
    """Make the folder, for its owner only.

    Raises
    ------
    ClusterError
        It cannot be made or written.
    """
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        folder.root.chmod(0o700)
        folder.lock.touch(mode=0o600)
    except OSError as error:
        raise ClusterError(
            f"The folder {folder.root} cannot be written ({error.strerror}): set"
            " state_dir to one that can."
        ) from error


def write_private(file: Path, text: str) -> None:
    """Replace a file as a whole, readable by its owner only."""
    pending = file.with_name(f"_{file.name}")
    pending.unlink(missing_ok=True)
    pending.touch(mode=0o600)
    pending.write_text(text)
    pending.replace(file)


def read_record(folder: KafkaFolder) -> dict[str, Any]:
    """Give what the last start wrote down; empty before the first."""
    try:
        return dict(json.loads(folder.record.read_text()))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ClusterError(
            f"{folder.record} is not JSON: delete it, and new ports are chosen."
        ) from error


def write_record(folder: KafkaFolder, record: Mapping[str, Any]) -> None:
    """Write down what the next start and everybody who connects must know."""
    write_private(folder.record, json.dumps(record, indent=2) + "\n")


def read_pid(folder: KafkaFolder) -> int | None:
    """Give the process of the last start that was not stopped."""
    try:
        return int(folder.pid.read_text())
    except (FileNotFoundError, ValueError):
        return None


def read_passwords(folder: KafkaFolder) -> dict[str, str]:
    """Give the password of every user of ours, made at the first start.

    Raises
    ------
    ClusterError
        They are lost although the data is there: nobody could log in.
    """
    if not folder.passwords.exists():
        raise ClusterError(
            f"{folder.passwords} is lost, and nobody can log in without it: restore it,"
            f" or delete {folder.root} with all its topics."
        )
    lines = folder.passwords.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def make_passwords(folder: KafkaFolder, users: list[str]) -> None:
    """Make a password for every user, unless there are some or Kafka has its data."""
    if not folder.passwords.exists() and not folder.data.exists():
        lines = [f"{user}={secrets.token_urlsafe(24)}\n" for user in users]
        write_private(folder.passwords, "".join(lines))

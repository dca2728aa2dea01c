"""Where the local Kafka keeps what is its own, readable by its owner only."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from settings import Settings
from settings.errors import ClusterError


@dataclass(frozen=True)
class BrokerFolder:
    """The folder of one broker; the only one's is that of the whole Kafka."""

    number: int
    """From 1; Kafka's node.id."""

    root: Path
    """Absolute."""

    shared: str
    """Way from there to what all brokers share; empty or ending in a slash."""

    @property
    def lock(self) -> Path:
        """Held by the broker for as long as it lives, however it ends."""
        return self.root / "lock"

    @property
    def pid(self) -> Path:
        """The broker's process; stays behind if it dies."""
        return self.root / "broker.pid"

    @property
    def log(self) -> Path:
        """What the broker of the last start says."""
        return self.root / "broker.log"

    @property
    def data(self) -> Path:
        """Kafka's own."""
        return self.root / "data"


@dataclass(frozen=True)
class KafkaFolder:
    """The folder of one local Kafka; it can be moved while nothing runs in it."""

    root: Path
    """Absolute."""

    @property
    def starting(self) -> Path:
        """Held by whoever starts brokers, until they can be used."""
        return self.root / "starting"

    @property
    def users(self) -> Path:
        """Held together by the runs that use a Kafka which is to end with them."""
        return self.root / "users"

    @property
    def temporary(self) -> Path:
        """Is there while Kafka is to end with the last run that uses it."""
        return self.root / "temporary"

    @property
    def record(self) -> Path:
        """The ports of the last start, when it was, and how."""
        return self.root / "broker.json"

    @property
    def passwords(self) -> Path:
        """Made at the first start; the brokers and we read them here."""
        return self.root / "passwords.properties"

    @property
    def tls(self) -> Path:
        """Folder of the certificates, if there are any."""
        return self.root / "tls"

    @property
    def authority(self) -> Path:
        """Certificate by which clients know the brokers; what users are given."""
        return self.tls / "authority.pem"

    @property
    def count(self) -> int:
        """How many brokers it has, or had; 1 before the first start."""
        if (self.root / "data").exists():
            return 1
        return len(list(self.root.glob("broker-[0-9]"))) or 1

    @property
    def brokers(self) -> tuple[BrokerFolder, ...]:
        """Folders of its brokers, in the order of their numbers."""
        return self.of(self.count)

    @property
    def is_made(self) -> bool:
        """Whether a start has made data, so that the number of brokers stays."""
        return any(broker.data.exists() for broker in self.brokers)

    def of(self, count: int) -> tuple[BrokerFolder, ...]:
        """Give the folders that so many brokers have."""
        if count == 1:
            return (BrokerFolder(1, self.root, ""),)
        return tuple(
            BrokerFolder(number, self.root / f"broker-{number}", "../")
            for number in range(1, count + 1)
        )


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


def read_pid(broker: BrokerFolder) -> int | None:
    """Give the process of the last start that was not stopped."""
    try:
        return int(broker.pid.read_text())
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
    if not folder.passwords.exists() and not folder.is_made:
        lines = [f"{user}={secrets.token_urlsafe(24)}\n" for user in users]
        write_private(folder.passwords, "".join(lines))

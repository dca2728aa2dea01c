"""How to reach Kafka: the cluster that the settings name, else the local one."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata, TopicMetadata

from cluster.folder import KafkaFolder, kafka_folder, read_passwords
from cluster.properties import ADMINISTRATOR, Layout
from cluster.record import read_record
from cluster.status import runs
from nightmail.silence import silent_logger
from settings import Settings
from settings.errors import BrokerUnavailableError, ClusterError, SettingsError
from settings.model import Kafka
from settings.names import PUBLISHER

ANSWER_S = 5.0
"""How long a cluster is given to answer [s]."""

REFUSALS = {
    KafkaError._AUTHENTICATION: "kafka.username, kafka.password and"  # noqa: SLF001
    " kafka.security_protocol",
    KafkaError._SSL: "kafka.ca_location and kafka.security_protocol",  # noqa: SLF001
}
"""What a cluster says at once and always, and the settings to look at."""

_ONE_TRY_S = 0.5


@dataclass(frozen=True)
class KafkaAccess:
    """Where Kafka is, and who we are there. It pickles, and does not show passwords."""

    bootstrap_servers: str
    """host:port, several joined by commas, where our users log in."""

    public_servers: str | None
    """The same where anonymous readers go; None if we do not know."""

    local: bool
    """Whether it is the local Kafka, in which all rights are ours to give."""

    publisher: Mapping[str, Any] = field(repr=False)
    """librdkafka's configuration for whoever sends alerts and reads the ledger."""

    admin: Mapping[str, Any] = field(repr=False)
    """The same for whoever makes topics, users and rights."""

    copies: int | None = None
    """Copies of a topic on the local Kafka; None on another, where settings say."""

    @property
    def reader(self) -> Mapping[str, Any]:
        """The same for whoever reads alerts: anybody, or else our own user."""
        if self.public_servers is None:
            return self.publisher
        return {"bootstrap.servers": self.public_servers, "log_level": 0}


def connect(settings: Settings) -> KafkaAccess:
    """Give access to the cluster that is to be used, once it has answered.

    Raises
    ------
    SettingsError
        It refuses us, or a setting is wrong.
    BrokerUnavailableError
        It does not answer.
    ClusterError
        None is named, and the local one does not run.
    """
    access = find_access(settings)
    open_admin(access)
    return access


def find_access(settings: Settings) -> KafkaAccess:
    """Give the same without asking the cluster.

    Raises
    ------
    SettingsError
        A setting is wrong.
    ClusterError
        No cluster is named, and the local one does not run.
    """
    if settings.kafka.bootstrap_servers:
        return _foreign(settings.kafka, settings.kafka.bootstrap_servers)
    folder = kafka_folder(settings)
    if not runs(folder):
        raise ClusterError(
            "No Kafka runs: start the local one by `nightmail cluster start`, or name a"
            " cluster by kafka.bootstrap_servers."
        )
    return local_access(folder)


def local_access(folder: KafkaFolder) -> KafkaAccess:
    """Give access to the local Kafka that runs, or starts, in a folder."""
    record = read_record(folder)
    if record is None:
        raise ClusterError(f"Kafka is only just starting in {folder.root}: try again.")
    passwords = read_passwords(folder)
    servers = record.bootstrap_servers
    protocol = "SASL_SSL" if record.tls else "SASL_PLAINTEXT"
    trust: dict[str, Any] = {}
    if record.tls and folder.authority.exists():
        # The certificate itself, which travels to workers as a path could not.
        trust["ssl.ca.pem"] = folder.authority.read_text()

    def log_in(user: str) -> dict[str, Any]:
        return _configure(servers, protocol, (user, passwords[user])) | trust

    return KafkaAccess(
        bootstrap_servers=servers,
        public_servers=record.public_servers,
        local=True,
        publisher=log_in(PUBLISHER),
        admin=log_in(ADMINISTRATOR),
        copies=Layout(record.ports).copies,
    )


def open_admin(access: KafkaAccess, *, timeout_s: float = ANSWER_S) -> AdminClient:
    """Give a client for administration to which the cluster has answered.

    Parameters
    ----------
    access
        Its `admin` logs in.
    timeout_s
        How long to wait for the answer [s]; a refusal is told at once.

    Raises
    ------
    SettingsError
        The cluster refuses us.
    BrokerUnavailableError
        It does not answer.
    """
    heard: list[KafkaError] = []
    admin = make_admin(access, on_error=heard.append)
    end = time.monotonic() + timeout_s
    while look(admin) is None:
        if refusal := next((e for e in heard if e.code() in REFUSALS), None):
            raise SettingsError(
                f"Kafka at {access.bootstrap_servers} refuses us ({_tell(refusal)}):"
                f" check {REFUSALS[refusal.code()]}."
            )
        if time.monotonic() > end:
            why = f" ({_tell(heard[-1])})" if heard else ""
            raise BrokerUnavailableError(
                f"Kafka at {access.bootstrap_servers} does not answer{why}: check that"
                " it runs, kafka.bootstrap_servers and kafka.security_protocol."
            )
    return admin


def make_admin(
    access: KafkaAccess, *, on_error: Callable[[KafkaError], None]
) -> AdminClient:
    """Give a client for administration that has not asked anything yet.

    Parameters
    ----------
    access
        Its `admin` logs in.
    on_error
        Hears of every connection that fails.
    """
    config = {**access.admin, "error_cb": on_error, "logger": silent_logger()}
    try:
        return AdminClient(config)
    except (KafkaException, ValueError, TypeError) as error:
        raise SettingsError(
            f"Kafka's client refuses the settings of {access.bootstrap_servers}:"
            f" {_tell(error.args[0])}."
        ) from error


def look(admin: AdminClient) -> ClusterMetadata | None:
    """Ask once for the cluster's topics; None if it does not answer soon.

    Whoever made the client hears why.
    """
    try:
        return admin.list_topics(timeout=_ONE_TRY_S)
    except KafkaException:
        admin.poll(0)
        return None


def has_leaders(topic: TopicMetadata) -> bool:
    """Tell whether every partition of a topic can be written."""
    return all(partition.leader >= 0 for partition in topic.partitions.values())


def _tell(error: KafkaError | str) -> str:
    """Give an error's words without what only librdkafka needs."""
    words = error if isinstance(error, str) else error.str()
    words = re.sub(r"^\S+/(bootstrap|\d+): ", "", words)
    return re.sub(r" \(after \d+ms in state .*", "", words)


def _foreign(kafka: Kafka, servers: str) -> KafkaAccess:
    protocol = kafka.security_protocol or (
        "SASL_PLAINTEXT" if kafka.username else "PLAINTEXT"
    )
    config = _configure(servers, protocol, _login(kafka, protocol))
    if kafka.ca_location:
        config["ssl.ca.location"] = kafka.ca_location
    return KafkaAccess(servers, None, local=False, publisher=config, admin=config)


def _login(kafka: Kafka, protocol: str) -> tuple[str, str] | None:
    if not protocol.startswith("SASL"):
        return None
    if not kafka.username or not kafka.password:
        raise SettingsError(
            f"{protocol} needs both kafka.username and kafka.password; set the password"
            " by NIGHTMAIL_KAFKA__PASSWORD."
        )
    return kafka.username, kafka.password.get_secret_value()


def _configure(
    servers: str, protocol: str, login: tuple[str, str] | None
) -> dict[str, Any]:
    config: dict[str, Any] = {
        "bootstrap.servers": servers,
        "security.protocol": protocol,
        # Failures reach us as errors; librdkafka would print each of them too.
        "log_level": 0,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 500,
    }
    if login:
        config["sasl.mechanism"] = "SCRAM-SHA-512"
        config["sasl.username"], config["sasl.password"] = login
    return config

"""The local Kafka: started, stopped, forgotten, or run for as long as it is used."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.access import KafkaAccess, connect
from cluster.broker import end_brokers
from cluster.folder import KafkaFolder, kafka_folder, make_folder
from cluster.launch import READY_S, Wish, ensure_running
from cluster.locks import hold
from cluster.status import BrokerStatus, Status, runs, status
from settings import Settings
from settings.errors import ClusterError, SettingsError

__all__ = [
    "BrokerStatus",
    "Status",
    "destroy",
    "running",
    "start",
    "status",
    "stop",
]

log = logging.getLogger("nightmail")


def start(
    settings: Settings,
    *,
    port: int | None = None,
    brokers: int | None = None,
    tls: bool | None = None,
) -> Status:
    """Start the local Kafka and wait until it can be used; it outlives us.

    Brokers that run already stay as they are, and those that have died are begun. Our
    publisher and everybody's reading are set up each time, so that a start that was
    interrupted leaves nothing undone.

    Parameters
    ----------
    settings
        `state_dir` says where it lives, `topics.prefix` what everybody may read.
    port
        First of three ports for each broker; None for `cluster.port`, else the last
        start's, else 9092.
    brokers
        How many; None for as many as there are, and one at the first start.
    tls
        Whether users log in over TLS; None for `cluster.tls`, else as the last start.

    Raises
    ------
    SettingsError
        The settings name another cluster, no Java is found, or the number of brokers
        is another than at the first start.
    ClusterError
        A port is taken, the program cannot be fetched, or a broker does not start.
    """
    if settings.kafka.bootstrap_servers:
        raise SettingsError(
            f"kafka.bootstrap_servers names {settings.kafka.bootstrap_servers}, so no"
            " local Kafka is started: unset it first."
        )
    folder = kafka_folder(settings)
    dead = [broker.number for broker in status(settings).brokers if broker.died]
    if not ensure_running(settings, folder, Wish(port, brokers, tls)):
        if dead:
            log.info("Kafka runs again with broker %s.", ", ".join(map(str, dead)))
        else:
            log.info("Kafka runs already in %s.", folder.root)
    folder.temporary.unlink(missing_ok=True)
    return status(settings)


def stop(settings: Settings) -> Status:
    """Stop the local Kafka, all its brokers; topics and users stay.

    Raises
    ------
    ClusterError
        A run is using it, it does not end, or is just starting.
    """
    folder = kafka_folder(settings)
    if runs(folder):
        with _alone(folder, "stop it"):
            end_brokers(folder.brokers)
    else:
        log.info("No Kafka runs in %s.", folder.root)
    for broker in folder.brokers:
        broker.pid.unlink(missing_ok=True)
    return status(settings)


def destroy(settings: Settings) -> Status:
    """Forget the local Kafka: stop it, and delete topics, users, rights and ledger.

    Raises
    ------
    ClusterError
        A run is using it, it is just starting, or it does not end.
    """
    folder = kafka_folder(settings)
    if not folder.root.exists():
        log.info("There is no Kafka in %s.", folder.root)
        return status(settings)
    doomed = folder.root.with_name(f"_{folder.root.name}")
    with _alone(folder, "forget it"):
        try:
            with hold(folder.starting, wait_s=0):
                end_brokers(folder.brokers)
                shutil.rmtree(doomed, ignore_errors=True)
                # At once, so that nobody ever meets half of it.
                folder.root.rename(doomed)
        except TimeoutError as error:
            raise ClusterError(
                f"Kafka in {folder.root} is just starting: try again later."
            ) from error
    shutil.rmtree(doomed)
    return status(settings)


@contextmanager
def running(settings: Settings, *, keep: bool = False) -> Iterator[KafkaAccess]:
    """Give access to Kafka, and start the local one if none is named and none runs.

    What was started here is stopped at the end, by the last run that uses it.

    Parameters
    ----------
    settings
        `kafka.bootstrap_servers` names another cluster.
    keep
        Leave the local one running.

    Raises
    ------
    SettingsError, BrokerUnavailableError, ClusterError
        As `start` and `connect` do.
    """
    if settings.kafka.bootstrap_servers:
        yield connect(settings)
        return
    folder = kafka_folder(settings)
    make_folder(folder)
    try:
        with hold(folder.users, wait_s=READY_S, shared=True):
            begun = ensure_running(settings, folder, Wish())
            if keep:
                folder.temporary.unlink(missing_ok=True)
            elif begun:
                folder.temporary.touch()
            yield connect(settings)
    finally:
        _stop_if_last(folder)


def _stop_if_last(folder: KafkaFolder) -> None:
    try:
        with hold(folder.users, wait_s=0):
            if folder.temporary.exists() and runs(folder):
                end_brokers(folder.brokers)
    except TimeoutError:
        log.debug("Kafka stays until the other run that uses it ends.")


@contextmanager
def _alone(folder: KafkaFolder, deed: str) -> Iterator[None]:
    """Be sure that no run uses Kafka, and that none begins to."""
    try:
        with hold(folder.users, wait_s=0):
            yield
    except TimeoutError as error:
        raise ClusterError(
            f"A run is using Kafka in {folder.root}: {deed} after that has ended."
        ) from error

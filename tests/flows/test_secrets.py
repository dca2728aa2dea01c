"""Passwords are seen nowhere: after a real night, and after a refused login."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from cluster import local
from cluster.access import KafkaAccess, connect, open_admin
from cluster.folder import kafka_folder, read_passwords
from cluster.topics import ensure_topics
from cluster.users import ensure_user
from settings.model import Cluster, Settings
from tests.cluster.conftest import find_port
from tests.cluster.test_tls import publish

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Run = Callable[..., subprocess.CompletedProcess[str]]

SECRET = "aReadersPassword-9f2c71"  # noqa: S105 - of a test

WRONG = "notThePassword-5d80aa"

READER = """
import os
from nightmail import AlertConsumer

config = {
    "bootstrap.servers": os.environ["SERVERS"],
    "group.id": "reader-secrets",
    "username": "reader-secrets",
    "password": os.environ["SECRET"],
}
with AlertConsumer([os.environ["TOPIC"]], config) as consumer:
    topic, alert, key = consumer.poll(30)
    print(consumer, alert["candid"])
    raise RuntimeError(f"a reader's own mistake, {consumer!r}")
"""
"""A reader's program, which ends in a traceback."""


@contextmanager
def _watching() -> Iterator[set[str]]:
    """Note the command lines of all processes while the block runs."""
    seen: set[str] = set()
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    words = (process / "cmdline").read_bytes()
                except OSError:
                    continue
                seen.add(words.replace(b"\0", b" ").decode(errors="replace"))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def _is_open(file: Path) -> bool:
    """Tell whether others than its owner may do anything with a file."""
    return bool(file.stat().st_mode & 0o077)


def _find(secrets: list[str], *folders: Path) -> list[str]:
    """Name the files that have one of the secrets in them."""
    wanted = [secret.encode() for secret in secrets]
    return sorted(
        file.name
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file() and any(secret in file.read_bytes() for secret in wanted)
    )


def test_after_a_first_start(tmp_path: Path) -> None:
    """Kafka is told its administrator's password in no command, and logs none."""
    own = Settings(state_dir=tmp_path, cluster=Cluster(port=find_port(), tls=True))

    with _watching() as seen:
        local.start(own)
        local.stop(own)

    secrets = list(read_passwords(kafka_folder(own)).values())
    assert len(secrets) == 2
    assert any("kafka.tools.StorageTool" in line for line in seen)
    assert [line for line in seen if any(secret in line for secret in secrets)] == []
    assert _find(secrets, tmp_path) == ["passwords.properties"]
    kept = [*(tmp_path / "kafka").glob("*.p*"), *(tmp_path / "kafka" / "tls").iterdir()]
    assert {"passwords.properties", "server.pem"} <= {file.name for file in kept}
    assert [file for file in kept if _is_open(file)] == []


@pytest.mark.spark
@pytest.mark.prefect
def test_after_a_night(
    settings: Settings,
    simulated_night: Callable[..., Path],
    run: Run,
    tmp_path: Path,
) -> None:
    """No log, database, artifact, file or command has the publisher's or ours."""
    simulated_night(alerts=100)
    secrets = list(read_passwords(kafka_folder(settings)).values())

    with _watching() as seen:
        night = ("night", "--survey", "ztf", "--night", "20260301")
        done = run("nightmail", *night, PREFECT_LOGGING_LEVEL="DEBUG")
        doctor = run("nightmail", "cluster", "doctor", "--json")

    assert (done.returncode, doctor.returncode) == (0, 0), done.stderr
    said = done.stdout + done.stderr + doctor.stdout + doctor.stderr
    assert [secret for secret in secrets if secret in said] == []
    assert [line for line in seen if any(secret in line for secret in secrets)] == []
    assert any("pyspark" in line for line in seen)
    assert any("kafka.Kafka" in line for line in seen)
    assert list((settings.state_dir / "prefect").glob("*.db"))
    assert _find(secrets, settings.state_dir, tmp_path) == ["passwords.properties"]


def test_after_a_refused_login(
    settings: Settings, run: Run, simulated_night: Callable[..., Path], tmp_path: Path
) -> None:
    """A wrong password is named by its setting, and is written down nowhere."""
    simulated_night(alerts=10)
    access = connect(settings)
    variables = {
        "NIGHTMAIL_KAFKA__BOOTSTRAP_SERVERS": access.bootstrap_servers,
        "NIGHTMAIL_KAFKA__USERNAME": "nightmail",
        "NIGHTMAIL_KAFKA__PASSWORD": WRONG,
    }

    with _watching() as seen:
        night = ("night", "--survey", "ztf", "--night", "20260301")
        done = run("nightmail", *night, **variables)
        doctor = run("nightmail", "cluster", "doctor", **variables)
        shown = run("nightmail", "settings", **variables)

    assert (done.returncode, doctor.returncode, shown.returncode) == (2, 2, 0)
    assert "kafka.password" in done.stderr
    assert "Traceback" not in done.stderr
    for each in (done, doctor, shown):
        assert WRONG not in each.stdout + each.stderr
    assert [line for line in seen if WRONG in line] == []
    assert _find([WRONG], settings.state_dir, tmp_path) == []


@pytest.mark.parametrize(
    ("password", "end"),
    [
        (SECRET, "RuntimeError: a reader's own mistake"),
        (WRONG, "ConfigError: Kafka at"),
    ],
)
def test_a_reader_s(
    settings: Settings, simulated_alert: str, tmp_path: Path, password: str, end: str
) -> None:
    """A reader's program that fails, or is refused, shows no password."""
    access = connect(settings)
    ensure_user(access, "reader-secrets", password=SECRET)
    _let_read(access, simulated_alert)
    environment = {
        "SERVERS": access.bootstrap_servers,
        "TOPIC": simulated_alert,
        "SECRET": password,
        "PYTHONPATH": ":".join(sys.path),
    }

    with _watching() as seen:
        done = subprocess.run(
            [sys.executable, "-c", READER],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert end in done.stderr
    assert ("17" in done.stdout) == (password == SECRET)
    assert password not in done.stdout + done.stderr
    assert [line for line in seen if password in line] == []
    assert _find([password], settings.state_dir, tmp_path) == []


@pytest.fixture
def simulated_alert(settings: Settings) -> str:
    """Name a topic on which there is one alert."""
    name = f"{settings.topics.prefix}secrets_ztf"
    access = connect(settings)
    ensure_topics(access, settings, [name], partitions=1)
    publish(access, name)
    return name


def _let_read(access: KafkaAccess, topic: str) -> None:
    literal, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
    user = "User:reader-secrets"
    rights = [
        AclBinding(kind, name, literal, user, "*", AclOperation.READ, allow)
        for kind, name in ((ResourceType.TOPIC, topic), (ResourceType.GROUP, "*"))
    ]
    admin = open_admin(access)
    [answer.result(20) for answer in admin.create_acls(rights).values()]

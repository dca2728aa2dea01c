"""Which Kafka is run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster import local
from cluster.installation import Installation, find_installation, look_into
from cluster.jars import KAFKA_VERSION, fetch_jars
from runtime.cache import cache_dir
from runtime.java import find_java
from settings.errors import SettingsError
from settings.model import Settings

JARS = ("kafka-clients-4.1.1.jar", "kafka_2.13-4.1.1.jar")


def _install(home: Path, *jars: str) -> Path:
    (home / "libs").mkdir(parents=True)
    for name in jars:
        (home / "libs" / name).touch()
    return home


def test_one_s_own_is_found(tmp_path: Path) -> None:
    """The version is that of the jars."""
    home = _install(tmp_path / "a kafka", *JARS)

    assert look_into(home) == Installation(home / "libs", "4.1.1", "KAFKA_HOME")


@pytest.mark.parametrize("jars", [(), JARS[:1], JARS[1:]])
def test_a_folder_without_kafka_is_refused(
    tmp_path: Path, jars: tuple[str, ...]
) -> None:
    """The sentence names the variable and the folder, and both ways out."""
    home = _install(tmp_path / "nothing", *jars)

    with pytest.raises(SettingsError) as refused:
        look_into(home)

    assert str(refused.value) == (
        f"KAFKA_HOME is {home}, which is no installation of Kafka (no"
        " libs/kafka_2.13-*.jar): correct it, or unset it to have Kafka"
        f" {KAFKA_VERSION} fetched."
    )


def test_one_with_zookeeper_is_refused(tmp_path: Path) -> None:
    """Kafka 3 is too old."""
    home = _install(tmp_path, "kafka-clients-3.9.1.jar", "kafka_2.13-3.9.1.jar")

    with pytest.raises(SettingsError, match=r"is Kafka 3\.9\.1, and 4\.0 or newer"):
        look_into(home)


@pytest.mark.kafka
def test_without_the_variable_it_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """KAFKA_HOME empty is KAFKA_HOME not set."""
    monkeypatch.setenv("KAFKA_HOME", "")

    found = find_installation(find_java("kafka"), cache_dir())

    assert (found.version, found.why) == (KAFKA_VERSION, "fetched")


@pytest.mark.kafka
def test_a_wrong_one_is_refused_before_anything_starts(
    tmp_path: Path,
    make_settings: Callable[[Path], Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There are no data and no process, and the next start is free to choose."""
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path / "nowhere"))
    settings = make_settings(tmp_path)

    with pytest.raises(SettingsError, match="no installation of Kafka"):
        local.start(settings)

    assert not local.status(settings).running
    assert not (tmp_path / "kafka" / "data").exists()


@pytest.mark.kafka
@pytest.mark.slow
def test_one_s_own_is_run(
    tmp_path: Path,
    make_settings: Callable[[Path], Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The broker's classes come from KAFKA_HOME and from nowhere else."""
    home = tmp_path / "my kafka"
    (home / "libs").mkdir(parents=True)
    for jar in fetch_jars(find_java("kafka"), cache_dir()).glob("*.jar"):
        (home / "libs" / jar.name).symlink_to(jar)
    monkeypatch.setenv("KAFKA_HOME", str(home))
    settings = make_settings(tmp_path)

    started = local.start(settings)
    words = Path(f"/proc/{started.pid}/cmdline").read_text().split("\0")
    local.stop(settings)

    assert words[words.index("-cp") + 1] == f"{home}/libs/*"
    assert started.record
    assert started.record.kafka == KAFKA_VERSION

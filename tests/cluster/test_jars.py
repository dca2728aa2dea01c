"""Kafka's program files."""

import hashlib
import re
import threading
from importlib import resources
from pathlib import Path

import pytest

from cluster import jars
from cluster.jars import fetch_jars, find_wrong_jar, pinned_jars
from runtime.java import Java
from settings.errors import ClusterError

CONTENT = b"jar"


@pytest.fixture
def java(tmp_path: Path) -> Java:
    """Give a Java whose Ivy fetches one jar, and counts how often it is run."""
    return _make_java(tmp_path, "mkdir lib; printf jar >lib/a.jar")


@pytest.fixture(autouse=True)
def one_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pin one small jar instead of the 46."""
    pins = {"a.jar": hashlib.sha256(CONTENT).hexdigest()}
    monkeypatch.setattr(jars, "pinned_jars", lambda: pins)


def test_what_is_fetched_is_what_is_pinned() -> None:
    """Ivy's list and the digests name the same jars, Kafka's version among them."""
    ivy = (resources.files("cluster") / "kafka.ivy.xml").read_text()
    listed = re.findall(r'name="([^"]+)" rev="([^"]+)" transitive="false"', ivy)

    pins = pinned_jars()

    assert sorted(f"{name}-{version}.jar" for name, version in listed) == sorted(pins)
    assert f"kafka_2.13-{jars.KAFKA_VERSION}.jar" in pins
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in pins.values())


def test_no_host_is_named() -> None:
    """Where the jars come from is Ivy's to know."""
    for name in ("kafka.ivy.xml", "ivysettings.xml"):
        text = (resources.files("cluster") / name).read_text()
        assert "://" not in text


def test_they_are_fetched_once(java: Java, tmp_path: Path) -> None:
    """The second time they are there."""
    first = fetch_jars(java, tmp_path)
    second = fetch_jars(java, tmp_path)

    assert first == second
    assert (first / "a.jar").read_bytes() == CONTENT
    assert _count_runs(tmp_path) == 1
    assert list(tmp_path.glob("_*")) == []


def test_two_that_fetch_at_once_do_not_fight(tmp_path: Path) -> None:
    """One fetches, the other waits and finds them there."""
    java = _make_java(tmp_path, "sleep 0.3; mkdir lib; printf jar >lib/a.jar")
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch_jars(java, tmp_path)))
        for _ in range(2)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 1
    assert len(found) == 2
    assert _count_runs(tmp_path) == 1


def test_a_fetch_that_fails_says_where_to_look(tmp_path: Path) -> None:
    """What Ivy said stands in a log that the sentence names; nothing is kept."""
    java = _make_java(tmp_path, "echo no network; exit 1")

    with pytest.raises(ClusterError, match="could not be fetched") as refused:
        fetch_jars(java, tmp_path)

    [log] = tmp_path.glob("kafka-*.log")
    assert str(log) in str(refused.value)
    assert log.read_text() == "no network\n"
    assert [each for each in tmp_path.glob("*kafka-*") if each.is_dir()] == []


def test_a_fetched_jar_that_differs_is_refused(tmp_path: Path) -> None:
    """A jar with another content than pinned is named, and nothing is kept."""
    java = _make_java(tmp_path, "mkdir lib; printf other >lib/a.jar")

    with pytest.raises(ClusterError, match=r"a\.jar is not the one that was pinned"):
        fetch_jars(java, tmp_path)

    assert [each for each in tmp_path.glob("*kafka-*") if each.is_dir()] == []


@pytest.mark.parametrize("content", [b"other", None])
def test_a_kept_jar_that_differs_is_refused(
    java: Java, tmp_path: Path, content: bytes | None
) -> None:
    """A jar that was changed or lost since is named, and the folder to delete."""
    folder = fetch_jars(java, tmp_path)
    (folder / "a.jar").unlink()
    if content:
        (folder / "a.jar").write_bytes(content)

    with pytest.raises(ClusterError, match=f"a.jar is .* delete the folder {folder}"):
        fetch_jars(java, tmp_path)


def test_nothing_is_wrong_with_the_right_ones(tmp_path: Path) -> None:
    """All jars there with the pinned content are well."""
    (tmp_path / "a.jar").write_bytes(CONTENT)

    assert find_wrong_jar(tmp_path, jars.pinned_jars()) is None


def _make_java(folder: Path, what: str) -> Java:
    program = folder / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho run >>'{folder}/runs'\n{what}\n")
    program.chmod(0o755)
    return Java(folder, 17, "a test")


def _count_runs(folder: Path) -> int:
    return len((folder / "runs").read_text().split())

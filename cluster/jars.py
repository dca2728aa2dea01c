"""Kafka's own program files: fetched once, pinned, checked at every start."""

import hashlib
import importlib.util
import logging
import subprocess
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from cluster.locks import hold
from runtime.java import Java, trust_store
from settings.errors import ClusterError

KAFKA_VERSION = "4.1.1"
"""The Kafka that is fetched; kafka.ivy.xml and kafka.sha256 say of what it consists.

Not 4.3.1: killed right after a commit and started again, that one takes partitions for
deleted and leaves the transaction without its end, so that nobody reads past it any
more (KAFKA-20734; 5 of 5 kills with 200 partitions, none of 5 with 4.1.1).
"""

FETCH_S = 300.0
"""Longest that the fetch may take [s]."""

log = logging.getLogger("nightmail")


def fetch_jars(java: Java, cache: Path) -> Path:
    """Give the folder of Kafka's jars, fetching them if they are not there.

    Two that fetch at once do not fight: the second waits and finds them there.

    Parameters
    ----------
    java
        Runs Ivy, the fetcher that comes inside pyspark.
    cache
        Folder under which the jars are kept.

    Raises
    ------
    ClusterError
        The fetch failed, or a jar is not the one that was pinned.
    """
    pins = pinned_jars()
    jars = cache / f"kafka-{KAFKA_VERSION}-{_digest(repr(pins).encode())[:8]}"
    if not jars.is_dir():
        _fetch_alone(java, jars, pins)
    if wrong := find_wrong_jar(jars, pins):
        raise ClusterError(
            f"{wrong}: delete the folder {jars}, and Kafka is fetched again."
        )
    return jars


def pinned_jars() -> dict[str, str]:
    """Give the sha256 of every jar, in hexadecimal digits, by its file name."""
    lines = (resources.files("cluster") / "kafka.sha256").read_text().splitlines()
    return {name: digest for digest, name in map(str.split, lines)}


def find_wrong_jar(jars: Path, pins: Mapping[str, str]) -> str | None:
    """Say which jar of a folder is missing or not the pinned one; None if all is well.

    Parameters
    ----------
    jars
        Folder of the jars.
    pins
        The sha256 that each must have, by its file name.
    """
    for name, digest in pins.items():
        if not (jars / name).exists():
            return f"The jar {name} is missing"
        if _digest((jars / name).read_bytes()) != digest:
            return f"The jar {name} is not the one that was pinned (its sha256 differs)"
    return None


def _fetch_alone(java: Java, jars: Path, pins: Mapping[str, str]) -> None:
    lock = jars.with_name(f"{jars.name}.lock")
    try:
        # Ivy is ended after FETCH_S, so whoever holds the lock is done by then.
        with hold(lock, wait_s=2 * FETCH_S):
            if not jars.is_dir():
                _fetch(java, jars, pins)
    except TimeoutError as error:
        raise ClusterError(
            f"Another run has been fetching Kafka for long: see who holds {lock}."
        ) from error


def _fetch(java: Java, jars: Path, pins: Mapping[str, str]) -> None:
    log.info("Fetching Kafka %s (44 MB, once) into %s.", KAFKA_VERSION, jars)
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="_kafka-") as scratch:
        fetched = Path(scratch) / "lib"
        said = jars.with_name(f"{jars.name}.log")
        _run_ivy(java, Path(scratch), said)
        if wrong := find_wrong_jar(fetched, pins):
            raise ClusterError(f"{wrong}, so nothing is kept; {said} has the details.")
        fetched.rename(jars)


def _run_ivy(java: Java, scratch: Path, said: Path) -> None:
    for name in ("ivysettings.xml", "kafka.ivy.xml"):
        text = (resources.files("cluster") / name).read_text()
        (scratch / name).write_text(text)
    command: list[Path | str] = [java.executable, *trust_store(scratch)]
    command += ["-jar", _find_ivy()]
    # Relative, because a bracket in a path means something to Ivy.
    command += ["-settings", "ivysettings.xml", "-ivy", "kafka.ivy.xml"]
    command += ["-cache", "ivy", "-confs", "default", "-warn"]
    command += ["-retrieve", "lib/[artifact]-[revision].[ext]"]
    with said.open("wb") as output:
        try:
            subprocess.run(  # noqa: S603 - pinned program and arguments
                command,
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=FETCH_S,
                check=True,
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise ClusterError(
                f"Kafka {KAFKA_VERSION} could not be fetched from the Maven repository;"
                f" {said} says why. Check the network, then run it again."
            ) from error


def _find_ivy() -> Path:
    spec = importlib.util.find_spec("pyspark")
    folder = Path(spec.origin).parent / "jars" if spec and spec.origin else Path()
    for jar in folder.glob("ivy-*.jar"):
        return jar
    raise ClusterError("pyspark has no Ivy in it: install pyspark again.")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

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
    return fetch_pinned(
        java,
        cache / f"kafka-{KAFKA_VERSION}-{_digest(repr(pins).encode())[:8]}",
        pins,
        ivy=(resources.files("cluster") / "kafka.ivy.xml").read_text(),
        what=f"Kafka {KAFKA_VERSION} (44 MB)",
    )


def fetch_pinned(
    java: Java, jars: Path, pins: Mapping[str, str], *, ivy: str, what: str
) -> Path:
    """Give a folder of pinned jars, fetching them if they are not there.

    Parameters
    ----------
    java
        Runs Ivy.
    jars
        Folder that has them, or will.
    pins
        The sha256 that each must have, by its file name.
    ivy
        Ivy's own file, which lists them.
    what
        Name of them all, for messages.

    Raises
    ------
    ClusterError
        The fetch failed, or a jar is not the one that was pinned.
    """
    if not jars.is_dir():
        _fetch_alone(java, jars, pins, ivy=ivy, what=what)
    if wrong := find_wrong_jar(jars, pins):
        raise ClusterError(
            f"{wrong}: delete the folder {jars}, and {what} is fetched again."
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


def _fetch_alone(
    java: Java, jars: Path, pins: Mapping[str, str], *, ivy: str, what: str
) -> None:
    lock = jars.with_name(f"{jars.name}.lock")
    try:
        # Ivy is ended after FETCH_S, so whoever holds the lock is done by then.
        with hold(lock, wait_s=2 * FETCH_S):
            if not jars.is_dir():
                _fetch(java, jars, pins, ivy=ivy, what=what)
    except TimeoutError as error:
        raise ClusterError(
            f"Another run has been fetching {what} for long: see who holds {lock}."
        ) from error


def _fetch(
    java: Java, jars: Path, pins: Mapping[str, str], *, ivy: str, what: str
) -> None:
    log.info("Fetching %s, once, into %s.", what, jars)
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix="_jars-") as name:
        scratch, said = Path(name), jars.with_name(f"{jars.name}.log")
        (scratch / "jars.ivy.xml").write_text(ivy)
        try:
            _run_ivy(java, scratch, said)
        except (subprocess.SubprocessError, OSError) as error:
            raise ClusterError(
                f"{what} could not be fetched from the Maven repository;"
                f" {said} says why. Check the network, then run it again."
            ) from error
        if wrong := find_wrong_jar(scratch / "lib", pins):
            raise ClusterError(f"{wrong}, so nothing is kept; {said} has the details.")
        (scratch / "lib").rename(jars)


def _run_ivy(java: Java, scratch: Path, said: Path) -> None:
    settings = (resources.files("cluster") / "ivysettings.xml").read_text()
    (scratch / "ivysettings.xml").write_text(settings)
    command: list[Path | str] = [java.executable, *trust_store(scratch)]
    command += ["-jar", _find_ivy()]
    # Relative, because a bracket in a path means something to Ivy.
    command += ["-settings", "ivysettings.xml", "-ivy", "jars.ivy.xml"]
    command += ["-cache", "ivy", "-confs", "default", "-warn"]
    command += ["-retrieve", "lib/[artifact]-[revision].[ext]"]
    with said.open("wb") as output:
        subprocess.run(  # noqa: S603 - pinned program and arguments
            command,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=FETCH_S,
            check=True,
        )


def _find_ivy() -> Path:
    spec = importlib.util.find_spec("pyspark")
    folder = Path(spec.origin).parent / "jars" if spec and spec.origin else Path()
    for jar in folder.glob("ivy-*.jar"):
        return jar
    raise ClusterError("pyspark has no Ivy in it: install pyspark again.")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

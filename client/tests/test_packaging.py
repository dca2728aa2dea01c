"""The published package installs alone, and stays light."""

import ast
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[1]

DEPENDENCIES = {"confluent-kafka", "fastavro", "click", "pyyaml"}

NOT_REACHABLE = re.compile(
    "NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError|"
    "name resolution|Network is unreachable|Max retries"
)
"""What pip says where it finds no registry."""

HEAVY = (
    *("pandas", "pyarrow", "numba", "numpy", "pyspark", "prefect", "duckdb"),
    *("matplotlib",),
)


def test_four_packages_are_all_it_asks_for() -> None:
    """The rest are extras; a fifth needs a decision, not a slip."""
    plain = [line for line in requires("nightmail") or [] if "extra ==" not in line]

    names = {re.split(r"[<>=!~ \[;]", line)[0].lower() for line in plain}

    assert names == DEPENDENCIES


def test_reading_speaks_to_kafka_and_to_nothing_else() -> None:
    """No module but Slack's imports what could fetch a schema, say, from elsewhere."""
    others = {"http", "urllib", "ftplib", "smtplib", "asyncio", "requests", "httpx"}
    found = {
        (file.name, name.partition(".")[0])
        for file in (CLIENT / "src").rglob("*.py")
        if file.parent.name != "slack"
        for name in imported(file)
        if name.partition(".")[0] in {*others, "socket"}
    }

    # Which keeps a filter that is checked from the network.
    assert found == {("testing.py", "socket")}


def imported(file: Path) -> Iterator[str]:
    """Name what a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def test_what_takes_long_is_imported_with_the_first_consumer() -> None:
    """Not with the package: librdkafka, Avro, YAML and TLS take longer than ours."""
    late = ("confluent_kafka", "fastavro", "yaml", "asyncio", "hashlib", *HEAVY)
    code = f"import sys, nightmail\nprint(*({{*{late}}} & {{*sys.modules}}))"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == []


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the client alone into a new environment, as an astronomer does."""
    folder = tmp_path_factory.mktemp("fresh environment")
    venv.create(folder, with_pip=True)
    done = run(folder, "-m", "pip", "install", "--quiet", str(CLIENT))
    if done.returncode and NOT_REACHABLE.search(done.stderr):
        pytest.skip(f"pip reaches no registry: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return folder


def run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run that environment's Python, which sees nothing of this one."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [folder / "bin" / "python", *args],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )


@pytest.mark.slow
def test_the_command_works_alone(fresh: Path) -> None:
    """Its help is shown, though no command of an operator is there."""
    done = run(fresh, "-m", "nightmail", "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: nightmail ")
    assert (fresh / "bin" / "nightmail").exists()


@pytest.mark.slow
def test_a_readers_commands_work_alone(fresh: Path) -> None:
    """Each loads without any extra, `topics` too, which is the operator's elsewhere."""
    names = ("consume", "export", "follow", "register", "stats", "topics", "view")

    for name in names:
        done = run(fresh, "-m", "nightmail", name, "--help")
        assert (done.returncode, done.stderr) == (0, ""), name
        assert f"nightmail {name} " in done.stdout


@pytest.mark.slow
def test_every_export_is_there_alone(fresh: Path) -> None:
    """What is exported needs no extra, and nothing heavy came along."""
    code = (
        "import importlib.util, nightmail\n"
        "[getattr(nightmail, name) for name in nightmail.__all__]\n"
        f"print(*(name for name in {HEAVY} if importlib.util.find_spec(name)))"
    )

    done = run(fresh, "-c", code)

    assert (done.stderr, done.stdout.strip()) == ("", "")


@pytest.mark.slow
def test_it_carries_its_types_and_licence(fresh: Path) -> None:
    """A type checker at an astronomer's sees our types."""
    packages = fresh / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"

    assert (packages / "nightmail" / "py.typed").exists()
    assert list(packages.glob("nightmail-*.dist-info/licenses/LICENSE"))

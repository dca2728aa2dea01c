"""How the command ends: each refusal one sentence, with its own exit code."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cluster.count import count_topics
from cluster.local import status
from settings.model import Settings
from tests.flows.conftest import Run

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PICKY = """
from nightmail import alert_filter

@alert_filter(owner="someone@example.org", survey="ztf")
def picky(candidate_magpsf):
    "Raises."
    raise ValueError("one row is odd")
"""


def _sent(settings: Settings) -> int:
    """How many alerts stand on the topics of a test."""
    names = [
        f"{settings.topics.prefix}{name}_ztf"
        for name in ("sn_candidates", "sso_ztf_candidates")
    ]
    public = {"bootstrap.servers": status(settings).public_servers}
    since = datetime.now(UTC) - timedelta(hours=1)
    return count_topics(public, names, night="20260301", since=since).total()


def _sentences(ended: subprocess.CompletedProcess[str]) -> list[str]:
    return [s for s in ended.stderr.splitlines() if s.startswith("Error: ")]


def test_a_night_that_does_not_exist(
    run: Run, simulated_night: Callable[..., Path]
) -> None:
    """Exit code 3, naming the nights that there are."""
    simulated_night(alerts=10)

    ended = run("nightmail", "night", "--survey", "ztf", "--night", "20260302")

    assert ended.returncode == 3
    assert len(_sentences(ended)) == 1
    assert "20260301" in _sentences(ended)[0]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--survey", "sdss"), 3, "ztf and lsst"),
        (("--survey", "ztf", "--night", "tonight"), 2, "20260301"),
        (
            ("--survey", "ztf", "--night", "20260301", "--filter", "sn"),
            3,
            "no filter sn",
        ),
        (("--night", "20260301"), 2, "--survey"),
    ],
)
def test_wrong_words(
    run: Run,
    simulated_night: Callable[..., Path],
    words: tuple[str, ...],
    code: int,
    says: str,
) -> None:
    """What is asked for is checked before anything is started."""
    simulated_night(alerts=10)

    ended = run("nightmail", "night", *words)

    assert ended.returncode == code, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unknown_setting(run: Run) -> None:
    """Exit code 2, naming the nearest valid one."""
    ended = run("nightmail", "night", "--survey", "ztf", NIGHTMAIL_KAFKA__USER="x")

    assert ended.returncode == 2
    assert "NIGHTMAIL_KAFKA__USERNAME" in ended.stderr


def test_kafka_that_is_not_reachable(
    run: Run, simulated_night: Callable[..., Path]
) -> None:
    """Exit code 5, naming the servers."""
    simulated_night(alerts=10)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        servers = f"127.0.0.1:{free.getsockname()[1]}"

    ended = run(
        "nightmail", "night", "--survey", "ztf", "--night", "20260301",
        NIGHTMAIL_KAFKA__BOOTSTRAP_SERVERS=servers,
    )  # fmt: skip

    assert ended.returncode == 5, ended.stderr
    assert servers in _sentences(ended)[0]


def test_an_archive_that_cannot_be_written(
    run: Run, settings: Settings, simulated_night: Callable[..., Path]
) -> None:
    """Exit code 5, naming the folder; nothing is sent."""
    simulated_night(alerts=100)
    settings.archive_root().parent.mkdir(parents=True, exist_ok=True)
    settings.archive_root().write_text("a file, where a folder should be")

    ended = run("nightmail", "night", "--survey", "ztf", "--night", "20260301")

    assert ended.returncode == 5, ended.stderr
    assert str(settings.archive_root()) in ended.stderr
    assert _sent(settings) == 0


@pytest.mark.parametrize("module", ["nightmail", "flows.nightly"])
def test_a_failing_filter(
    run: Run,
    plugin: Callable[[str], str],
    simulated_night: Callable[..., Path],
    module: str,
) -> None:
    """The command and the flow's module both end with 1, and name the filter."""
    simulated_night(alerts=100)
    words = ["night", "--survey", "ztf", "--night", "20260301"]
    if module == "flows.nightly":
        words = ["ztf", "20260301"]

    ended = run(module, *words, PYTHONPATH=plugin(PICKY))

    assert ended.returncode == 1, ended.stderr
    assert any("picky" in s and "one row is odd" in s for s in _sentences(ended))
    assert len(_sentences(ended)) == 1


def test_prefect_that_is_not_reachable(
    run: Run, simulated_night: Callable[..., Path]
) -> None:
    """Exit code 5, naming the server."""
    simulated_night(alerts=10)
    url = "http://127.0.0.1:1/api"

    ended = run(
        "nightmail", "night", "--survey", "ztf", "--night", "20260301",
        PREFECT_API_URL=url,
    )  # fmt: skip

    assert ended.returncode == 5, ended.stderr
    assert url in _sentences(ended)[0]


def test_by_schedule_a_night_without_a_folder_is_no_failure(
    settings: Settings, environment: dict[str, str], tmp_path: Path
) -> None:
    """The run ends Completed, named NoData, with a summary of zero."""
    (settings.store_root("ztf") / "science").mkdir(parents=True)
    code = (
        "from flows.nightly import nightly\n"
        "state = nightly('ztf', return_state=True)\n"
        "print(state.type.value, state.name)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment | {"PREFECT_HOME": str(tmp_path / "prefect")},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert ended.stdout.splitlines()[-1] == "COMPLETED NoData"
    summaries = list((settings.archive_root() / "ztf" / "nights").glob("*.json"))
    assert [json.loads(s.read_text())["status"] for s in summaries] == ["no data"]


def test_help_loads_nothing_heavy() -> None:
    """`nightmail night --help` answers without Prefect, Spark or Arrow."""
    code = (
        "import sys\n"
        "from nightmail.cli import main\n"
        "try: main(['night', '--help'])\n"
        "except SystemExit: pass\n"
        "print({'prefect', 'pyspark', 'pyarrow'} & set(sys.modules))\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert "Examples:" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "set()"

"""The campaign itself: a short one is run, and it sees what it must see."""

import ast
import datetime as dt
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.chaos import reader
from tests.chaos.__main__ import main
from tests.chaos.campaign import Campaign
from tests.chaos.check import compare
from tests.chaos.nights import place_nights, simulate_pool
from tests.chaos.plain import plan_kinds
from tests.chaos.reader import Sighting, expect
from tests.chaos.spark import ROOT, plan_sessions
from tests.chaos.tally import DRIVER, EXECUTOR, JVM, PLAIN, POINTS, WORKER, Tally

WANTED = {("bright", 1), ("bright", 2), ("faint", 3)}
"""What belongs on the topics of a night."""


def _sighting(*found: tuple[str, int]) -> Sighting:
    return Sighting({"20260301": Counter(found)})


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.spark
@pytest.mark.prefect
@pytest.mark.timeout(1200)
def test_a_short_campaign_loses_and_doubles_nothing() -> None:
    """Every point, a broker, and Spark's three: each kill, one rerun, and all agree."""
    words = ["--kills", "21", "--spark-kills", "3", "--broker-kills", "2"]

    ended = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *words, "--seed", "20260301"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = ended.stdout.splitlines()
    assert said[-3:] == ["figure: kills 21", "figure: lost 0", "figure: doubled 0"]
    rows = {line[:24].strip(): line[24:].split() for line in said if line[24:].strip()}
    kinds = [*PLAIN, "broker", WORKER, EXECUTOR, DRIVER]
    assert [rows[kind][0] for kind in kinds] == [*["1"] * 16, "2", "1", "1", "1"]


def test_what_is_right_is_right() -> None:
    """A night on which each alert stands once has nothing wrong."""
    verdict = compare(_sighting(*WANTED), "20260301", WANTED)

    assert verdict.is_good
    assert (verdict.records, verdict.evidence) == (3, [])


def test_a_lost_alert_is_seen() -> None:
    """It is counted, and named."""
    verdict = compare(_sighting(("bright", 1), ("faint", 3)), "20260301", WANTED)

    assert (verdict.lost, verdict.doubled, verdict.strange) == (1, 0, 0)
    assert verdict.evidence == ["lost (1): ('bright', 2)"]


def test_a_doubled_alert_is_seen() -> None:
    """Each record too many counts."""
    seen = _sighting(*WANTED, ("faint", 3), ("faint", 3))

    verdict = compare(seen, "20260301", WANTED)

    assert (verdict.lost, verdict.doubled, verdict.strange) == (0, 2, 0)
    assert verdict.evidence == ["doubled (2): ('faint', 3), ('faint', 3)"]


def test_an_alert_on_another_topic_is_seen() -> None:
    """What belongs elsewhere is strange, and lost where it belongs."""
    seen = _sighting(("bright", 1), ("bright", 2), ("bright", 3))

    verdict = compare(seen, "20260301", WANTED)

    assert (verdict.lost, verdict.doubled, verdict.strange) == (1, 0, 1)


def test_another_night_does_not_count() -> None:
    """Alerts are of the night that their header names."""
    verdict = compare(_sighting(*WANTED), "20260302", WANTED)

    assert verdict.lost == 3


@pytest.mark.parametrize(
    ("seen", "said", "wrong"),
    [("", "", 0), ("lost (1)", "1 alert", 0), ("lost (1)", "", 1), ("", "1 alert", 1)],
)
def test_verify_must_say_what_the_reader_says(seen: str, said: str, wrong: int) -> None:
    """Of a night with a fault that one of them does not see, the other is wrong."""
    tally = Tally()

    tally.compare("owned", "20260301", seen=seen, said=said)

    assert (tally.verified, tally.total("verify"), len(tally.faults)) == (
        1,
        wrong,
        wrong,
    )


@pytest.mark.parametrize("seed", range(4))
def test_what_disappears_stands_elsewhere_too(tmp_path: Path, seed: int) -> None:
    """Of a half-done merge the files that come first go, and no alert with them."""
    rng = Random(seed)
    pool = simulate_pool(tmp_path / "pool", seed=1)
    first = dt.date(2026, 3, 1)
    night = next(place_nights(tmp_path / "store", pool, first=first, rng=rng))
    wanted = expect(night.files(), {"each": "candid > 0"})
    night.copy(rng)
    owners, others = set(night.doomed), set(night.files()) - set(night.doomed)

    night.remove_doomed()

    assert owners
    assert min(owners) < max(others)
    assert set(night.files()) == others
    assert expect(night.files(), {"each": "candid > 0"}) == wanted


def test_a_campaign_that_takes_too_long_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so, and it is no proof, whatever it has counted."""
    monkeypatch.setattr(Campaign, "run", lambda _: Tally())
    words = ["--kills", "0", "--spark-kills", "0", "--broker-kills", "0"]

    codes = [main(words), main([*words, "--minutes", "0"])]

    assert codes == [0, 1]
    assert "IT TOOK TOO LONG" in capsys.readouterr().err


def test_the_reader_shares_no_code_with_the_publisher() -> None:
    """It imports no room of ours, and not the client."""
    tree = ast.parse(Path(reader.__file__).read_text(encoding="utf-8"))
    imported = {name.split(".")[0] for node in ast.walk(tree) for name in _names(node)}
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert imported & (ours | {"nightmail", "tests"}) == set()
    assert {"confluent_kafka", "fastavro", "duckdb"} <= imported


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_every_point_comes_first() -> None:
    """Sixteen kills are one of each kind; of 150, each point has eight or more."""
    assert sorted(plan_kinds(16, Random(1))) == sorted(PLAIN)
    many = Counter(plan_kinds(150, Random(1)))
    assert sum(many.values()) == 150
    assert min(many[point] for point in POINTS) >= 8


@pytest.mark.parametrize("count", [0, 1, 3, 6, 7, 40])
def test_sessions_add_up(count: int) -> None:
    """So many are killed as is asked, and whoever ends a session comes last."""
    sessions = list(plan_sessions(count))

    assert sum(len(kinds) for _, kinds in sessions) == count
    for _, kinds in sessions:
        assert kinds[-1] in {DRIVER, JVM}
        assert not {DRIVER, JVM} & set(kinds[:-1])

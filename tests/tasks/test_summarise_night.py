"""A night as one value, from what ledger and archive have."""

from pathlib import Path
from typing import Any

import pytest

from archive.summary import Partition, Summary, read_summary
from cluster.access import KafkaAccess
from ledger.row import LedgerRow, PartitionRange
from nightmail import Filter
from settings.model import Archive, Settings
from settings.names import LEDGER_TOPIC
from store.path import StorePath
from store.unit import Unit
from tasks.plan_night import NightPlan
from tasks.read_back import Archived, ReadBack
from tasks.summarise_night import add_up, day_obs, summarise_night

BRIGHT = Filter("bright", "ztf", "Bright.", "a@example.org", ("m",), None, "", "1")
ACCESS = KafkaAccess("nowhere:1", None, local=False, publisher={}, admin={})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path, archive=Archive(uri=str(tmp_path / "archive")))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Summary]:
    """Collect what is sent to the topic of nights."""
    sent: list[Summary] = []
    monkeypatch.setattr(
        "tasks.summarise_night.publish_night", lambda *words: sent.append(words[2])
    )
    return sent


def _plan(*units: tuple[str, int], **fields: Any) -> NightPlan:
    known: dict[str, Any] = {
        "survey": "ztf",
        "night": "20260301",
        "folder": StorePath("/store"),
        "partitions": {LEDGER_TOPIC: 16},
        "units": tuple(
            Unit(n, StorePath(n.partition("#")[0]), n, (0,), r, 9) for n, r in units
        ),
        "filters": {"bright": BRIGHT},
        "catalogue": {"bright": BRIGHT},
        "work": {},
        "types": {},
    }
    return NightPlan(**(known | fields))


def _row(unit: str, *ranges: PartitionRange, **fields: Any) -> LedgerRow:
    rows = sum(one.count for one in ranges)
    return LedgerRow("sent", unit, "1", rows=rows, partitions=ranges, **fields)


def _back(
    rows: dict[str, LedgerRow], topic: str = "fink_bright_ztf", **classes: int
) -> ReadBack:
    entries = {(unit, topic): row for unit, row in rows.items()}
    total = sum(classes.values())
    archived = {topic: Archived(total, classes)} if total else {}
    return ReadBack(entries, archived, classes, 0)


def _whole() -> tuple[NightPlan, ReadBack]:
    rows = {
        "a#0-1": _row("a#0-1", PartitionRange(0, 3, 8, 2), size=10, seconds=0.5),
        "a#2-3": _row(
            "a#2-3",
            PartitionRange(0, 20, 22, 3),
            PartitionRange(2, 4, 4, 1),
            size=20,
            seconds=0.25,
        ),
    }
    return _plan(("a#0-1", 50), ("a#2-3", 40)), _back(rows, SN=4, AGN=2)


def test_a_night_adds_up(settings: Settings) -> None:
    """Files are counted once though cut in two; ranges of a partition are merged."""
    summary = add_up(settings, *_whole(), [])

    assert summary.problems() == []
    assert (summary.status, summary.day_obs) == ("complete", "20260228")
    assert (summary.files, summary.alerts, summary.kept) == (1, 90, 6)
    assert list(summary.classes.items()) == [("AGN", 2), ("SN", 4)]
    (topic,) = summary.topics
    assert (topic.kept, topic.delivered, topic.archived) == (6, 6, 6)
    assert (topic.bytes, topic.seconds) == (30, 0.75)
    assert (topic.summary, topic.owner) == ("Bright.", "a@example.org")
    assert topic.partitions == (
        Partition(partition=0, first_offset=3, last_offset=22, count=5),
        Partition(partition=2, first_offset=4, last_offset=4, count=1),
    )


@pytest.mark.parametrize(
    ("plan", "failures", "status"),
    [
        (_plan(folder=None), [], "no data"),
        (_plan(), [], "empty"),
        (_plan(("a", 0)), [], "failed"),
        (_plan(("a", 0), filters={}, catalogue={}), [], "empty"),
        (_plan(("a", 9), filters={}), [], "partial"),
        (_plan(("a", 9), filters={}, catalogue={}), [], "complete"),
        (_plan(folder=None), ["Spark died."], "failed"),
        (_plan(broken={"odd": "SyntaxError"}), [], "failed"),
    ],
)
def test_the_status_says_how_it_ended(
    settings: Settings, plan: NightPlan, failures: list[str], status: str
) -> None:
    """A night without a folder differs from one without alerts, and from a failed."""
    assert add_up(settings, plan, _back({}), failures).status == status


def test_a_filter_that_has_left_is_told_of(settings: Settings) -> None:
    """What it had sent stays on its topic; who it was is not known any more."""
    back = _back({"a": _row("a", PartitionRange(0, 0, 0, 1))}, "fink_old_ztf", SN=1)

    summary = add_up(settings, _plan(("a", 5), filters={}, catalogue={}), back, [])

    (topic,) = summary.topics
    assert (topic.filter, topic.delivered, topic.owner) == ("old", 1, "")
    assert summary.problems() == []


def test_a_sentence_is_said_once(settings: Settings) -> None:
    """Several workers say the same."""
    summary = add_up(settings, _plan(), _back({}), ["One.", "Two.", "One."])

    assert summary.failures == ("One.", "Two.")


def test_only_a_change_is_published(
    settings: Settings, published: list[Summary]
) -> None:
    """The second run of the same night writes nothing, a better one does."""
    plan, back = _whole()
    failed = summarise_night(settings, ACCESS, plan, back, failures=["Spark died."])
    whole = summarise_night(settings, ACCESS, plan, back)
    again = summarise_night(settings, ACCESS, plan, back)

    assert published == [failed, whole]
    assert again == whole
    assert read_summary(settings.archive_root(), "ztf", "20260301") == whole


@pytest.mark.parametrize("doubled", [0, 2])
def test_what_does_not_add_up_is_a_failure(
    settings: Settings, published: list[Summary], doubled: int
) -> None:
    """Though no step has failed."""
    plan, back = _whole()
    torn = ReadBack(back.entries, back.archived, {"SN": 4, "AGN": 3 - doubled}, doubled)

    summary = summarise_night(settings, ACCESS, plan, torn)

    assert summary.status == "failed"
    assert summary.failures
    assert published == [summary]


@pytest.mark.parametrize(
    ("night", "evening"),
    [
        ("20260101", "20251231"),
        ("20240301", "20240229"),
        ("20260301", "20260228"),
        ("20260310", "20260309"),
    ],
)
def test_rubin_names_a_night_by_its_evening(night: str, evening: str) -> None:
    """Over the ends of months and years, leap years too."""
    assert day_obs(night) == evening

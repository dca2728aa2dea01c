"""A night as the archive has it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from archive.kinds import MATCHES_SCHEMA
from archive.slices import NightFolder
from cluster.access import KafkaAccess
from ledger.row import LedgerRow
from settings.errors import ArchiveUnavailableError
from settings.model import Archive, Settings
from settings.names import LEDGER_TOPIC
from tasks.plan_night import NightPlan
from tasks.read_back import Archived, ReadBack, read_back

ENTRIES = {("a.parquet", "fink_bright_ztf"): LedgerRow("sent", "x", "1")}

Write = Callable[..., None]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path, archive=Archive(uri=str(tmp_path / "it's")))


@pytest.fixture
def write(settings: Settings) -> Write:
    """Write a slice: its alerts, and the (topic, class, id) of its matches."""

    def publish(
        name: str, ids: list[int], *matches: tuple[str, str, int], **columns: list[Any]
    ) -> None:
        night = NightFolder(
            settings.archive_root(), "ztf", "20260301", settings.topics.prefix
        )
        with night.writer(name) as writer:
            if ids:
                writer.write_alerts(pa.record_batch({"candid": ids, **columns}))
            rows = [{"topic": t, "class": c, "id": i} for t, c, i in matches]
            writer.write_matches(pa.RecordBatch.from_pylist(rows, MATCHES_SCHEMA))
        night.publish(name)

    return publish


@pytest.fixture
def read(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[], ReadBack]:
    """Read the night back, with a ledger that has one row."""
    monkeypatch.setattr("tasks.read_back.read_done", lambda *_: ENTRIES)
    plan = NightPlan(
        survey="ztf",
        night="20260301",
        folder=None,
        partitions={LEDGER_TOPIC: 16},
        units=(),
        filters={},
        catalogue={},
        work={},
        types={},
    )
    access = KafkaAccess("nowhere:1", None, local=False, publisher={}, admin={})
    return lambda: read_back(settings, access, plan)


def test_matches_are_counted_by_topic_and_class(
    write: Write, read: Callable[[], ReadBack]
) -> None:
    """Over all slices; an alert that two filters kept counts once in the night."""
    write("000-a", [1, 2], ("b", "SN", 1), ("b", "AGN", 2), ("f", "SN", 1))
    write("001-b", [3], ("b", "SN", 3))

    back = read()

    assert back.archived == {
        "b": Archived(3, {"AGN": 1, "SN": 2}),
        "f": Archived(1, {"SN": 1}),
    }
    assert back.classes == {"AGN": 1, "SN": 2}
    assert (back.kept, back.doubled, back.entries) == (3, 0, ENTRIES)


def test_a_match_without_its_alert_is_not_archived(
    write: Write, read: Callable[[], ReadBack]
) -> None:
    """So that the difference is found: the topic has more than the archive."""
    write("000-a", [1], ("b", "SN", 1), ("b", "SN", 2))

    assert read().archived == {"b": Archived(1, {"SN": 1})}


def test_an_alert_that_stands_twice_is_told(
    write: Write, read: Callable[[], ReadBack]
) -> None:
    """Each alert has to be in the archive once."""
    write("000-a", [1, 2], ("b", "SN", 1))
    write("001-b", [2], ("b", "SN", 2))

    assert read().doubled == 1


def test_slices_of_two_schemas_are_read(
    write: Write, read: Callable[[], ReadBack]
) -> None:
    """A night has files of several versions of the survey's schema."""
    write("000-a", [1], ("b", "SN", 1), old=["x"])
    write("001-b", [2], ("b", "SN", 2), new=[0.5])

    assert read().archived["b"].alerts == 2


def test_without_an_archive_all_is_zero(read: Callable[[], ReadBack]) -> None:
    """The first night of all, or one in which nothing was kept."""
    back = read()

    assert (back.archived, back.kept, back.doubled) == ({}, 0, 0)
    assert back.entries == ENTRIES


def test_a_damaged_slice_is_named(
    settings: Settings, write: Write, read: Callable[[], ReadBack]
) -> None:
    """The archive cannot be read, and the sentence says which file."""
    write("000-a", [1], ("b", "SN", 1))
    night = NightFolder(
        settings.archive_root(), "ztf", "20260301", settings.topics.prefix
    )
    (night.folder("alerts") / "000-a.parquet").write_bytes(b"PAR1 cut short")

    with pytest.raises(ArchiveUnavailableError, match=r"000-a\.parquet"):
        read()

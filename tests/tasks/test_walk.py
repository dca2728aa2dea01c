"""A night's walk on a real broker: sent, remembered, archived, and not twice."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.access import KafkaAccess
from nightmail import AlertConsumer
from settings.errors import ArchiveUnavailableError
from settings.model import Settings
from tests.tasks.conftest import (
    BRIGHT,
    FAINT,
    bright,
    find_matches,
    make_filter,
)

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Night = Callable[..., Path]


class Died(BaseException):
    """Stands for a kill at a point of the walk."""


def test_a_night_is_delivered_once(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """The second run of a night finds nothing to do."""
    simulated_night()

    first = walk(filters=[BRIGHT, FAINT])
    second = walk(filters=[BRIGHT, FAINT])

    assert first.summary.status == "complete"
    assert sum(first.delivered.values()) == first.summary.alerts
    assert second.plan.work == {}
    assert second.summary == first.summary
    agree(second)


@pytest.mark.parametrize(
    "point",
    ["owned", "repaired", "selected", "archived", "begin", "produce", "before commit"],
)
def test_a_run_that_died_leaves_nothing_wrong(
    simulated_night: Night, walk: Any, agree: Any, point: str
) -> None:
    """Dead before the commit, then a filter edited, then run again: all agree."""
    simulated_night()

    def die(where: str) -> None:
        if where == point:
            raise Died

    with pytest.raises(Died):
        walk(filters=[BRIGHT, FAINT], at=die)
    edited = make_filter(bright, version="2")
    walked = walk(filters=[edited, FAINT])

    assert walked.summary.status == "complete"
    agree(walked)


def test_dead_after_the_commit_is_repaired(
    settings: Settings, simulated_night: Night, walk: Any, agree: Any
) -> None:
    """A slice that was committed and not yet shown is shown by the next owner."""
    simulated_night(rows_per_file=300)

    def die(where: str) -> None:
        if where == "after commit":
            raise Died

    with pytest.raises(Died):
        walk(filters=[BRIGHT, FAINT], at=die)
    assert find_matches(settings) == Counter()
    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "complete"
    agree(walked)


def test_a_late_file_sends_only_itself(
    simulated_night: Night,
    walk: Any,
    agree: Any,
    tmp_path: Path,
) -> None:
    """A file that arrives later is the only work of the next run."""
    folder = simulated_night()
    late = folder / "part-00002.parquet"
    shutil.move(late, tmp_path / "late")
    walk(filters=[BRIGHT, FAINT])
    shutil.move(tmp_path / "late", late)

    walked = walk(filters=[BRIGHT, FAINT])

    assert [w.unit.name for ws in walked.plan.work.values() for w in ws] == [late.name]
    agree(walked)


def test_a_new_filter_sends_only_its_topic(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """Alerts that the archive has are not written there again."""
    simulated_night()
    walk(filters=[BRIGHT])
    everything = make_filter(
        lambda candidate_magpsf: candidate_magpsf > 0, name="anything"
    )

    walked = walk(filters=[BRIGHT, everything])

    assert walked.delivered["anything"] == walked.summary.alerts
    agree(walked)


def test_a_file_of_another_content_is_refused(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """A file replaced under its old name is named, and nothing of it is sent."""
    folder = simulated_night()
    walk(filters=[BRIGHT, FAINT])
    path = folder / "part-00000.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)

    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "failed"
    assert "part-00000.parquet" in walked.summary.failures[0]
    agree(walked)


def test_an_id_that_stands_twice_is_sent_once(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """In one file or in two, the first keeps it; how many were left out is counted."""
    folder = simulated_night()
    table = pq.read_table(folder / "part-00000.parquet")
    pq.write_table(pa.concat_tables([table, table]), folder / "part-00000.parquet")
    shutil.copy(folder / "part-00001.parquet", folder / "part-00009.parquet")

    walked = walk(filters=[BRIGHT, FAINT])

    assert sum(r.duplicates for r in walked.reports) == 200
    assert sum(walked.delivered.values()) == 300
    agree(walked)


def test_a_filter_that_raises_fails_alone(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """The others are delivered; it is not tried again until it changes."""
    simulated_night()
    calls = []

    def picky(candidate_magpsf: pd.Series) -> pd.Series:
        """Raise on one row."""
        calls.append(len(candidate_magpsf))
        if (candidate_magpsf > 0).sum() > 1:
            raise ValueError("one row is odd")
        return candidate_magpsf > 0

    walked = walk(filters=[BRIGHT, make_filter(picky)])
    assert walked.summary.status == "failed"
    assert set(walked.failures) == {"picky"}
    assert "ValueError: one row is odd" in walked.failures["picky"][0]
    tried = len(calls)

    again = walk(filters=[BRIGHT, make_filter(picky)])
    assert again.plan.work == {}
    assert again.summary.status == "failed"
    assert len(calls) == tried

    mended = make_filter(
        lambda candidate_magpsf: candidate_magpsf > 17, version="2", name="picky"
    )
    healed = walk(filters=[BRIGHT, mended])
    assert healed.summary.status == "complete"
    agree(healed)


def test_a_column_that_no_file_has_fails_its_filter(
    simulated_night: Night, walk: Any
) -> None:
    """The failure names the column, and the next run does not try again."""
    simulated_night()
    hopeful = make_filter(lambda candidate_magpfs: candidate_magpfs > 0, name="hopeful")

    walked = walk(filters=[BRIGHT, hopeful])

    assert walked.delivered["bright"] > 0
    assert "candidate_magpsf" in walked.failures["hopeful"][0]
    assert walk(filters=[BRIGHT, hopeful]).plan.work == {}


def test_a_column_that_only_newer_files_have_is_null_in_older_ones(
    real_night: Callable[[str, str], Path], walk: Any
) -> None:
    """`anomaly_score` came with schema 4.02; a night with both schemas is complete."""
    real_night("ztf", "20260301")
    odd = make_filter(lambda anomaly_score: anomaly_score < 1, name="odd")

    walked = walk(filters=[odd])

    assert walked.summary.status == "complete"
    assert 0 < walked.delivered["odd"] <= 9


def test_a_corrupt_file_is_named_and_the_rest_goes_on(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """The night ends failed, with every alert of the other files delivered."""
    folder = simulated_night()
    (folder / "part-00001.parquet").write_bytes(b"PAR1 cut short")

    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "failed"
    assert "part-00001.parquet" in walked.summary.failures[0]
    assert sum(walked.delivered.values()) == 200
    agree(walked)


def test_an_empty_night_has_a_summary_of_zero(
    simulated_night: Night, walk: Any
) -> None:
    """Files without alerts are no error."""
    simulated_night(alerts=0)

    walked = walk(filters=[BRIGHT])

    assert walked.summary.status == "empty"
    assert walked.delivered == {"bright": 0}


def test_the_nights_record_is_read_as_any_alert(
    settings: Settings, access: KafkaAccess, simulated_night: Night, walk: Any
) -> None:
    """The record decodes by its key, and is written only when it changed."""
    simulated_night()
    walked = walk(filters=[BRIGHT])
    walk(filters=[BRIGHT])

    topic = f"{settings.topics.prefix}nights_ztf"
    config = {"servers": access.public_servers, "group_id": "nights"}
    with AlertConsumer([topic], config) as consumer:
        _, record, key = consumer.poll(10)
        assert consumer.poll(2) == (None, None, None)
    assert json.loads(key or "")["name"].endswith("Night")
    assert record is not None
    assert (record["night"], record["kept"]) == ("20260301", walked.summary.kept)
    assert record["topics"][0]["delivered"] == walked.delivered["bright"]


def test_a_store_that_was_merged_sends_nothing(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """Files are no identity: the same alerts in another file are not sent again."""
    folder = simulated_night()
    first = walk(filters=[BRIGHT, FAINT])
    merged = pa.concat_tables(pq.read_table(f) for f in sorted(folder.glob("part-*")))
    for file in folder.glob("part-*"):
        file.unlink()
    pq.write_table(merged, folder / "merged.parquet")

    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "complete"
    assert walked.delivered == first.delivered
    agree(walked)


def test_a_store_that_moved_to_its_other_layout_sends_nothing(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """A file is known by its path within the night, wherever the night stands."""
    folder = simulated_night()
    first = walk(filters=[BRIGHT, FAINT])
    aggregated = folder.parent / "year=2026" / "month=03" / "day=01"
    aggregated.parent.mkdir(parents=True)
    folder.rename(aggregated)

    walked = walk(filters=[BRIGHT, FAINT])

    assert str(walked.plan.folder) == str(aggregated)
    assert walked.plan.work == {}
    assert walked.summary == first.summary
    agree(walked)


def test_alerts_of_a_file_that_vanishes_are_sent_from_another(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """A compactor writes the merged file, and then deletes those that it is made of."""
    folder = simulated_night(alerts=200)
    parts = sorted(folder.glob("part-*"))
    merged = pa.concat_tables(pq.read_table(part) for part in parts)
    pq.write_table(merged, folder / "zz-merged.parquet")

    def compact(where: str) -> None:
        if where == "planned":
            for part in parts:
                part.unlink(missing_ok=True)

    first = walk(filters=[BRIGHT, FAINT], at=compact)
    second = walk(filters=[BRIGHT, FAINT])

    assert first.summary.status == "failed"
    assert second.summary.status == "complete"
    assert sum(second.delivered.values()) == 200
    agree(second)


def test_alerts_of_a_damaged_file_are_sent_from_another(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """Its ids can still be read, its alerts cannot; a writer's second try is whole."""
    folder = simulated_night(alerts=200)
    file = folder / "part-00000.parquet"
    shutil.copy(file, folder / "part-00009.parquet")
    metadata = pq.ParquetFile(file).metadata.row_group(0)
    cutout = metadata.column(metadata.num_columns - 1)
    content = bytearray(file.read_bytes())
    start = cutout.data_page_offset
    content[start : start + 64] = bytes(64)
    file.write_bytes(content)

    walked = walk(filters=[BRIGHT, FAINT])
    file.unlink()
    after = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "failed"
    assert sum(walked.delivered.values()) == 200
    assert after.plan.work == {}
    assert after.summary.status == "complete"
    agree(after)


def test_files_of_different_filters_archive_an_alert_once(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """One file lacks a filter, a late one that repeats its alerts lacks both."""
    folder = simulated_night(alerts=60, rows_per_file=60)
    everything = make_filter(lambda candid: candid > 0, name="everything")
    walk(filters=[BRIGHT])
    shutil.copy(folder / "part-00000.parquet", folder / "late.parquet")

    walked = walk(filters=[BRIGHT, everything])

    assert walked.delivered["everything"] == 60
    assert walked.summary.status == "complete"
    agree(walked)


def test_an_archive_that_was_lost_stops_the_night(
    settings: Settings, simulated_night: Night, walk: Any, agree: Any
) -> None:
    """What was sent could not be left out of a merged file."""
    folder = simulated_night(alerts=60, rows_per_file=60)
    walk(filters=[BRIGHT, FAINT])
    archive = settings.archive_root() / "ztf"
    archive.rename(settings.state_dir / "unmounted")
    (folder / "part-00000.parquet").rename(folder / "merged.parquet")

    with pytest.raises(ArchiveUnavailableError, match="mount or restore the archive"):
        walk(filters=[BRIGHT, FAINT])
    (settings.state_dir / "unmounted").rename(archive)
    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "complete"
    agree(walked)


def test_an_id_in_two_files_of_which_one_was_not_sent(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """Whichever file is sent first, no alert is left to the other for ever."""
    folder = simulated_night(alerts=200)
    shutil.copy(folder / "part-00000.parquet", folder / "part-00009.parquet")
    shards: list[str] = []

    def die_after_the_first(where: str) -> None:
        shards.extend([where] * (where == "owned"))
        if len(shards) > 1:
            raise Died

    for _ in range(3):
        shards.clear()
        try:
            walked = walk(filters=[BRIGHT, FAINT], at=die_after_the_first)
        except Died:
            continue
    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "complete"
    assert sum(walked.delivered.values()) == 200
    agree(walked)

"""DuckDB answers from the archive, whatever is in it."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archive.kinds import MATCHES_SCHEMA
from archive.slices import NightFolder
from archive.summary import Summary, write_summary
from archive.views import VIEWS, open_archive

MATCH = {
    "filter": "bright",
    "topic": "fink_bright_ztf",
    "class": "SN",
    "generation": 0,
    "file": "part-0.parquet",
}


def batch(columns: dict[str, Any]) -> pa.RecordBatch:
    return pa.record_batch(columns)


def put(
    root: Path, survey: str, night: str, alerts: pa.RecordBatch, *, name: str = "000-a"
) -> None:
    folder = NightFolder(root, survey, night, "fink_")
    rows = [{"id": i} | MATCH for i in alerts.column(0).to_pylist()]
    with folder.writer(name) as writer:
        writer.write_alerts(alerts)
        writer.write_matches(pa.RecordBatch.from_pylist(rows, schema=MATCHES_SCHEMA))
    folder.publish(name)


def ask(root: Path, query: str, survey: str | None = None) -> list[tuple[Any, ...]]:
    with open_archive(root, survey) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("survey", [None, "ztf", "lsst"])
@pytest.mark.parametrize("view", VIEWS)
def test_empty_archive(tmp_path: Path, survey: str | None, view: str) -> None:
    """Before the first night every view is there, typed and empty."""
    query = f"from {view} where night > '2'"

    assert ask(tmp_path / "no archive", query, survey) == []


def test_empty_views_join(tmp_path: Path) -> None:
    """Types of the empty views are those of the full ones."""
    query = "select class from alerts join matches using (survey, night, id)"

    assert ask(tmp_path, query) == []


def test_night_is_text(tmp_path: Path) -> None:
    """A night is no number: leading digits and comparisons with text work."""
    put(tmp_path, "ztf", "20260301", batch({"candid": [1]}))

    query = (
        "select a.night, typeof(a.night), typeof(m.night)"
        " from ztf.alerts a join ztf.matches m using (id)"
    )
    assert ask(tmp_path, query) == [("20260301", "VARCHAR", "VARCHAR")]


def test_columns_of_all_slices(tmp_path: Path) -> None:
    """A column that only newer slices have is null in the older ones."""
    put(tmp_path, "ztf", "20260301", batch({"candid": [1], "old": [1.5]}))
    newer = batch({"candid": [2], "new": ["x"]})
    put(tmp_path, "ztf", "20260302", newer, name="001-b")

    assert ask(tmp_path, "select id, old, new from alerts order by id", "ztf") == [
        (1, 1.5, None),
        (2, None, "x"),
    ]


def test_pending_slices_are_not_seen(tmp_path: Path) -> None:
    """What Kafka has not committed is no alert."""
    put(tmp_path, "ztf", "20260301", batch({"candid": [1]}))
    with NightFolder(tmp_path, "ztf", "20260301", "fink_").writer("001-b") as writer:
        writer.write_alerts(batch({"candid": [2]}))

    assert ask(tmp_path, "select id from alerts", "ztf") == [(1,)]


def test_both_surveys_together(tmp_path: Path) -> None:
    """Common columns are shared, those that do not fit are two."""
    ztf = batch({"candid": [1], "cutout": [{"stamp": b"x"}], "flux": [1]})
    lsst = batch({"diaSourceId": [2], "cutout": [b"y"], "flux": [2.5]})
    put(tmp_path, "ztf", "20260301", ztf)
    put(tmp_path, "lsst", "20260301", lsst)

    rows = ask(
        tmp_path,
        "select survey, id, candid, flux, cutout_ztf, cutout_lsst from alerts"
        " order by survey",
    )

    assert rows == [
        ("lsst", 2, None, 2.5, None, b"y"),
        ("ztf", 1, 1, 1.0, {"stamp": b"x"}, None),
    ]
    assert ask(tmp_path, "select survey, id from matches order by id") == [
        ("ztf", 1),
        ("lsst", 2),
    ]
    assert ask(tmp_path, "select candid from alerts", "ztf") == [(1,)]


def test_time_and_text_in_one_column(tmp_path: Path) -> None:
    """A column that one survey writes as a time and one as text is text."""
    time = pa.array([0], pa.timestamp("ns"))
    put(tmp_path, "ztf", "20260301", batch({"candid": [1], "seen": time}))
    text = batch({"diaSourceId": [2], "seen": ["noon"]})
    put(tmp_path, "lsst", "20260301", text)

    assert ask(tmp_path, "select seen from alerts order by survey") == [
        ("noon",),
        ("1970-01-01 00:00:00",),
    ]


def test_nights_have_their_types(tmp_path: Path, summary: Summary) -> None:
    """Maps, lists and nested topics come as such; Slack's marker is no night."""
    write_summary(tmp_path, summary)
    (tmp_path / "ztf" / "nights" / "20260301.slack.json").write_text("{}")

    rows = ask(
        tmp_path,
        "select survey, night, kept, classes['Unknown'], topics[2].failures[1],"
        " list_sum([p.count for p in topics[1].partitions]) from nights",
    )

    assert rows == [
        ("ztf", "20260301", 3, 2, "1 alert could not be encoded.", 2),
    ]


def test_path_with_odd_characters(tmp_path: Path) -> None:
    """Spaces, quotes and what would be a pattern are only a name."""
    root = tmp_path / "an 'odd' [archive]*?"
    put(root, "ztf", "20260301", batch({"candid": [1]}))

    assert ask(root, "select id from alerts", "ztf") == [(1,)]


def test_views_are_not_written(tmp_path: Path) -> None:
    """The archive cannot be changed through its views."""
    put(tmp_path, "ztf", "20260301", batch({"candid": [1]}))

    with pytest.raises(duckdb.Error):
        ask(tmp_path, "delete from ztf.alerts")


def test_real_alerts_of_two_schemas(tmp_path: Path, shared_data: Path) -> None:
    """Two versions of ZTF's schema and two of LSST's are one archive."""
    counts: dict[str, int] = {}
    for survey, pattern in (("ztf", "v*regular"), ("lsst", "v")):
        files = sorted(shared_data.glob(f"{survey}_science_{pattern}*.parquet"))
        for i, file in enumerate(files):
            batches = pq.ParquetFile(file).iter_batches(batch_size=50)
            with NightFolder(tmp_path, survey, "20260310", "fink_").writer(
                f"00{i}-a"
            ) as writer:
                for rows in batches:
                    writer.write_alerts(rows)
                    counts[survey] = counts.get(survey, 0) + rows.num_rows
            NightFolder(tmp_path, survey, "20260310", "fink_").publish(f"00{i}-a")

    found = ask(tmp_path, "select survey, count(*) from alerts group by survey")
    whole = ask(tmp_path, "select * from alerts limit 200")

    assert dict(found) == counts
    assert len(whole) == 200

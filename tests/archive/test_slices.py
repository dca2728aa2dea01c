"""Slices are whole or absent, and visible only once published."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archive.kinds import MATCHES_SCHEMA
from archive.slices import NightFolder, mark_of
from settings.errors import ArchiveUnavailableError, NightError

NAME = f"003-{mark_of('fink_')}-0123456789ab"


@pytest.fixture
def folder(tmp_path: Path) -> NightFolder:
    return NightFolder(tmp_path, "ztf", "20260301", "fink_")


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Give a file system of one megabyte."""
    with tempfile.TemporaryDirectory() as mounted:
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mounted]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no mount command here")
        if done.returncode:
            pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
        try:
            yield Path(mounted)
        finally:
            subprocess.run(["umount", mounted], check=True)


def alerts(*ids: int, cutout_bytes: int = 10) -> pa.RecordBatch:
    cutouts = [np.random.default_rng(i).bytes(cutout_bytes) for i in ids]
    columns: dict[str, list[Any]] = {"candid": list(ids), "cutout": cutouts}
    return pa.record_batch(columns)


def matches(*ids: int) -> pa.RecordBatch:
    row = {
        "filter": "bright",
        "topic": "fink_bright_ztf",
        "class": "SN",
        "generation": 0,
        "file": "part-0.parquet",
    }
    rows = [{"id": i} | row for i in ids]
    return pa.RecordBatch.from_pylist(rows, schema=MATCHES_SCHEMA)


def write(folder: NightFolder, name: str, *ids: int) -> None:
    with folder.writer(name) as writer:
        writer.write_alerts(alerts(*ids))
        writer.write_matches(matches(*ids))


def write_batches(folder: NightFolder, batches: Iterable[pa.RecordBatch]) -> None:
    with folder.writer(NAME) as writer:
        for batch in batches:
            writer.write_alerts(batch)


def test_pending_slice_is_invisible(folder: NightFolder) -> None:
    """No glob over Parquet files finds a slice before it is published."""
    write(folder, NAME, 1, 2)

    pattern = str(folder.root / "**" / "*.parquet")
    found = duckdb.connect().execute("select * from glob(?)", [pattern]).fetchall()
    assert found == []
    assert folder.visible() == set()
    assert folder.pending() == [NAME]


def test_published_slice_holds_every_row(folder: NightFolder) -> None:
    """Small batches share a row group; what is read is what was written."""
    with folder.writer(NAME) as writer:
        writer.write_alerts(alerts(1, 2))
        writer.write_alerts(alerts(3))
        writer.write_matches(matches(1, 3))

    folder.publish(NAME)

    file = folder.folder("alerts") / f"{NAME}.parquet"
    assert (
        pq.ParquetFile(file)
        .read()
        .equals(pa.Table.from_batches([alerts(1, 2), alerts(3)]))
    )
    assert pq.read_metadata(file).num_row_groups == 1
    assert pq.read_metadata(file).row_group(0).column(1).compression == "ZSTD"
    assert folder.visible() == {NAME}
    assert folder.pending() == []


def test_large_batches_are_row_groups(
    folder: NightFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for its row group has a bound."""
    monkeypatch.setattr("archive.slice_writer.GROUP_BYTES", 1)

    with folder.writer(NAME) as writer:
        writer.write_alerts(alerts(1, 2))
        writer.write_alerts(alerts(3))

    metadata = pq.read_metadata(folder.folder("alerts") / f"_{NAME}.pending")
    rows = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    assert rows == [2, 1]


def test_publishing_again_changes_nothing(folder: NightFolder) -> None:
    """A visible slice is published already."""
    write(folder, NAME, 1)
    folder.publish(NAME)

    folder.publish(NAME)

    assert folder.visible() == {NAME}


def test_publishing_goes_on_where_it_was_killed(folder: NightFolder) -> None:
    """Alerts are visible, matches are not: publishing shows the matches."""
    write(folder, NAME, 1)
    alerts_folder = folder.folder("alerts")
    (alerts_folder / f"_{NAME}.pending").rename(alerts_folder / f"{NAME}.parquet")

    folder.publish(NAME)

    assert (folder.folder("matches") / f"{NAME}.parquet").exists()
    assert folder.pending() == []


def test_visible_slice_is_never_overwritten(folder: NightFolder) -> None:
    """Neither a writer nor a pending file of its name changes a visible slice."""
    write(folder, NAME, 1)
    leftover = (folder.folder("alerts") / f"_{NAME}.pending").read_bytes() + b"x"
    folder.publish(NAME)
    (folder.folder("alerts") / f"_{NAME}.pending").write_bytes(leftover)

    folder.publish(NAME)

    assert folder.ids([NAME], "candid").tolist() == [1]
    assert folder.pending() == []
    with pytest.raises(NightError, match=NAME):
        folder.writer(NAME)


def test_no_rows_make_no_file(folder: NightFolder) -> None:
    """A slice with matches only has no alerts file, and publishes."""
    with folder.writer(NAME) as writer:
        writer.write_alerts(alerts())
        writer.write_matches(matches(1))
    folder.publish(NAME)

    assert list(folder.folder("alerts").iterdir()) == []
    assert folder.visible() == {NAME}


def test_exception_leaves_nothing(folder: NightFolder) -> None:
    """What a failed writer wrote is deleted."""

    def then_raise() -> Iterator[pa.RecordBatch]:
        yield alerts(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_batches(folder, then_raise())

    assert list(folder.folder("alerts").iterdir()) == []


def test_leftover_of_the_same_name_is_not_published(folder: NightFolder) -> None:
    """A writer begins by deleting what a killed one left under its name."""
    write(folder, NAME, 1)

    with folder.writer(NAME) as writer:
        writer.write_matches(matches(1))
    folder.publish(NAME)

    assert folder.ids([NAME], "candid").tolist() == []


def test_two_schemas_in_one_slice_are_refused(folder: NightFolder) -> None:
    """The schema is the first batch's, and nothing stays of a slice with two."""
    other = pa.record_batch({"candid": [2]})

    with pytest.raises(NightError, match="two"):
        write_batches(folder, [alerts(1), other])

    assert folder.pending() == []


def test_repair_settles_one_shard(folder: NightFolder) -> None:
    """What the ledger names is published, the rest deleted, other shards left."""
    named, unnamed, other, foreign = (
        folder.name_slice(3, "a"),
        folder.name_slice(3, "b"),
        folder.name_slice(4, "a"),
        replace(folder, prefix="rehearsal_").name_slice(3, "a"),
    )
    for name in (named, unnamed, other, foreign):
        write(folder, name, 1)

    settled = folder.repair(3, {named, "003-cccccccccccc"})

    assert settled == (1, 1)
    assert folder.visible() == {named}
    assert folder.pending() == [other]
    assert (folder.folder("matches") / f"_{foreign}.pending").exists()


def test_a_slice_that_vanished_cannot_be_shown(folder: NightFolder) -> None:
    """Nobody is to believe that it is there."""
    with pytest.raises(ArchiveUnavailableError, match=r"003-x .* has vanished"):
        folder.publish("003-x")


def test_slices_that_are_lacking(folder: NightFolder) -> None:
    """Those of which nobody sees matches, nor will after a repair."""
    write(folder, NAME, 1)

    assert folder.lacking([NAME, "003-x"]) == ["003-x"]


def test_repair_of_a_night_without_folder(folder: NightFolder) -> None:
    """Nothing was written: nothing is settled."""
    assert folder.repair(3, ()) == (0, 0)


def test_ids_come_from_visible_slices_only(folder: NightFolder) -> None:
    """A pending or missing slice gives no ids; large ids stay exact."""
    write(folder, NAME, 2**62 + 1, 7)
    write(folder, "003-bbbbbbbbbbbb", 8)
    folder.publish(NAME)

    ids = folder.ids(["003-missing", "003-bbbbbbbbbbbb", NAME], "candid")

    assert ids.dtype == np.int64
    assert ids.tolist() == [2**62 + 1, 7]


def test_file_in_place_of_the_archive(tmp_path: Path) -> None:
    """The sentence names the folder, the reason and the setting."""
    (tmp_path / "archive").write_text("not a folder")
    folder = NightFolder(tmp_path / "archive", "ztf", "20260301", "fink_")

    with pytest.raises(
        ArchiveUnavailableError, match=r"archive/ztf/alerts.*file stands.*archive\.uri"
    ) as caught:
        write(folder, NAME, 1)

    assert caught.value.exit_code == 5


def test_read_only_archive(small_disk: Path) -> None:
    """A file system mounted read-only is named as that."""
    options = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(options, check=True)
    folder = NightFolder(small_disk, "ztf", "20260301", "fink_")

    with pytest.raises(ArchiveUnavailableError, match="read-only"):
        write(folder, NAME, 1)


def test_full_disk(small_disk: Path) -> None:
    """No space left: nothing visible, nothing pending, one sentence."""
    folder = NightFolder(small_disk, "ztf", "20260301", "fink_")
    batches = [alerts(i, cutout_bytes=200_000) for i in range(20)]

    with pytest.raises(ArchiveUnavailableError, match="no space left"):
        write_batches(folder, batches)

    assert folder.visible() == set()
    assert folder.pending() == []


def test_disk_full_at_the_footer(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Space that ends while the file is closed is reported too."""
    monkeypatch.setattr("archive.slice_writer.GROUP_BYTES", 1)
    folder = NightFolder(small_disk, "ztf", "20260301", "fink_")
    long_footer = pa.record_batch({f"column_{i}": [i] for i in range(500)})

    def then_fill() -> Iterator[pa.RecordBatch]:
        yield long_footer
        free = os.statvfs(small_disk)
        (small_disk / "other").write_bytes(bytes(free.f_bavail * free.f_frsize))

    with pytest.raises(ArchiveUnavailableError, match="no space left"):
        write_batches(folder, then_fill())

    assert folder.pending() == []


def test_disk_full_from_the_start(small_disk: Path) -> None:
    """A file that is begun and cannot be written does not stay."""
    folder = NightFolder(small_disk, "ztf", "20260301", "fink_")
    folder.folder("alerts").mkdir(parents=True)
    folder.folder("matches").mkdir(parents=True)
    folder.folder("set_aside").mkdir(parents=True)
    free = os.statvfs(small_disk)
    (small_disk / "other").write_bytes(bytes(free.f_bavail * free.f_frsize))

    with pytest.raises(ArchiveUnavailableError, match="no space left"):
        write(folder, NAME, 1)

    assert folder.pending() == []

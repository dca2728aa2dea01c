"""A store on a server that speaks S3 is read like a folder."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from settings.errors import (
    NothingThereError,
    SettingsError,
    StoreError,
    StoreUnavailableError,
)
from store.footer import read_footer
from store.night import find_folder, is_streamed, list_files, list_nights
from store.parquet import ParquetUnit
from store.path import StorePath
from store.unit import Unit, cut_into_units

Upload = Callable[[Path, str], StorePath]

STRANGE = ("a b.parquet", "c=d/e%20f.parquet", "ü#1?.parquet")
"""Names that a URL writes in another way."""

NOWHERE = "s3://bucket/store?endpoint_override=127.0.0.1:9&scheme=http&region=x"
"""A store of a server that is not there."""


@pytest.fixture
def table() -> pa.Table:
    """Alerts with a nested column, in an order that shows."""
    rows = [{"candid": i, "candidate": {"rb": i / 10}} for i in range(50)]
    return pa.Table.from_pylist(rows)


@pytest.fixture
def folder(tmp_path: Path, table: pa.Table) -> Path:
    """Make a store of one night in each layout, and of files that do not count."""
    names = [
        *(f"20260301/{name}" for name in STRANGE),
        "20260301/_part.parquet",
        "20260301/_temporary/0/d.parquet",
        "20260301/notes.txt",
        "year=2026/month=03/day=02/a.parquet",
    ]
    for name in names:
        file = tmp_path / "science" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, file, row_group_size=10)
    return tmp_path


@pytest.fixture
def store(folder: Path, upload: Upload) -> StorePath:
    """Upload the store, under a name with a space."""
    return upload(folder, "my store")


def _units(folder: StorePath, name: str) -> list[Unit]:
    return list(cut_into_units(read_footer(folder, name)))


def test_nights_and_files_are_listed(store: StorePath, folder: Path) -> None:
    """In both layouts, without what is hidden, under the names that a folder has."""
    local = StorePath(str(folder))

    assert sorted(list_nights(store)) == ["20260301", "20260302"]
    for night in ("20260301", "20260302"):
        found = find_folder(store, night)
        assert list_files(found) == list_files(find_folder(local, night))
        assert not is_streamed(found)
    assert list_files(store / "science" / "20260301") == STRANGE


def test_what_is_not_there_is_told_apart(store: StorePath) -> None:
    """A night that a store lacks, and a store that is none."""
    bucket = StorePath(store.root)
    other = StorePath(store.root.replace(str(bucket), "s3://no-such-bucket"))

    with pytest.raises(NothingThereError, match="20260301 to 20260302"):
        find_folder(store, "20260309")
    with pytest.raises(StoreUnavailableError, match=r"There is no science store at s3"):
        find_folder(bucket / "nowhere", "20260301")
    with pytest.raises(StoreUnavailableError, match=r"s3://no-such-bucket/x;"):
        find_folder(other / "x", "20260301")


@pytest.mark.parametrize("name", STRANGE)
def test_a_file_is_what_it_is_in_a_folder(
    store: StorePath, folder: Path, name: str
) -> None:
    """The same types, rows and identity: a store that moved sends nothing again."""
    night = "science/20260301"

    here = read_footer(StorePath(str(folder)) / night, name)
    there = read_footer(store / night, name)

    assert there.path == store / night / name
    assert (there.identity, there.group_rows) == (here.identity, here.group_rows)
    assert there.schema.equals(here.schema, check_metadata=True)


def test_rows_come_as_from_a_folder(store: StorePath, table: pa.Table) -> None:
    """Narrow columns and whole alerts."""
    (unit,) = _units(store / "science" / "20260301", STRANGE[1])
    wanted = np.array([0, 9, 10, 33, 49], np.int64)

    narrow = ParquetUnit(unit).columns(["candidate_rb", "candid"], {"n": pa.int8()})
    rows = [batch for _, batch in ParquetUnit(unit).rows(wanted)]

    read = pa.Table.from_batches(list(narrow))
    assert read["candidate_rb"].to_pylist() == [i / 10 for i in range(50)]
    assert (read["candid"], read["n"].null_count) == (table["candid"], 50)
    assert pa.Table.from_batches(rows).equals(table.take(wanted))


def test_a_footer_longer_than_the_first_look(tmp_path: Path, upload: Upload) -> None:
    """What one request does not bring, a second one does."""
    wide = pa.table({f"a_rather_long_name_{i}": [i] for i in range(2000)})
    pq.write_table(wide, tmp_path / "a.parquet")

    footer = read_footer(upload(tmp_path, "wide"), "a.parquet")

    assert footer.schema.names == wide.schema.names
    assert (
        footer.identity == read_footer(StorePath(str(tmp_path)), "a.parquet").identity
    )


@pytest.mark.parametrize("content", [b"", b"no Parquet at all", b"PAR1\0\0\0\0PAR1"])
def test_what_is_not_parquet_is_named(
    tmp_path: Path, upload: Upload, content: bytes
) -> None:
    """By its URL, of which the options are nobody's business."""
    (tmp_path / "bad.parquet").write_bytes(content)
    store = upload(tmp_path, "bad store")

    with pytest.raises(StoreError, match=r"^s3://[^?]*/bad store/bad\.parquet cannot"):
        read_footer(store, "bad.parquet")


def test_a_file_that_has_gone_or_changed(store: StorePath, table: pa.Table) -> None:
    """Neither is taken for the file that was planned."""
    (unit,) = _units(store / "science" / "20260301", STRANGE[0])
    system, bucket = pafs.FileSystem.from_uri(store.root)
    file = f"{bucket}/{unit.path.below}"

    with system.open_output_stream(file) as out:
        pq.write_table(table.slice(1), out)
    with pytest.raises(StoreError, match=r"a b\.parquet changed while the night ran"):
        ParquetUnit(unit)
    system.delete_file(file)
    with pytest.raises(StoreError, match=r"a b\.parquet cannot be read"):
        ParquetUnit(unit)


@pytest.mark.slow
@pytest.mark.usefixtures("s3_key")
def test_a_server_that_does_not_answer() -> None:
    """The store may be there later, whatever of it was asked for; no file is blamed."""
    store = StorePath(NOWHERE)

    with pytest.raises(StoreUnavailableError, match=r"^s3://bucket/store/.* reached"):
        find_folder(store, "20260301")
    with pytest.raises(StoreUnavailableError, match=r"/a\.parquet cannot be reached"):
        read_footer(store, "a.parquet")


def test_a_url_that_arrow_does_not_understand() -> None:
    """The setting is named, and what is wrong with it."""
    with pytest.raises(SettingsError, match=r"store\.uri .* parameter .*'colour'"):
        find_folder(StorePath("s3://bucket/x?colour=red"), "20260301")


def test_spark_has_its_own_names() -> None:
    """Of schemes, and nothing in them is quoted."""
    names = {
        "/data/my store": "file:///data/my store/n",
        "s3://b/my%20store?region=x": "s3a://b/my store/n",
        "hdfs://me@head:8020/store": "hdfs://me@head:8020/store/n",
        "gcs://b/store": "gs://b/store/n",
    }

    assert {root: (StorePath(root) / "n").spark_url for root in names} == names

"""Saved alerts are read from files and folders of any shape."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pytest

from client.tests.avro_alerts import record
from nightmail import AlertReader, FileError

SCHEMA = record(candid=["long", "null"], objectId=["string", "null"])
BIG = 2**62 + 1
"""An id that a float cannot hold."""


def alert(candid: int | None) -> dict[str, Any]:
    """Make an alert."""
    return {"candid": candid, "objectId": f"ZTF{candid}"}


def put(file: Path, *candids: int | None) -> Path:
    """Write an Avro file, compressed if its name says so."""
    file.parent.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    fastavro.writer(stream, SCHEMA, map(alert, candids))
    content = stream.getvalue()
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return file


@pytest.mark.parametrize("name", ["a.avro", "a.avro.gz"])
@pytest.mark.parametrize("kind", [str, Path], ids=["str", "Path"])
def test_a_file_is_read(tmp_path: Path, name: str, kind: Callable[[Path], Any]) -> None:
    """Named as text or as a path, compressed or not."""
    file = put(tmp_path / name, 1, 2)

    assert AlertReader(kind(file)).to_list() == [alert(1), alert(2)]


def test_a_folder_is_read_at_any_depth(tmp_path: Path) -> None:
    """In the order of the names; other files and unfinished ones are passed over."""
    put(tmp_path / "b.avro", 2)
    put(tmp_path / "a" / "deep" / "x.avro.gz", 1)
    put(tmp_path / "c.avro", 3)
    (tmp_path / ".1f.part").touch()
    (tmp_path / "notes.txt").touch()

    found = AlertReader(tmp_path).to_list()

    assert found == [alert(1), alert(2), alert(3)]


def test_several_paths_are_read_one_after_another(tmp_path: Path) -> None:
    """As the field's reader takes a list."""
    files = [put(tmp_path / "b.avro", 2), put(tmp_path / "a.avro", 1)]

    assert list(AlertReader(files).to_iterator()) == [alert(2), alert(1)]


def test_the_first_alerts_are_enough(tmp_path: Path) -> None:
    """The rest is not read."""
    put(tmp_path / "a.avro", 1, 2, 3)

    assert AlertReader(tmp_path).to_list(size=2) == [alert(1), alert(2)]


def test_ids_are_exact_in_a_dataframe(tmp_path: Path) -> None:
    """Beside a null, too, where pandas would make floats of them."""
    put(tmp_path / "a.avro", BIG, None, -BIG)

    frame = AlertReader(tmp_path).to_pandas()

    assert frame["candid"].dtype == "Int64"
    assert frame["candid"].tolist()[::2] == [BIG, -BIG]
    assert frame["objectId"].tolist() == [f"ZTF{BIG}", "ZTFNone", f"ZTF-{BIG}"]


def test_a_dataframe_without_nulls_has_plain_numbers(tmp_path: Path) -> None:
    """As existing scripts expect it."""
    put(tmp_path / "a.avro", BIG)

    frame = AlertReader(str(tmp_path)).to_pandas()

    assert str(frame["candid"].dtype) == "int64"
    assert frame["candid"].tolist() == [BIG]


def test_a_missing_path_is_a_missing_file(tmp_path: Path) -> None:
    """The exception is Python's own, which scripts catch."""
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*gone\.avro"):
        AlertReader(tmp_path / "gone.avro")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda _: "", r"The path to alerts is empty; name a file or a folder\."),
        (lambda folder: folder, r"There is no \.avro or \.avro\.gz file in "),
        (lambda folder: folder / "x.fits", r"is no alert file; they end in \.avro"),
    ],
)
def test_what_holds_no_alerts_is_refused(
    tmp_path: Path, make: Callable[[Path], Any], sentence: str
) -> None:
    """In one sentence."""
    path = make(tmp_path)
    if str(path).endswith(".fits"):
        path.touch()

    with pytest.raises(FileError, match=sentence):
        AlertReader(path)


@pytest.mark.parametrize("name", ["a.avro", "a.avro.gz"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    """It is not a traceback out of fastavro or gzip."""
    file = put(tmp_path / name, 1)
    file.write_bytes(file.read_bytes()[:-9])

    with pytest.raises(FileError, match=rf"{name} cannot be read: it is damaged, or"):
        AlertReader(file).to_list()

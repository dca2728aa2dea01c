"""A saved alert is whole or absent, and the same alert is saved once."""

import errno
import os
from pathlib import Path
from typing import Any

import fastavro
import pytest

from client.tests.avro_alerts import record, write
from client.tests.fake_kafka import FakeMessage
from nightmail import FileError
from nightmail._decode import Decoded, decode_message
from nightmail._fingerprint import compact
from nightmail._save import save_alert
from nightmail._schemas import Schemas

ZTF = record(objectId="string", candid="long", magpsf=["float", "null"])
LSST = record(diaSourceId="long", candid=["long", "null"])
MERGED = record(objectId="string", triggerId="string")
NAMELESS = record(ra="double")


def received(schema: Any, **alert: Any) -> Decoded:
    """Give an alert as it comes."""
    (value,) = write(schema, alert)
    return decode_message(FakeMessage(compact(schema), value), Schemas())


def ztf(magpsf: float | None = None) -> Decoded:
    """Give an alert of ZTF."""
    return received(ZTF, objectId="ZTF26a", candid=2**62 + 1, magpsf=magpsf)


def names(folder: Path) -> list[str]:
    """Name all that is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("decoded", "name"),
    [
        (ztf(), "ZTF26a_4611686018427387905.avro"),
        (
            received(LSST, diaSourceId=313998539674877976, candid=5),
            "313998539674877976.avro",
        ),
        (
            received(MERGED, objectId="ZTF26a", triggerId="GRB:1/2"),
            "ZTF26a_GRB_1_2.avro",
        ),
        (received(NAMELESS, ra=1.5), "fink_x_ztf_2_17.avro"),
    ],
)
def test_files_are_named_as_in_the_field(
    tmp_path: Path, decoded: Decoded, name: str
) -> None:
    """What is in no name of a file on some system becomes _."""
    file = save_alert(tmp_path / "new" / "folder", decoded)

    assert file == tmp_path / "new" / "folder" / name
    assert file.exists()


def test_the_file_is_an_avro_file_of_one_alert(tmp_path: Path) -> None:
    """With its schema, readable by anybody."""
    file = save_alert(tmp_path, ztf(16.5))

    with file.open("rb") as stream:
        reader: Any = fastavro.reader(stream)
        alerts, schema = list(reader), reader.metadata["avro.schema"]

    assert alerts == [{"objectId": "ZTF26a", "candid": 2**62 + 1, "magpsf": 16.5}]
    assert schema == compact(ZTF).decode()


def test_an_alert_that_comes_again_is_saved_once(tmp_path: Path) -> None:
    """Nothing changes, not even the time of the file."""
    first = save_alert(tmp_path, ztf())
    os.utime(first, (1, 1))

    again = save_alert(tmp_path, ztf())

    assert (again, first.stat().st_mtime) == (first, 1)
    assert names(tmp_path) == [first.name]


def test_another_alert_of_the_same_name_is_saved_beside(tmp_path: Path) -> None:
    """Two topics may hold two versions of an alert; each stands there once."""
    versions = [ztf(1.0), ztf(2.0), ztf(2.0)]

    files = [save_alert(tmp_path, one) for one in versions]

    assert files[1] == files[2]
    assert names(tmp_path) == sorted({file.name for file in files})
    assert len(set(files)) == 2
    assert files[1].name.startswith("ZTF26a_4611686018427387905_")


def test_a_file_is_replaced_where_that_is_asked_for(tmp_path: Path) -> None:
    """The name stays the same."""
    save_alert(tmp_path, ztf(1.0))

    file = save_alert(tmp_path, ztf(2.0), overwrite=True)

    with file.open("rb") as stream:
        found = [alert["magpsf"] for alert in fastavro.reader(stream)]  # type: ignore[index, call-overload]
    assert (found, names(tmp_path)) == ([2.0], [file.name])


def test_a_full_disk_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which file and why, and that the alert comes again."""

    def full(self: Path, target: Path) -> Path:
        assert self.parent == target.parent
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)

    with pytest.raises(FileError) as caught:
        save_alert(tmp_path, ztf())

    file = tmp_path / "ZTF26a_4611686018427387905.avro"
    assert str(caught.value) == (
        f"{file} cannot be written: No space left on device; what was to be in it does"
        " not count as read."
    )
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_a_disk_that_is_really_full_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system itself refuses the bytes."""
    open_path = Path.open

    def open_full(self: Path, mode: str) -> Any:
        open_path(self, mode).close()
        return open_path(Path("/dev/full"), "wb")

    monkeypatch.setattr(Path, "open", open_full)

    with pytest.raises(FileError, match="No space left on device"):
        save_alert(tmp_path, ztf())

    assert names(tmp_path) == []

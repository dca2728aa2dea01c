"""What the local Kafka keeps for itself."""

from pathlib import Path

import pytest

from cluster.folder import (
    KafkaFolder,
    make_folder,
    make_passwords,
    read_passwords,
    write_private,
)
from settings.errors import ClusterError


@pytest.fixture
def folder(tmp_path: Path) -> KafkaFolder:
    """Give a folder that has been made."""
    made = KafkaFolder(tmp_path / "kafka")
    make_folder(made)
    return made


def test_it_is_for_its_owner_only(folder: KafkaFolder) -> None:
    """Nobody else can read the folder, or the passwords in it."""
    make_passwords(folder, ["admin"])

    assert folder.root.stat().st_mode & 0o777 == 0o700
    assert folder.passwords.stat().st_mode & 0o777 == 0o600


def test_passwords_are_made_once(folder: KafkaFolder) -> None:
    """Every user gets another password, and keeps it."""
    make_passwords(folder, ["admin", "nightmail"])
    first = read_passwords(folder)

    make_passwords(folder, ["admin", "nightmail"])

    assert read_passwords(folder) == first
    assert set(first) == {"admin", "nightmail"}
    assert first["admin"] != first["nightmail"]
    assert min(map(len, first.values())) >= 24


def test_lost_passwords_are_not_made_anew(folder: KafkaFolder) -> None:
    """Where the data is there, a new password would fit nobody."""
    folder.brokers[0].data.mkdir()
    make_passwords(folder, ["admin"])

    with pytest.raises(ClusterError, match=r"passwords\.properties is lost"):
        read_passwords(folder)


def test_a_file_is_replaced_as_a_whole(folder: KafkaFolder) -> None:
    """A private file is never readable by others, whatever was there."""
    file = folder.root / "file"
    file.write_text("longer than the new")

    write_private(file, "new")

    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in folder.root.iterdir() if each.name[0] == "_"] == []


def test_the_number_of_brokers_is_what_is_there(folder: KafkaFolder) -> None:
    """One broker has the folder itself, three have one each within."""
    alone = (folder.count, folder.brokers[0].root)
    for broker in folder.of(3):
        broker.data.mkdir(parents=True)

    assert alone == (1, folder.root)
    assert folder.count == 3
    assert [broker.root.name for broker in folder.brokers] == [
        "broker-1",
        "broker-2",
        "broker-3",
    ]
    assert folder.is_made


def test_a_place_that_cannot_be_written_is_refused() -> None:
    """The sentence names the setting."""
    with pytest.raises(ClusterError, match="set state_dir"):
        make_folder(KafkaFolder(Path("/proc/none/kafka")))

"""What a start of the local Kafka writes down for the next."""

import json
from pathlib import Path

import pytest

from cluster.folder import KafkaFolder, make_folder
from cluster.ports import Ports
from cluster.record import Record, read_record, write_record
from settings.errors import ClusterError


@pytest.fixture
def folder(tmp_path: Path) -> KafkaFolder:
    """Give a folder that has been made."""
    made = KafkaFolder(tmp_path / "kafka")
    make_folder(made)
    return made


def test_it_is_read_back(folder: KafkaFolder) -> None:
    """There is none before the first start, then what was written."""
    ports = (Ports.following(9092), Ports.following(9095))
    record = Record(ports, "2026-03-01T12:00:00+00:00", host="here", tls=True)

    before = read_record(folder)
    write_record(folder, record)

    assert before is None
    assert read_record(folder) == record
    assert record.bootstrap_servers == "here:9093,here:9096"
    assert record.public_servers == "here:9092,here:9095"


def test_that_of_an_older_start_is_understood(folder: KafkaFolder) -> None:
    """Before there could be several brokers, the ports of the one stood there."""
    old = {"ports": {"public": 1, "internal": 2, "controller": 3}, "started": "then"}
    folder.record.write_text(json.dumps(old))

    assert read_record(folder) == Record((Ports(1, 2, 3),), "then")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"ports": 1, "started": ""}'])
def test_a_broken_one_is_refused(folder: KafkaFolder, text: str) -> None:
    """One that cannot be understood is named."""
    folder.record.write_text(text)

    with pytest.raises(ClusterError, match=r"broker\.json cannot be read: delete it"):
        read_record(folder)

"""`nightmail export` writes whole files, goes on where it ended, loses nothing."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import fastavro
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from confluent_kafka import KafkaError, TopicPartition

from nightmail import BrokerUnavailableError, ColumnError, ConfigError, NightmailError
from nightmail._start import EARLIEST, LATEST
from nightmail.commands import export as command
from nightmail.export import chunks, formats
from nightmail.export.plan import Piece, Record
from nightmail.export.run import run

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "alert",
    "fields": [
        {"name": "candid", "type": ["long", "null"]},
        {
            "name": "candidate",
            "type": {
                "type": "record",
                "name": "candidate",
                "fields": [{"name": "magpsf", "type": ["double", "null"]}],
            },
        },
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "cutoutScience", "type": ["bytes", "null"]},
    ],
}
KEY = json.dumps(SCHEMA).encode()
CONFIG = {"bootstrap.servers": "h:1", "group.id": "me"}
PIECE = Piece("fink_a_ztf", 0, 0, 10)


def alert(candid: int) -> dict[str, Any]:
    """Give an alert; its number is one that a float could not hold."""
    return {
        "candid": 2**62 + candid,
        "candidate": {"magpsf": 17.5},
        "tags": ["a", "b"],
        "cutoutScience": b"\x00\xff",
    }


def encoded(candid: int) -> bytes:
    """Give it as it travels."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(SCHEMA), alert(candid))
    return stream.getvalue()


class _Message:
    def __init__(self, offset: int, value: bytes | None, key: bytes = KEY) -> None:
        self._offset, self._value, self._key = offset, value, key
        self.night = b"20260301"

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes | None:
        return self._value

    def key(self) -> bytes:
        return self._key

    def headers(self) -> list[tuple[str, bytes]]:
        return [("night", self.night)]

    def error(self) -> None:
        return None


class _End(_Message):
    def error(self) -> Any:
        return KafkaError(KafkaError._PARTITION_EOF)


class _Kafka:
    """Stands in for librdkafka's consumer, on one partition."""

    def __init__(self, *messages: _Message) -> None:
        self.messages = messages
        self.is_dead = False

    def __call__(self, properties: dict[str, Any]) -> "_Kafka":
        assert properties["enable.auto.commit"] is False
        return self

    def assign(self, places: Sequence[TopicPartition]) -> None:
        [place] = places
        self.left = [m for m in self.messages if m.offset() >= place.offset]

    def consume(self, number: int, timeout: float) -> list[_Message]:
        assert timeout > 0
        if self.is_dead:
            return []
        taken, self.left = self.left[:number], self.left[number:]
        return taken or [_End(-1, None)]

    def close(self) -> None: ...


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> _Kafka:
    """Give ten alerts, with an end of a transaction between them."""
    kafka = _Kafka(*(_Message(n, encoded(n)) for n in range(10) if n != 5))
    monkeypatch.setattr(chunks, "Consumer", kafka)
    return kafka


def export(folder: Path, *pieces: Piece, form: str = "avro") -> Record:
    """Export pieces, as the command does."""
    record = Record.open(folder, {"format": form, "columns": None})
    run(CONFIG, record.left(pieces), record, at_once=2, say=lambda _: None)
    return record


def candids(folder: Path) -> list[int]:
    """Read the numbers of all alerts in Avro files, sorted."""
    found = []
    for file in folder.glob("*.avro"):
        with file.open("rb") as stream:
            rows: Any = list(fastavro.reader(stream))
        found += [row["candid"] - 2**62 for row in rows]
    return sorted(found)


def test_avro_files_hold_what_came() -> None:
    """Readable by anyone, to the last bit."""
    content, bad = formats.FORMATS["avro"](KEY, [encoded(1), encoded(2)], None)

    assert list(fastavro.reader(io.BytesIO(content))) == [alert(1), alert(2)]
    assert bad == {}


@pytest.mark.parametrize("number", [1, 63, 64, 8191, 8192, 20_000])
def test_avro_files_of_any_length_are_read(number: int) -> None:
    """Their counts have as many bytes as they need."""
    content, _ = formats.FORMATS["avro"](KEY, [encoded(1)] * number, None)

    assert sum(1 for _ in fastavro.reader(io.BytesIO(content))) == number


def test_csv_is_flat() -> None:
    """Numbers whole, lists as JSON, no cutouts unless they are asked for."""
    content, _ = formats.FORMATS["csv"](KEY, [encoded(1)], None)

    assert list(csv.reader(io.StringIO(content.decode()))) == [
        ["candid", "candidate.magpsf", "tags"],
        [str(2**62 + 1), "17.5", '["a", "b"]'],
    ]


def test_csv_has_the_columns_that_are_named() -> None:
    """Also all of a record, by its name."""
    names = ["candidate", "cutoutScience"]

    content, _ = formats.FORMATS["csv"](KEY, [encoded(1)], names)

    assert content == b"candidate.magpsf,cutoutScience\n17.5,AP8=\n"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_unknown_column_is_refused(form: str) -> None:
    """By its name."""
    with pytest.raises(ColumnError, match="kandid"):
        formats.FORMATS[form](KEY, [encoded(1)], ["kandid"])


def test_parquet_has_columns() -> None:
    """Numbers stay whole."""
    content, bad = formats.FORMATS["parquet"](KEY, [encoded(1)], ["candid"])

    assert pq.read_table(io.BytesIO(content)).to_pylist() == [{"candid": 2**62 + 1}]
    assert bad == {}


@pytest.mark.parametrize("form", ["avro", "csv", "parquet"])
@pytest.mark.parametrize("value", [b"", encoded(1)[:-1], encoded(1) + b"x"])
def test_a_bad_value_costs_itself(form: str, value: bytes) -> None:
    """The others are in the file."""
    values = [encoded(1), value, encoded(2)]

    _, bad = formats.FORMATS[form](KEY, values, None)

    assert list(bad) == [1]


def test_an_export_is_whole(kafka: _Kafka, tmp_path: Path) -> None:
    """Each alert once; ends of transactions are none."""
    assert len(kafka.messages) == 9

    record = export(tmp_path, PIECE)

    assert candids(tmp_path) == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert (record.alerts, record.set_aside) == (9, 0)


@pytest.mark.usefixtures("kafka")
def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    """What is done is done."""
    export(tmp_path, PIECE)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    again = export(tmp_path, PIECE)

    assert again.alerts == 9
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.usefixtures("kafka")
def test_a_later_run_adds_what_is_new(tmp_path: Path) -> None:
    """In a file of its own."""
    export(tmp_path, Piece("fink_a_ztf", 0, 0, 4))

    record = export(tmp_path, PIECE)

    assert candids(tmp_path) == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert record.alerts == 9
    assert len(list(tmp_path.glob("*.avro"))) == 2


@pytest.mark.usefixtures("kafka")
def test_it_goes_on_where_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even between writing a file and noting it: it is written again, over itself."""
    monkeypatch.setattr(chunks, "MOST_ALERTS", 2)
    real, calls = Record.note, []

    def note(self: Record, *args: Any, **options: Any) -> None:
        calls.append(args)
        if len(calls) == 3:
            raise NightmailError("killed")
        real(self, *args, **options)

    monkeypatch.setattr(Record, "note", note)
    with pytest.raises(NightmailError, match="killed"):
        export(tmp_path, PIECE)
    monkeypatch.setattr(Record, "note", real)

    record = export(tmp_path, PIECE)

    assert candids(tmp_path) == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert record.alerts == 9


def test_a_new_schema_is_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file has one."""
    other = json.dumps(SCHEMA | {"doc": "new"}).encode()
    kafka = _Kafka(_Message(0, encoded(0)), _Message(1, encoded(1), other))
    monkeypatch.setattr(chunks, "Consumer", kafka)

    export(tmp_path, PIECE)

    assert sorted(path.name for path in tmp_path.glob("*.avro")) == [
        "fink_a_ztf-0-000000000000.avro",
        "fink_a_ztf-0-000000000001.avro",
    ]


@pytest.mark.parametrize("form", ["avro", "parquet"])
def test_what_cannot_be_read_is_set_aside(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad value, an empty one, and one whose key is no schema."""
    kafka = _Kafka(
        _Message(0, encoded(0)),
        _Message(1, b"bad"),
        _Message(2, None),
        _Message(3, encoded(3), b"ZTF1"),
    )
    monkeypatch.setattr(chunks, "Consumer", kafka)

    record = export(tmp_path, PIECE, form=form)

    assert (record.alerts, record.set_aside) == (1, 3)
    aside = tmp_path / "set_aside"
    assert (aside / "fink_a_ztf-0-000000000001.value").read_bytes() == b"bad"
    assert (aside / "fink_a_ztf-0-000000000003.key").read_bytes() == b"ZTF1"


def test_a_night_is_chosen_by_its_header(kafka: _Kafka, tmp_path: Path) -> None:
    """Others may stand between its alerts."""
    kafka.messages[3].night = b"20260302"

    export(tmp_path, Piece("fink_a_ztf", 0, 0, 10, "20260301"))

    assert candids(tmp_path) == [0, 1, 2, 4, 6, 7, 8, 9]


def test_silence_is_an_error(
    kafka: _Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do."""
    kafka.is_dead = True
    monkeypatch.setattr(chunks, "_PATIENCE_S", 0)

    with pytest.raises(BrokerUnavailableError, match="goes on later where it ended"):
        export(tmp_path, PIECE)


def test_a_folder_has_one_export(tmp_path: Path) -> None:
    """Of one format, with one choice of columns."""
    Record.open(tmp_path, {"format": "csv"}).note(PIECE, 1, alerts=1, bad=0)

    with pytest.raises(ConfigError, match="take another folder"):
        Record.open(tmp_path, {"format": "avro"})


class _Offsets:
    def __init__(self, config: Any) -> None:
        assert config

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def spans(self, topics: list[str], *times: Any) -> list[tuple[str, int, int, int]]:
        assert times == (EARLIEST, LATEST)
        return [(name, 0, 0, 10) for name in topics if name != "fink_none_ztf"]


@pytest.mark.usefixtures("kafka")
def test_the_command_says_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For scripts as JSON; a topic that is not there keeps nobody from the others."""
    monkeypatch.setattr(command, "Offsets", _Offsets)
    line = f"fink_a_ztf fink_none_ztf --servers h:1 --outdir {tmp_path} --json"

    done = CliRunner().invoke(command.export, [*line.split(), "--format", "avro"])

    assert json.loads(done.stdout) == {
        "folder": str(tmp_path),
        "alerts": 9,
        "set_aside": 0,
    }


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("--format avro --columns candid", "leave --columns out"),
        ("--format csv", "There is no topic fink_none_ztf."),
        ("--format csv --start-at soon", "Reading cannot start at 'soon': write"),
        ("--format csv --until 20260301", "write --night instead."),
    ],
)
def test_the_command_refuses(
    more: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any work."""
    monkeypatch.setattr(command, "Offsets", _Offsets)
    line = f"fink_none_ztf --servers h:1 --outdir {tmp_path / 'new'} {more}"

    done = CliRunner().invoke(command.export, line.split())

    assert reason in str(done.exception)
    assert not (tmp_path / "new").exists()

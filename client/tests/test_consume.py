"""`nightmail consume` shows and saves, and counts as read what is done with."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import fastavro
import pytest
from click.testing import CliRunner, Result

from client.tests.avro_alerts import write
from client.tests.fake_kafka import FakeBroker, FakeMessage
from nightmail import AlertError, AlertReader, FileError
from nightmail.commands import consume as module
from nightmail.commands import showing

ZTF = {
    "objectId": "ZTF26aamcbly",
    "candid": 3353473362115015004,
    "cdsxmatch": "Unknown",
    "candidate": {"jd": 2461121.963102, "magpsf": 16.44928550720215},
}
"""As Fink sends it, cut to what is shown."""

LSST = {
    "diaSourceId": 170028498888818709,
    "diaObject": {"diaObjectId": 170028498888818700},
    "diaSource": {"midpointMjdTai": 61121.5},
}
"""The same of the other survey."""

MOVING = LSST | {
    "diaObject": {"diaObjectId": None},
    "mpc_orbits": {"designation": "2026 AB"},
}
"""A moving object, as Fink sends it: its diaObject has nulls only."""

SCHEMA = {
    "type": "record",
    "name": "topLevelRecord",
    "fields": [
        {"name": "objectId", "type": ["string", "null"]},
        {"name": "candid", "type": ["long", "null"]},
        {"name": "cdsxmatch", "type": ["string", "null"]},
        {
            "name": "candidate",
            "type": {
                "type": "record",
                "name": "candidate",
                "fields": [
                    {"name": "jd", "type": "double"},
                    {"name": "magpsf", "type": "double"},
                ],
            },
        },
    ],
}
KEY = json.dumps(SCHEMA)
SAVE = ("fink_x_ztf", "--servers", "h:1", "--group", "me", "--save", "--outdir")
WHEN = datetime(2026, 11, 20, 8, 30, 19, tzinfo=UTC)


class _Source:
    """Stands in for the consumer: hands out what it is given, then nothing."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.read = 0
        self.options: dict[str, Any] = {}
        self.config: Any = None
        self._is_in_hand = False
        self.last_key: bytes | None = None

    def __call__(
        self, topics: Sequence[str], config: Any, survey: str | None, **options: Any
    ) -> Self:
        self.options = {"topics": topics, "survey": survey, **options}
        self.config = config
        return self

    def poll(self, timeout: float) -> Any:
        assert timeout == 7
        self._done()
        if not self.answers:
            raise KeyboardInterrupt
        answer = self.answers.pop(0)
        if answer is None:
            return None, None, None
        self._is_in_hand, self.last_key = True, KEY.encode()
        if isinstance(answer, Exception):
            raise answer
        return "fink_x_ztf", answer, KEY

    def save(self, outdir: Path) -> Path:
        raise NotImplementedError(outdir)

    def _done(self) -> None:
        self.read += self._is_in_hand
        self._is_in_hand = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._done()


def run(source: _Source, monkeypatch: pytest.MonkeyPatch, *args: str) -> Result:
    """Run the command on what a source hands out."""
    monkeypatch.setattr(module, "AlertConsumer", source)
    fixed = ("fink_x_ztf", "--servers", "h:1", "--group", "me", "-maxtimeout", "7")
    return CliRunner().invoke(module.consume, [*fixed, *args])


def test_the_table_of_ztf_is_the_manuals() -> None:
    """To the character, as seen of fink-client 12.3.0."""
    assert showing.table("fa_ztf", ZTF, WHEN) == (
        "+-------------------------+---------------------+--------+--------------+"
        "---------+-------------------+\n"
        "|    Emitted at (UTC)     |  Received at (UTC)  | Topic  |   objectId   |"
        " Simbad  |     Magnitude     |\n"
        "+-------------------------+---------------------+--------+--------------+"
        "---------+-------------------+\n"
        "| 2026-03-22 11:06:52.013 | 2026-11-20 08:30:19 | fa_ztf | ZTF26aamcbly |"
        " Unknown | 16.44928550720215 |\n"
        "+-------------------------+---------------------+--------+--------------+"
        "---------+-------------------+"
    )


def test_the_time_of_lsst_is_utc() -> None:
    """TAI is 37 s ahead."""
    shown = showing.table("fa_lsst", LSST, WHEN)

    assert "| 2026-03-22 11:59:23.000 |" in shown
    assert "|    diaObjectId     |" in shown
    assert "| 170028498888818700 |" in shown


def test_a_moving_object_has_its_designation() -> None:
    """Though its record of the object is there, full of nulls."""
    assert showing.main_name(MOVING) == ("SSO designation", "2026 AB")


def test_an_alert_of_other_messengers_has_its_own_table() -> None:
    """By its topic."""
    alert = {"objectId": "ZTF1", "fink_class": "SN", "triggerId": 7}

    shown = showing.table("fink_grb_bronze", alert, WHEN)

    assert "| ObjectId | Classification |" in shown
    assert "| Trigger ID |" in shown


def test_what_is_missing_is_an_empty_cell() -> None:
    """An alert is not lost for want of a field that is shown."""
    shown = showing.table("t", {"objectId": "Z", "candidate": None}, WHEN)

    cells = [cell.strip() for cell in shown.splitlines()[3].split("|")]
    assert cells == ["", "", "2026-11-20 08:30:19", "t", "Z", "", "", ""]


def test_a_limit_ends_it_and_the_last_one_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next start goes on behind it."""
    source = _Source(ZTF, ZTF, ZTF)

    done = run(source, monkeypatch, "--display", "-limit", "2")

    assert (done.exit_code, source.read) == (0, 2)
    assert done.stdout.count("ZTF26aamcbly") == 2


def test_silence_is_said_as_in_the_manual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time that it was waited for."""
    done = run(_Source(None, None), monkeypatch, "--display")

    assert done.stdout == "No alerts the last 7 seconds\n" * 2


def test_without_display_silence_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the existing clients."""
    assert run(_Source(None), monkeypatch, "--save").stdout == ""


def test_an_alert_is_saved_under_its_names(tmp_path: Path, broker: FakeBroker) -> None:
    """In a folder that is made, and it reads back as it was."""
    folder = tmp_path / "new" / "alertDB"
    broker.messages = [FakeMessage(KEY.encode(), write(SCHEMA, ZTF)[0])]

    CliRunner().invoke(module.consume, [*SAVE, str(folder), "-limit", "1"])

    [file] = folder.iterdir()
    assert file.name == "ZTF26aamcbly_3353473362115015004.avro"
    with file.open("rb") as stream:
        assert list(fastavro.reader(stream)) == [ZTF]


def test_an_alert_is_saved_with_the_schema_by_which_it_was_read(
    tmp_path: Path, broker: FakeBroker
) -> None:
    """What the message says of itself counts for nothing then."""
    schema = tmp_path / "good.avsc"
    schema.write_text(KEY)
    broker.messages = [FakeMessage(b"none", write(SCHEMA, ZTF)[0])]
    options = ["-limit", "1", "--schema", str(schema)]

    CliRunner().invoke(module.consume, [*SAVE, str(tmp_path / "new"), *options])

    assert AlertReader(tmp_path / "new").to_list() == [ZTF]


def test_an_alert_that_cannot_be_saved_stays_unread(
    tmp_path: Path, broker: FakeBroker
) -> None:
    """It ends with the reason; nothing is committed."""
    broker.messages = [FakeMessage(KEY.encode(), write(SCHEMA, ZTF)[0])]
    (tmp_path / "file").touch()

    done = CliRunner().invoke(module.consume, [*SAVE, str(tmp_path / "file" / "x")])

    assert isinstance(done.exception, FileError)
    assert "cannot be written: Not a directory" in str(done.exception)
    assert (broker.stored, broker.closed) == ([], True)


def test_each_schema_is_dumped_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As plain Avro, whatever number of alerts has it."""
    source = _Source(ZTF, ZTF)

    done = run(source, monkeypatch, "--dump_schema", "-outdir", str(tmp_path))

    [file] = tmp_path.iterdir()
    assert done.stdout == f"Schema saved as {file}\n"
    assert json.loads(file.read_text()) == SCHEMA


def test_the_schema_of_a_faulty_alert_is_dumped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the command ends with what is wrong, and the alert is not read."""
    source = _Source(AlertError("The message cannot be decoded."))

    done = run(source, monkeypatch, "--dump-schema", "--outdir", str(tmp_path))

    assert isinstance(done.exception, AlertError)
    assert len(list(tmp_path.iterdir())) == 1
    assert source.read == 0


def test_json_is_a_line_for_each_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers stay whole, bytes are base64, NaN is null."""
    odd = ZTF | {"cutout": b"\x00\xff", "rate": float("nan")}

    done = run(_Source(odd), monkeypatch, "--json", "--limit", "1")

    expected = ZTF | {"cutout": "AP8=", "rate": None}
    assert json.loads(done.stdout) == {"topic": "fink_x_ztf", "alert": expected}


def test_what_the_reader_must_know_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the manual's spelling, with its message."""
    schema = tmp_path / "good.avsc"
    schema.write_text(KEY)
    source = _Source()
    line = f"--display -start_at earliest -schema {schema} --set-aside bad"

    done = run(source, monkeypatch, *line.split())

    assert done.stdout == "Resetting offsets to BEGINNING\n"
    assert source.options == {
        "topics": ["fink_x_ztf"],
        "survey": None,
        "schema": schema,
        "start_at": "earliest",
        "on_bad": "set_aside",
        "bad_folder": Path("bad"),
    }


def test_a_schema_that_is_given_holds_for_the_file_too(
    broker: FakeBroker, tmp_path: Path
) -> None:
    """Whatever the key says; as fink-client's -schema does not."""
    schema, folder = tmp_path / "good.avsc", tmp_path / "alertDB"
    schema.write_text(KEY)
    (value,) = write(SCHEMA, ZTF)
    broker.messages = [FakeMessage(b'{"type": "int"}', value)]
    words = f"fink_x_ztf --servers h:1 --group me --save --limit 1 -schema {schema}"

    done = CliRunner().invoke(module.consume, [*words.split(), "-outdir", str(folder)])

    assert done.exit_code == 0, done.exception
    assert AlertReader(folder).to_list() == [ZTF]


def test_a_private_reader_leaves_the_group_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has a name of its own behind the group's, and commits nothing."""
    source, ours = _Source(), _Source()

    run(source, monkeypatch, "--private")
    run(ours, monkeypatch)

    assert source.config["group.id"].startswith("me_")
    assert source.config["enable.auto.commit"] is False
    assert ours.config == {"bootstrap.servers": "h:1", "group.id": "me"}


def test_a_time_ago_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it begins with a dash."""
    source = _Source()

    run(source, monkeypatch, "--start-at", "-2h")

    assert source.options["start_at"] == "-2h"


def test_without_a_topic_it_says_so() -> None:
    """Neither on the line nor registered."""
    done = CliRunner().invoke(module.consume, ["--servers", "h:1", "--group", "me"])

    assert str(done.exception).startswith("No topic is said: name some")

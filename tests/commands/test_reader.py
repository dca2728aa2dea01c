"""What an astronomer types, against a real Kafka, from a registration to files."""

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Producer

from cluster.access import connect
from nightmail.commands.topics import topics
from nightmail.silence import silent_logger
from settings.load import load

pytestmark = pytest.mark.kafka

Run = Callable[..., Result]

ROOT = Path(__file__).parents[2]

SCHEMA: dict[str, Any] = {
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
                "namespace": "topLevelRecord",
                "fields": [
                    {"name": "jd", "type": ["double", "null"]},
                    {"name": "magpsf", "type": ["double", "null"]},
                    {"name": "fid", "type": ["int", "null"]},
                ],
            },
        },
    ],
}
"""A ZTF alert as Fink sends it, cut to what is shown."""

KEY = json.dumps(SCHEMA, indent=2)
"""Pretty-printed, as Fink's key is."""


def encode(schema: Any, record: Any) -> bytes:
    """Write schemaless Avro."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), record)
    return stream.getvalue()


def alert(number: int) -> bytes:
    """Encode an alert, named by its number."""
    return encode(
        SCHEMA,
        {
            "objectId": f"ZTF{number}",
            "candid": number,
            "cdsxmatch": "Unknown",
            "candidate": {"jd": 2461121.5, "magpsf": 17.25, "fid": 1},
        },
    )


def send(topic: str, *values: bytes, partition: int = 0) -> None:
    """Send alerts in one transaction, as a night does."""
    producer = Producer(
        {**connect(load()).admin, "transactional.id": topic},
        logger=silent_logger(),
    )
    producer.init_transactions()
    producer.begin_transaction()
    for value in values:
        producer.produce(
            topic,
            value,
            key=KEY,
            partition=partition,
            headers=[("night", b"20260301")],
        )
    producer.commit_transaction()


@pytest.fixture
def topic(run: Run, name: str) -> str:
    """Make a topic that everybody may read, with five alerts of a night."""
    topic = f"fink_{name}_ztf"
    run("topics", "create", topic, "--partitions", "2")
    send(topic, *map(alert, range(5)))
    return topic


@pytest.fixture
def told(run: Run, topic: str, name: str) -> str:
    """Have the record of the night tell of them; give its name."""
    nights = f"fink_{name}_nights_ztf"
    run("topics", "create", nights, "--partitions", "1")
    schema = json.loads((ROOT / "schemas" / "night.avsc").read_text())
    _publish_night(nights, schema, topic)
    return "20260301"


@pytest.fixture
def registered(run: Run, topic: str, tmp_path: Path) -> list[str]:
    """Register for it; give the words that take the registration."""
    file = tmp_path / "credentials.yml"
    servers = connect(load()).public_servers
    words = f"-group_id g_{topic} -mytopics {topic} -servers {servers} -maxtimeout 5"
    run("register", *words.split(), "--credentials", str(file))
    return ["--credentials", str(file)]


def test_the_queue_moves_on(run: Run, registered: list[str]) -> None:
    """One alert, then the next: as the manual's first steps."""
    first = run("consume", "--display", "-limit", "1", *registered).stdout
    second = run("consume", "--display", "-limit", "1", *registered).stdout

    assert ("ZTF0" in first, "ZTF1" in first) == (True, False)
    assert "ZTF1" in second


def test_statistics_say_where_one_is(
    run: Run, registered: list[str], topic: str
) -> None:
    """In the manual's words; the end of the transaction is counted as nobody tells."""
    run("consume", "-limit", "2", *registered)

    shown = run("consume", "--display_statistics", *registered).stdout

    assert f"{topic + ' [0]':<50}  {2:>9}  {4:>9}\n" in shown
    assert f"{'Total for ' + topic:<50}  {2:>9}  {4:>9}\n" in shown


@pytest.mark.usefixtures("told")
def test_stats_count_alerts_where_a_night_tells(
    run: Run, registered: list[str]
) -> None:
    """Then the end of the transaction is none."""
    run("consume", "-limit", "2", *registered)

    [told] = json.loads(run("stats", "--json", *registered).stdout)

    assert (told["lag"], told["exact"]) == (3, True)
    assert told["partitions"][0]["committed"] == 2


@pytest.mark.usefixtures("told")
def test_a_reader_sees_what_topics_mean(registered: list[str], topic: str) -> None:
    """Where no pipeline is installed, by the records of nights."""
    done = CliRunner().invoke(topics, [topic, "--json", *registered])

    [record] = json.loads(done.stdout)
    assert record == {
        "topic": topic,
        "filter": "f",
        "summary": "Young supernovae.",
        "owner": "o",
        "alerts": 5,
        "exact": True,
        "shown": "5",
        "nights": {"20260301": 5},
    }


def test_a_night_is_exported(
    run: Run, registered: list[str], topic: str, told: str, tmp_path: Path
) -> None:
    """Where its record says that it stands; what came later is not of it."""
    send(topic, alert(5))
    words = ["export", "--format", "avro", "--outdir", str(tmp_path / "out")]

    done = run(*words, "--night", told, *registered, "--json")

    assert json.loads(done.stdout)["alerts"] == 5


def test_stats_disturb_nobody(run: Run, registered: list[str], topic: str) -> None:
    """A member of the group keeps its partitions."""
    servers = connect(load()).public_servers
    config = {"bootstrap.servers": servers, "group.id": f"g_{topic}"}
    changes: list[int] = []
    member = Consumer({**config, "auto.offset.reset": "earliest"})
    member.subscribe([topic], on_assign=lambda _, parts: changes.append(len(parts)))
    _wait(lambda: member.poll(0.2) is not None)

    run("stats", *registered)
    run("consume", "--display-statistics", *registered)
    for _ in range(10):
        member.poll(0.2)

    assert changes == [2]
    member.close()


def test_topics_are_named(run: Run, registered: list[str], topic: str) -> None:
    """As the existing clients print them."""
    shown = run("consume", "--available_topics", *registered).stdout

    assert topic in json.loads(shown.replace("'", '"'))


def test_alerts_are_saved(run: Run, registered: list[str], tmp_path: Path) -> None:
    """Each once, under its names."""
    folder = tmp_path / "alertDB"

    run("consume", "--save", "-outdir", str(folder), "-limit", "5", *registered)

    assert sorted(path.name for path in folder.iterdir()) == [
        f"ZTF{number}_{number}.avro" for number in range(5)
    ]


@pytest.mark.slow
def test_a_kill_loses_nothing(
    registered: list[str], topic: str, tmp_path: Path
) -> None:
    """Killed again and again while it saves, it ends with each alert once, whole."""
    with Path(registered[1]).open("a") as written:
        written.write("  session.timeout.ms: 6000\n")  # until the killed one is missed
    send(topic, *map(alert, range(5, 3000)))
    folder = tmp_path / "alertDB"
    words = ["consume", "--save", "--outdir", str(folder), *registered]
    for seconds in (0.8, 1.0, 1.2):
        child = subprocess.Popen([sys.executable, "-m", "nightmail", *words])
        time.sleep(seconds)
        child.kill()
        child.wait()
    child = subprocess.Popen([sys.executable, "-m", "nightmail", *words])
    send(topic, alert(3000))  # by which it is seen that the last one runs
    _wait(lambda: len(list(folder.glob("[!.]*.avro"))) > 3000, 90)
    child.send_signal(signal.SIGINT)

    assert child.wait(20) == 130
    found = []
    for file in folder.glob("[!.]*.avro"):
        with file.open("rb") as stream:
            found += [row["candid"] for row in fastavro.reader(stream)]  # type: ignore[index,call-overload]
    assert sorted(found) == list(range(3001))


def test_a_bad_alert_ends_it_and_is_dumped(
    run: Run, registered: list[str], topic: str, tmp_path: Path
) -> None:
    """With where it is; those before it were read."""
    send(topic, b"bad")
    words = ("consume", "--dump_schema", "--outdir", str(tmp_path / "dumped"))

    done = run(*words, *registered, code=1)

    assert f"The message of {topic}, partition 0, offset 6" in str(done.exception)
    [file] = (tmp_path / "dumped").iterdir()
    assert json.loads(file.read_text()) == SCHEMA


def test_the_newest_is_drawn(run: Run, registered: list[str], topic: str) -> None:
    """Behind it there is the end of a transaction."""
    shown = run("view", "--topic", topic, "--terminal", *registered).stdout

    assert shown.startswith("ZTF ZTF4, 2026-03-22 00:00:00 UTC\n")


def test_what_comes_is_followed(run: Run, registered: list[str]) -> None:
    """A line for each, since this is no terminal."""
    shown = run("follow", "--limit", "5", *registered).stdout

    names = [line.split("\t")[2] for line in shown.splitlines()]
    assert names == [f"ZTF{number}" for number in range(5)]


@pytest.mark.parametrize("form", ["parquet", "avro", "csv"])
def test_a_topic_is_exported(
    run: Run, registered: list[str], topic: str, tmp_path: Path, form: str
) -> None:
    """All of it, without touching where the group is; later, what is new."""
    words = ["export", "--outdir", str(tmp_path / "out"), "--format", form, *registered]
    first = json.loads(run(*words, "--json").stdout)
    send(topic, alert(5), partition=1)

    second = json.loads(run(*words, "--json").stdout)

    assert (first["alerts"], second["alerts"]) == (5, 6)
    [told] = json.loads(run("stats", "--json", *registered).stdout)
    assert [p["committed"] for p in told["partitions"]] == [None, None]


def test_a_span_of_time_is_exported(
    run: Run, registered: list[str], topic: str, tmp_path: Path
) -> None:
    """By when Kafka took the alerts."""
    time.sleep(1.1)
    moment = f"{datetime.now(UTC):%FT%T}"
    send(topic, alert(5))
    words = ["export", "--format", "avro", *registered, "--json"]

    new = run(*words, "--outdir", str(tmp_path / "new"), "--start-at", moment)
    old = run(*words, "--outdir", str(tmp_path / "old"), "--until", moment)

    assert json.loads(new.stdout)["alerts"] == 1
    assert json.loads(old.stdout)["alerts"] == 5


def test_a_topic_that_is_not_there_is_said(
    run: Run, registered: list[str], tmp_path: Path
) -> None:
    """By export at the end of it, by stats in the table."""
    done = run("export", "fink_no_ztf", "--outdir", str(tmp_path), *registered, code=2)
    shown = run("stats", "fink_no_ztf", *registered).stdout

    assert str(done.exception) == "There is no topic fink_no_ztf."
    assert "there is no such topic" in shown


@pytest.mark.parametrize(
    "words",
    [
        ["consume", "--display"],
        ["consume", "--display-statistics"],
        ["stats"],
        ["follow"],
        ["export", "--outdir", "out"],
        ["view", "--topic", "fink_a_ztf"],
    ],
    ids=" ".join,
)
def test_a_dead_server_is_said_within_seconds(
    run: Run, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With where it was looked for, and the exit code of what may work later."""
    monkeypatch.chdir(tmp_path)
    topics = [] if words[0] == "view" else ["fink_a_ztf", "--group", "g"]
    start = time.monotonic()

    done = run(*words, *topics, "--servers", "127.0.0.1:9", code=5)

    assert "Kafka does not answer at 127.0.0.1:9" in str(done.exception)
    assert time.monotonic() - start < 20


def test_a_wrong_password_is_said_at_once(run: Run, topic: str, tmp_path: Path) -> None:
    """By every command, and the file's password is not shown."""
    file = tmp_path / "wrong.yml"
    servers = connect(load()).bootstrap_servers
    words = f"--servers {servers} --group g --username nobody --topics {topic}"
    run(
        "register",
        *words.split(),
        "--credentials",
        str(file),
        "--password-stdin",
        stdin="geheim-geheim\n",
    )
    start = time.monotonic()

    for command in ("stats", "consume"):
        done = run(command, "--credentials", str(file), code=2)
        assert "does not let nobody log in" in str(done.exception)
        assert "geheim" not in done.output + str(done.exception)

    assert time.monotonic() - start < 25


def _publish_night(nights: str, schema: Any, topic: str) -> None:
    part = {"partition": 0, "first_offset": 0, "last_offset": 4, "count": 5}
    mine = {
        "topic": topic,
        "filter": "f",
        "summary": "Young supernovae.",
        "owner": "o",
        "kept": 5,
        "delivered": 5,
        "archived": 0,
        "set_aside": 0,
        "bytes": 1,
        "seconds": 0.0,
        "classes": {},
        "failures": [],
        "partitions": [part],
    }
    record = {
        "survey": "ztf",
        "night": "20260301",
        "dayObs": "20260228",
        "status": "complete",
        "files": 1,
        "alerts": 5,
        "kept": 5,
        "generation": 0,
        "failures": [],
        "classes": {},
        "topics": [mine],
    }
    producer = Producer({**connect(load()).admin}, logger=silent_logger())
    producer.produce(nights, encode(schema, record), key=json.dumps(schema))
    assert producer.flush(20) == 0


def _wait(is_done: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.1)

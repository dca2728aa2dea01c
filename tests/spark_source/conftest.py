"""Topics with known records on a real Kafka, and a real Spark that reads them."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from confluent_kafka import Producer

from client.tests.avro_alerts import record, write
from cluster.access import KafkaAccess, connect
from cluster.acls import add_rules, consumer_rules
from cluster.topics import ensure_topics
from cluster.users import ensure_user, make_password
from nightmail.avro import compact, derive_schema, encode_batch, wire_batch
from nightmail.silence import silent_logger
from nightmail.spark import register
from runtime.spark import spark_session
from settings.model import Settings, Spark
from simulator import simulate_night

NIGHT = [("night", b"20260301"), ("generation", b"0")]
"""Headers of an alert of ours."""

SMALL = record(candid="long", objectId=["string", "null"])
"""An alert of two columns."""

OTHER = record(candid="long", objectId=["string", "null"], added=["int", "null"])
"""The same, after the survey has added one."""

_numbers = itertools.count(1)


@dataclass
class Topic:
    """A topic of one test, and what is sent to it."""

    access: KafkaAccess
    name: str
    _producers: list[Producer] = field(default_factory=list)

    def begin(self, *values: bytes | None, key: Any = SMALL, **more: Any) -> Producer:
        """Send values in a transaction that stays open."""
        producer = Producer(
            {
                **self.access.publisher,
                "transactional.id": f"nightmail.test.{next(_numbers)}",
                "queue.buffering.max.kbytes": 1_000_000,
            },
            logger=silent_logger(),
        )
        self._producers.append(producer)
        producer.init_transactions(30)
        producer.begin_transaction()
        more = {"partition": 0, "headers": NIGHT, **more}
        key = compact(key) if isinstance(key, dict) else key
        for value in values:
            producer.produce(self.name, value, key, **more)
        producer.flush(30)
        return producer

    def send(self, *values: bytes | None, **more: Any) -> None:
        """Send values and commit them; `begin` says how."""
        self.begin(*values, **more).commit_transaction(30)

    def send_small(self, *ids: int, **more: Any) -> None:
        """Send small alerts."""
        self.send(*small(*ids), **more)

    def read(self, spark: Any, **options: str) -> Any:
        """Read it, or whatever the options say, as a DataFrame."""
        return spark.read.format("nightmail").options(**self.options(**options)).load()

    def options(self, **options: str) -> dict[str, str]:
        """Give options by which anybody reads it."""
        servers = self.access.public_servers or ""
        return {"servers": servers, "topics": self.name, **options}


MakeTopic = Callable[..., Topic]


def small(*ids: int) -> list[bytes]:
    """Encode small alerts."""
    return write(SMALL, *({"candid": n, "objectId": f"ZTF{n}"} for n in ids))


def candids(frame: Any) -> list[int]:
    """Give the alerts of a DataFrame, by their ids."""
    return sorted(row.candid for row in frame.select("candid").collect())


@dataclass(frozen=True)
class Night:
    """A simulated night as it travels."""

    schema: Mapping[str, Any]
    values: Sequence[bytes]


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Night]:
    """Encode a simulated night of a survey."""

    def encode(survey: str) -> Night:
        folder: Path = tmp_path_factory.mktemp(survey)
        (file,) = simulate_night(
            folder, survey=survey, night="20260301", alerts=120, seed=7
        )
        (batch,) = pq.ParquetFile(file).read().combine_chunks().to_batches()
        schema = derive_schema(batch.schema)
        return Night(schema, encode_batch(schema, wire_batch(batch)))

    return encode


@pytest.fixture(scope="session")
def access(kafka_state: Path) -> KafkaAccess:
    """Give the one Kafka."""
    return connect(Settings(state_dir=kafka_state))


@dataclass(frozen=True)
class Login:
    """A user who may read."""

    username: str
    password: str


@pytest.fixture(scope="session")
def reader(access: KafkaAccess) -> Login:
    """Make a user who may read all topics, and has no right to any group."""
    made = Login("spark_reader", make_password())
    ensure_user(access, made.username, password=made.password)
    add_rules(access, consumer_rules(made.username, topic="fink_*", group=None))
    return made


@pytest.fixture(scope="session")
def make_topic(kafka_state: Path, access: KafkaAccess) -> MakeTopic:
    """Make a topic that nobody else has."""

    def make(partitions: int = 1, prefix: str = "fink_") -> Topic:
        name = f"{prefix}spark{next(_numbers)}_ztf"
        settings = Settings(state_dir=kafka_state)
        ensure_topics(access, settings, [name], partitions=partitions)
        return Topic(access, name)

    return make


@pytest.fixture
def topic(make_topic: MakeTopic) -> Topic:
    """Give a topic of one partition."""
    return make_topic()


@pytest.fixture(scope="module")
def spark(kafka_state: Path) -> Iterator[Any]:
    """Give a Spark that knows the format, ended before other rooms start theirs."""
    settings = Settings(state_dir=kafka_state, spark=Spark(master="local[2]"))
    with spark_session(settings) as session:
        register(session)
        yield session

"""What reading a topic in Spark costs: the format `nightmail` beside a plain loop.

Simulated ZTF alerts stand on a topic of a Kafka of its own. Spark reads all columns of
them, or a few, and throws the rows away. Beside it stands a loop of confluent-kafka and
fastavro, as the field's clients are, which makes a dictionary of each; and the same one
that hands these to Spark by Arrow. Spark's own source of Kafka needs jars that are not
on every machine, and is not measured. CPU is that of all processes of a side while it
reads: for Spark, Java and the Python workers. What starts once, such as Java, is left
out, and so is the first read of each side.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks._options import Result, parser, report, rounds
from benchmarks._table import Row
from cluster.access import KafkaAccess
from cluster.local import running
from cluster.topics import ensure_topics
from nightmail.avro import AvroDecoder, compact, derive_schema, encode_batch, wire_batch
from nightmail.spark import register
from runtime.spark import spark_session
from settings.model import Settings, Spark
from simulator import simulate_night

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""

TOPIC = "fink_bench_ztf"
PARTITIONS = 2
NIGHT = "20260301"

ALERTS = 2000
"""Alerts that are simulated; the topic repeats them."""

CHUNK = 1000
"""Alerts of the loop that go to Spark at a time."""

FEW = "candid,objectId,candidate.magpsf"
"""Columns of the read that wants few."""

SIDES = {
    "plain loop": "loop",
    "loop, then Spark": "loop-spark",
    "spark, all columns": "spark",
    "spark, few columns": "spark-few",
}
"""Names of the sides, and what is passed to a process of each."""


EXAMPLES = """\
Examples:
  python benchmarks/spark_source.py --quick
  python benchmarks/spark_source.py --rows 50000 --rounds 3
"""


def main() -> None:
    """Measure, and print a table."""
    made = parser(__doc__, EXAMPLES)
    made.add_argument("--rows", type=int, help="default 10000, in the small form 2000")
    made.add_argument("--side", choices=SIDES.values(), help=argparse.SUPPRESS)
    made.add_argument("--servers", help=argparse.SUPPRESS)
    options = made.parse_args()
    if options.side:
        _run_side(options)
    else:
        report(partial(_measure, options), as_json=options.json)


def _measure(options: argparse.Namespace) -> Result:
    alerts = options.rows or (2000 if options.quick else 10_000)
    with _topic(alerts) as (servers, size):
        told = [f"--rounds={rounds(options)}", f"--rows={alerts}"]
        told.append(f"--servers={servers}")
        sides = {name: _start([f"--side={s}", *told]) for name, s in SIDES.items()}
    remark = f"{alerts:,} simulated ZTF alerts of {size / 1e3:.1f} kB"
    rows = [
        Row(
            "topic in Spark",
            name,
            [one["cpu_s"] for one in many],
            [one["wall_s"] for one in many],
            remark=remark,
        )
        for name, many in sides.items()
    ]
    cpu = {row.what: row.cpu_median_s for row in rows}
    ratio = cpu["loop, then Spark"] / cpu["spark, all columns"]
    return rows, {"spark_source_loop_over_ours": ratio}


@contextmanager
def _topic(rows: int) -> Iterator[tuple[str, float]]:
    """Fill a topic of a new Kafka; give its servers and the mean size of a value."""
    with tempfile.TemporaryDirectory(prefix="nightmail-bench-") as name:
        settings = Settings(state_dir=Path(name))
        with running(settings) as access:
            ensure_topics(access, settings, [TOPIC], partitions=PARTITIONS)
            yield str(access.public_servers), _fill(access, Path(name), rows)


def _fill(access: KafkaAccess, folder: Path, rows: int) -> float:
    files = simulate_night(
        folder / "store", survey="ztf", night=NIGHT, alerts=ALERTS, seed=7
    )
    (batch,) = pq.ParquetFile(files[0]).read().combine_chunks().to_batches()
    schema = derive_schema(batch.schema)
    key, values = compact(schema), encode_batch(schema, wire_batch(batch))
    producer = Producer({**access.publisher, "queue.buffering.max.kbytes": 1 << 20})
    for row in range(rows):
        value = values[row % len(values)]
        producer.produce(TOPIC, value, key, partition=row % PARTITIONS)
        if row % 1000 == 0:
            producer.flush()
    producer.flush()
    return sum(map(len, values)) / len(values)


def _start(words: Sequence[str]) -> list[dict[str, float]]:
    """Run one side in a process, and a session, of its own."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(Path(__file__)), *words],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"Error: {words[0]} ended with {done.returncode}.")
    rounds: list[dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return rounds


def _run_side(options: argparse.Namespace) -> None:
    """Read some times, and print what each took."""
    if options.side == "loop":
        print(json.dumps(_time(partial(_loop, options.servers), options)))
        return
    wished = {"servers": options.servers, "topics": TOPIC}
    if options.side == "spark-few":
        wished["columns"] = FEW
    with tempfile.TemporaryDirectory(prefix="nightmail-bench-") as folder:
        settings = Settings(state_dir=Path(folder), spark=Spark(master="local[2]"))
        with spark_session(settings) as spark:
            register(spark)
            read = partial(_spark, spark, wished)
            if options.side == "loop-spark":
                read = partial(_loop_to_spark, spark, options.servers)
            print(json.dumps(_time(read, options)))


def _time(read: Callable[[], int], options: argparse.Namespace) -> list[dict[str, Any]]:
    found = []
    for number in range(options.rounds + 1):
        cpu, wall = _cpu_s(), time.monotonic()
        rows = read()
        took = {"cpu_s": _cpu_s() - cpu, "wall_s": time.monotonic() - wall}
        if rows != options.rows:
            sys.exit(f"Error: {rows} rows were read, not {options.rows}.")
        print(f"{options.side}: CPU {took['cpu_s']:.2f} s", file=sys.stderr)
        if number:
            found.append(took)
    return found


def _spark(spark: Any, wished: Mapping[str, str]) -> int:
    """Read into nothing; give how many rows there were."""
    frame = spark.read.format("nightmail").options(**wished).load()
    from pyspark.sql import Observation  # noqa: PLC0415 - seconds, and only here
    from pyspark.sql.functions import count, lit  # noqa: PLC0415

    seen = Observation()
    rows = frame.observe(seen, count(lit(1)).alias("rows"))
    rows.write.format("noop").mode("overwrite").save()
    return int(seen.get["rows"])


def _loop(servers: str) -> int:
    """Read by one consumer, a dictionary for each alert."""
    return sum(1 for _, _ in _alerts(servers))


def _loop_to_spark(spark: Any, servers: str) -> int:
    """Read in the same way, and make DataFrames of the dictionaries by Arrow."""
    rows, alerts = 0, _alerts(servers)
    while chunk := list(islice(alerts, CHUNK)):
        kinds = AvroDecoder(chunk[0][0]).schema
        table = pa.Table.from_pylist([alert for _, alert in chunk], kinds)
        frame = spark.createDataFrame(table)
        frame.write.format("noop").mode("overwrite").save()
        rows += len(chunk)
    return rows


def _alerts(servers: str) -> Iterator[tuple[Any, Any]]:
    """Yield the schema of each alert, and the alert."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "bench",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(TOPIC, p, 0) for p in range(PARTITIONS)])
    left, known, schema = PARTITIONS, b"", None
    parsed: Any = None
    while left:
        for message in consumer.consume(500, 1.0):
            if message.error():
                left -= 1
                continue
            key, value = message.key() or b"", message.value() or b""
            if key != known:
                known, schema = key, json.loads(key)
                parsed = fastavro.parse_schema(schema)
            yield schema, fastavro.schemaless_reader(io.BytesIO(value), parsed, None)
    consumer.close()


def _cpu_s() -> float:
    """Give the CPU time of all processes of this session, those that ended too [s]."""
    total, session = 0, os.getsid(0)
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        # proc(5): session is the 6th field, utime to cstime the 14th to 17th.
        if int(fields[3]) == session:
            total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()

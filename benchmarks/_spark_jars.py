"""What pyspark lacks to write Avro to Kafka: fetched once, pinned, for benchmarks."""

import hashlib
from pathlib import Path

from cluster.jars import fetch_pinned
from runtime.cache import cache_dir
from runtime.java import find_java

MODULES = (
    ("org.apache.spark", "spark-avro_2.13", "4.1.1"),
    ("org.apache.spark", "spark-sql-kafka-0-10_2.13", "4.1.1"),
    ("org.apache.spark", "spark-token-provider-kafka-0-10_2.13", "4.0.0"),
    ("org.apache.kafka", "kafka-clients", "3.9.1"),
    ("org.apache.commons", "commons-pool2", "2.12.1"),
)
"""Organisation, name and version: they run on pyspark 4.3.0, which has none newer."""

PINS = {
    "commons-pool2-2.12.1.jar": (
        "5273c8bc8c0dca2211175c0d27efbd7228efae99689aac001a8e1ef8e872e9ef"
    ),
    "kafka-clients-3.9.1.jar": (
        "7568b998572d256f0b7bc0afdc1b7a2588b8b08415c62ce314c864a6851ae9d9"
    ),
    "spark-avro_2.13-4.1.1.jar": (
        "6a19d90bc3b6e88d8db0fa36a19273aa10fea2dbd7a62bb60e4cedd73051b32d"
    ),
    "spark-sql-kafka-0-10_2.13-4.1.1.jar": (
        "9c1ce986f548e6b1dcb0e2dfe2f253a0bc58f2232a32a0c9c6c674dd25a8570c"
    ),
    "spark-token-provider-kafka-0-10_2.13-4.0.0.jar": (
        "f2be3b76f9e6cbe63379d4e4e0dc14f59dbf056ae2ad16ff15ac108004c86767"
    ),
}
"""The sha256 of each jar, by its file name."""

IVY_FILE = """\
<ivy-module version="2.0">
  <info organisation="nightmail" module="benchmarks"/>
  <configurations><conf name="default"/></configurations>
  <dependencies defaultconf="default">
{dependencies}
  </dependencies>
</ivy-module>
"""


def fetch_spark_jars() -> list[Path]:
    """Give the jars, fetching them if they are not there.

    Raises
    ------
    ClusterError
        They cannot be fetched, or one is not the one that was pinned.
    """
    names = hashlib.sha256(repr(sorted(PINS.items())).encode()).hexdigest()[:8]
    dependencies = "\n".join(
        f'    <dependency org="{org}" name="{name}" rev="{version}"'
        ' transitive="false"/>'
        for org, name, version in MODULES
    )
    folder = fetch_pinned(
        find_java("kafka"),
        cache_dir() / f"spark-avro-kafka-{names}",
        PINS,
        ivy=IVY_FILE.format(dependencies=dependencies),
        what="Spark's part for Avro and Kafka (10 MB)",
    )
    return sorted(folder.glob("*.jar"))

"""What pyspark lacks to write Avro to Kafka: fetched once, pinned, for benchmarks."""

import hashlib
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

import pyspark

from cluster.jars import find_wrong_jar
from cluster.locks import hold
from runtime.cache import cache_dir
from runtime.java import find_java, trust_store

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

FETCH_S = 300.0
"""Longest that the fetch may take [s]."""

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

    Exits where they cannot be fetched, or one is not the one that was pinned.
    """
    names = hashlib.sha256(repr(sorted(PINS.items())).encode()).hexdigest()[:8]
    folder = cache_dir() / f"spark-avro-kafka-{names}"
    with hold(folder.with_name(f"{folder.name}.lock"), wait_s=2 * FETCH_S):
        if not folder.is_dir():
            _fetch(folder)
    if wrong := find_wrong_jar(folder, PINS):
        sys.exit(f"Error: {wrong}: delete the folder {folder}, and run it again.")
    return sorted(folder.glob("*.jar"))


def _fetch(folder: Path) -> None:
    print("Fetching Spark's jars for Avro and Kafka (10 MB, once).", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="_jars-") as scratch:
        fetched = Path(scratch) / "lib"
        _run_ivy(Path(scratch), folder.with_name(f"{folder.name}.log"))
        if wrong := find_wrong_jar(fetched, PINS):
            sys.exit(f"Error: {wrong}, so nothing is kept.")
        fetched.rename(folder)


def _run_ivy(scratch: Path, said: Path) -> None:
    """Run the fetcher that comes inside pyspark, with the product's own settings."""
    settings = (resources.files("cluster") / "ivysettings.xml").read_text()
    (scratch / "ivysettings.xml").write_text(settings)
    dependencies = "\n".join(
        f'    <dependency org="{org}" name="{name}" rev="{version}"'
        ' transitive="false"/>'
        for org, name, version in MODULES
    )
    (scratch / "jars.ivy.xml").write_text(IVY_FILE.format(dependencies=dependencies))
    ivy = next((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))
    command: list[Path | str] = [find_java("kafka").executable, *trust_store(scratch)]
    command += ["-jar", ivy, "-settings", "ivysettings.xml", "-ivy", "jars.ivy.xml"]
    command += ["-cache", "ivy", "-confs", "default", "-warn"]
    command += ["-retrieve", "lib/[artifact]-[revision].[ext]"]
    with said.open("wb") as output:
        try:
            subprocess.run(  # noqa: S603 - pinned program and arguments
                command,
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=FETCH_S,
                check=True,
            )
        except (subprocess.SubprocessError, OSError) as error:
            sys.exit(f"Error: Spark's jars cannot be fetched ({error}): see {said}.")

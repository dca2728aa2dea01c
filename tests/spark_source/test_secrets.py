"""A password is in nothing that Spark writes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.spark_source.conftest import Login, Topic

pytestmark = [pytest.mark.kafka, pytest.mark.spark, pytest.mark.slow]

PROGRAM = """
import os, sys
from pathlib import Path
from pyspark.sql import SparkSession
from nightmail.spark import register
from runtime.java import find_java

folder, servers, topic, username = sys.argv[1:]
os.environ["JAVA_HOME"] = str(find_java("spark").home)
os.environ["SPARK_CONF_DIR"] = folder
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.eventLog.enabled", "true")
    .config("spark.eventLog.dir", folder)
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
register(spark)
options = {
    "servers": servers,
    "topics": topic,
    "username": username,
    "password": os.environ["A_PASSWORD"],
}
frame = spark.read.format("nightmail").options(**options).load()
frame.explain(True)
print(frame.collect())
reader = spark.readStream.format("nightmail").options(**options)
writer = reader.load().writeStream.format("console")
query = writer.option("checkpointLocation", folder + "/checkpoint")
query = query.trigger(availableNow=True).start()
query.awaitTermination()
query.explain(True)
print(query.lastProgress)
for wrong in ({"topics": "none"}, {"password": options["password"] + "x"}):
    try:
        spark.read.format("nightmail").options(**options | wrong).load()
    except Exception as error:
        print(error)
spark.stop()
"""
"""A program that reads, fails, explains, and logs all it does."""

LOG = """
rootLogger.level = debug
rootLogger.appenderRef.file.ref = file
appender.file.type = File
appender.file.name = file
appender.file.fileName = {folder}/spark.log
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %p %c %m%ex%n
"""


def test_a_password_is_nowhere(topic: Topic, reader: Login, tmp_path: Path) -> None:
    """Not in the plan, the log at its longest, the events, checkpoints or errors."""
    topic.send_small(1)
    (tmp_path / "log4j2.properties").write_text(LOG.format(folder=tmp_path))
    password = reader.password
    servers = topic.access.bootstrap_servers

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PROGRAM,
            str(tmp_path),
            servers,
            topic.name,
            reader.username,
        ],
        env=os.environ | {"A_PASSWORD": password},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "ZTF1" in done.stdout
    assert "There is no topic none" in done.stdout
    assert "refuses you" in done.stdout
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    written = b"".join(file.read_bytes() for file in files)
    assert topic.name.encode() in written
    assert password not in done.stdout + done.stderr
    assert password.encode() not in written

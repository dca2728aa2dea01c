"""Which files of a night count."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runtime.spark import spark_session
from settings.model import Settings, Spark
from store.path import StorePath
from tasks.list_night import list_night


@pytest.mark.spark
@pytest.mark.slow
def test_a_streaming_writers_log_decides(tmp_path: Path) -> None:
    """A file that a failed attempt left beside the committed ones does not count."""
    settings = Settings(state_dir=tmp_path, spark=Spark(master="local[1]"))
    raw, night = tmp_path / "raw", tmp_path / "some science" / "20260301"
    raw.mkdir()
    pq.write_table(pa.table({"candid": [1, 2]}), raw / "a.parquet")

    with spark_session(settings) as spark:
        stream = spark.readStream.schema("candid long").parquet(str(raw))
        written = (
            stream.writeStream.format("parquet")
            .option("checkpointLocation", str(tmp_path / "checkpoint"))
            .trigger(availableNow=True)
            .start(str(night))
        )
        written.awaitTermination()
        committed = sorted(p.name for p in night.glob("*.parquet"))
        pq.write_table(pa.table({"candid": [3]}), night / "part-stray.parquet")
        listed = list_night(settings, StorePath(str(night)))

    assert len(committed) > 0
    assert listed == tuple(committed)


def test_without_a_log_the_folder_decides(tmp_path: Path) -> None:
    """No Spark is started to list a plain folder."""
    pq.write_table(pa.table({"candid": [1]}), tmp_path / "a.parquet")

    assert list_night(Settings(state_dir=tmp_path), StorePath(str(tmp_path))) == (
        "a.parquet",
    )

"""How Spark is started, and that it ends."""

import os
from pathlib import Path

import pytest

from runtime.memory import KEPT_BY_ARROW
from runtime.spark import _patient, first_cause, spark_session
from settings.model import Settings, Spark


@pytest.mark.parametrize(
    ("master", "patient"),
    [
        ("local[*]", "local[*,4]"),
        ("local[2]", "local[2,4]"),
        ("local[2,1]", "local[2,1]"),
        ("local", "local"),
        ("local-cluster[2,1,1024]", "local-cluster[2,1,1024]"),
        ("spark://head:7077", "spark://head:7077"),
        ("yarn", "yarn"),
    ],
)
def test_local_masters_try_again(master: str, patient: str) -> None:
    """As clusters do by themselves; what says its own number keeps it."""
    assert _patient(master) == patient


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            (
                "An error occurred while calling o46.collectToPython.\n"
                ": org.apache.spark.SparkException: Job aborted due to stage failure:"
                " Task 0 in stage 0.0 failed 4 times, most recent failure: Lost task"
                " 0.3 in stage 0.0 (TID 3) (host executor driver):"
                " org.apache.spark.SparkException: Python worker exited unexpectedly"
                " (crashed). Consider setting 'spark.sql.execution'\n\tat scala\n"
            ),
            "Python worker exited unexpectedly (crashed)",
        ),
        (
            "java.io.IOException: No space left on device\n\tat",
            "No space left on device",
        ),
        ("[Errno 111] Connection refused", "[Errno 111] Connection refused"),
        ("one\ntwo", "one"),
        ("", ""),
    ],
)
def test_the_cause_is_found_in_a_trace(text: str, cause: str) -> None:
    """Of hundreds of Java's lines, the sentence that says what happened."""
    assert first_cause(Exception(text)) == cause


@pytest.mark.spark
@pytest.mark.slow
def test_one_session_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks second shares it; whoever started it ends it, its JVM too."""
    from pyspark import SparkContext  # noqa: PLC0415 - seconds

    settings = Settings(state_dir=tmp_path, spark=Spark(master="local[1]"))
    theirs = tmp_path / "their conf"
    theirs.mkdir()
    (theirs / "spark-defaults.conf").write_text("spark.executor.memory 3g\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(theirs))

    with spark_session(settings) as first:
        with spark_session(settings) as second:
            assert second is first
        assert SparkContext._gateway is not None
        java = SparkContext._gateway.proc
        assert first.range(3).count() == 3
        asked = first.sparkContext.parallelize([*KEPT_BY_ARROW], 1)
        assert asked.map(os.getenv).collect() == [*KEPT_BY_ARROW.values()]
        assert first.conf.get("spark.executor.memory") == "3g"

    assert os.environ["SPARK_CONF_DIR"] == str(theirs)
    assert java.poll() is not None
    assert SparkContext._active_spark_context is None

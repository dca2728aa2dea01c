"""How Spark is started, and that it ends."""

from pathlib import Path

import pytest

from runtime.spark import _patient, spark_session
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


@pytest.mark.spark
@pytest.mark.slow
def test_one_session_a_process(tmp_path: Path) -> None:
    """Whoever asks second shares it; whoever started it ends it, its JVM too."""
    from pyspark import SparkContext  # noqa: PLC0415 - seconds

    settings = Settings(state_dir=tmp_path, spark=Spark(master="local[1]"))

    with spark_session(settings) as first:
        with spark_session(settings) as second:
            assert second is first
        assert SparkContext._gateway is not None
        java = SparkContext._gateway.proc
        assert first.range(3).count() == 3

    assert java.poll() is not None
    assert SparkContext._active_spark_context is None

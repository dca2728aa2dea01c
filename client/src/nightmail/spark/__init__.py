"""Topics as Spark DataFrames, in batch and as streams, without any jar.

Needs the extra `[spark]`, here and in the Python of Spark's workers.
"""

try:
    import pyspark.sql.streaming.datasource  # noqa: F401  only whether it is there
except ModuleNotFoundError as error:
    raise ImportError(
        "nightmail.spark needs pyspark 4.3 or newer; install it by: pip install"
        " 'nightmail[spark]'"
    ) from error

from typing import Any

from nightmail.spark.reason import find_reason
from nightmail.spark.source import NightmailSource

__all__ = ["NightmailSource", "find_reason", "register"]


def register(spark: Any) -> None:
    """Teach a session the format `nightmail`.

    Spark would find a source by itself only in a package named `pyspark_…`, which it
    then imports in every session of everybody who has it installed, whether they read
    topics or not; one that cannot be imported there breaks all others.

    Parameters
    ----------
    spark
        The SparkSession. Doing it again is no error.

    Examples
    --------
    >>> register(spark)  # doctest: +SKIP
    >>> spark.read.format("nightmail").options(
    ...     servers="127.0.0.1:9092", topics="fink_sn_candidates_ztf"
    ... ).load()  # doctest: +SKIP
    """
    spark.dataSource.register(NightmailSource)

"""Types of Spark, and what of an alert is decoded for them."""

import pyarrow as pa
import pytest
from pyspark.sql import types as spark

from nightmail import ColumnError, ConfigError, SchemaError
from nightmail.spark.columns import (
    BAD,
    KAFKA,
    arrow_schema,
    cast_batch,
    leaves,
    spark_schema,
)

ALERT = pa.schema(
    [
        ("candid", pa.int64()),
        ("candidate", pa.struct([("ra", pa.float64()), ("kind", pa.string())])),
        ("history", pa.list_(pa.struct([("mag", pa.float32())]))),
        ("features", pa.map_(pa.string(), pa.struct([("x", pa.float64())]))),
    ]
)


def test_all_columns_may_be_null() -> None:
    """As in a file that Spark reads, whatever the alert's schema says."""
    alert = pa.schema([pa.field("candid", pa.int64(), nullable=False)])

    assert spark_schema(alert)["candid"].nullable


def test_our_columns_stand_behind() -> None:
    """The place first, then why it is bad."""
    assert spark_schema(ALERT, KAFKA, BAD).names[-2:] == [KAFKA, BAD]


def test_a_column_of_the_alert_with_our_name_is_refused() -> None:
    """Nothing is hidden."""
    with pytest.raises(SchemaError, match="have a column _bad"):
        spark_schema(pa.schema({BAD: pa.int64()}), BAD)


def test_a_type_that_spark_has_not_is_refused() -> None:
    """By its name."""
    with pytest.raises(SchemaError, match="no type for duration"):
        spark_schema(pa.schema({"x": pa.duration("s")}))


def test_what_is_decoded_is_named_by_dots() -> None:
    """Lists and maps are passed over; our own columns are not decoded."""
    found = leaves(spark_schema(ALERT, KAFKA, BAD))

    assert found == [
        "candid",
        "candidate.ra",
        "candidate.kind",
        "history.mag",
        "features.x",
    ]


def test_our_columns_have_our_types() -> None:
    """A schema of the user's that says otherwise is refused."""
    schema = spark.StructType([spark.StructField(BAD, spark.LongType())])

    with pytest.raises(ConfigError, match="_bad is ours, of type string"):
        arrow_schema(schema)


def test_a_value_that_does_not_fit_is_refused() -> None:
    """It is not cut to the type that was asked for."""
    batch = pa.RecordBatch.from_pydict({"candid": [2**40]})

    with pytest.raises(ColumnError, match="candid cannot be int32"):
        cast_batch(batch, pa.schema({"candid": pa.int32()}))


def test_columns_come_in_the_order_that_is_asked_for() -> None:
    """Not in that of the alert."""
    batch = pa.RecordBatch.from_pydict({"a": [1], "b": ["x"]})

    wanted = pa.schema({"b": pa.string()}).append(pa.field("a", pa.float64()))

    found = cast_batch(batch, wanted)

    assert [column.to_pylist() for column in found] == [["x"], [1.0]]

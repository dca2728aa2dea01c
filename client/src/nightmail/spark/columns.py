"""Columns of alerts as Spark has them, and the few of our own beside them."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import types
from pyspark.sql import types as spark
from pyspark.sql.pandas.types import to_arrow_schema

from nightmail._errors import ColumnError, ConfigError, SchemaError

__all__ = ["BAD", "KAFKA", "arrow_schema", "cast_batch", "leaves", "spark_schema"]

BAD = "_bad"
"""Column that says why a record could not be read; null for the others."""

KAFKA = "_kafka"
"""Column that says where a record was."""

OWN = {
    KAFKA: spark.StructType(
        [
            spark.StructField("topic", spark.StringType()),
            spark.StructField("partition", spark.IntegerType()),
            spark.StructField("offset", spark.LongType()),
            spark.StructField("timestamp", spark.TimestampType()),
            spark.StructField("night", spark.StringType()),
            spark.StructField("generation", spark.IntegerType()),
        ]
    ),
    BAD: spark.StringType(),
}
"""Types of the columns of our own."""

_SIMPLE = {
    pa.null(): spark.NullType(),
    pa.bool_(): spark.BooleanType(),
    pa.int32(): spark.IntegerType(),
    pa.int64(): spark.LongType(),
    pa.float32(): spark.FloatType(),
    pa.float64(): spark.DoubleType(),
    pa.string(): spark.StringType(),
    pa.binary(): spark.BinaryType(),
    pa.date32(): spark.DateType(),
}
"""Types that are the same in Spark."""


def spark_schema(alert: pa.Schema, *own: str) -> spark.StructType:
    """Give the columns of a DataFrame of alerts; each may be null, as Spark's files.

    Enums become text, fixed becomes bytes, times in UTC become timestamps, local ones
    timestamps without zone. Nanoseconds, which Spark has not, stay whole numbers.

    Parameters
    ----------
    alert
        Columns as the decoder gives them.
    own
        Names of columns of our own to add.

    Raises
    ------
    SchemaError
        The alert has a column of such a name.
    """
    fields = [spark.StructField(f.name, _spark_type(f.type)) for f in alert]
    for name in own:
        if name in alert.names:
            raise SchemaError(f"The alerts have a column {name}, as we would add.")
        fields.append(spark.StructField(name, OWN[name]))
    return spark.StructType(fields)


def arrow_schema(schema: spark.StructType) -> pa.Schema:
    """Give the Arrow types in which Spark takes such a DataFrame.

    Raises
    ------
    ConfigError
        A column of ours has another type than we give it.
    """
    for field in schema:
        if field.name in OWN and field.dataType != OWN[field.name]:
            wanted = OWN[field.name].simpleString()
            raise ConfigError(f"The column {field.name} is ours, of type {wanted}.")
    return to_arrow_schema(schema, timezone="UTC")


def leaves(schema: spark.StructType) -> list[str]:
    """Name what is to be decoded, as the decoder's `columns`."""
    return [
        path
        for field in schema
        if field.name not in OWN
        for path in _paths(field.dataType, field.name)
    ]


def cast_batch(batch: pa.RecordBatch, schema: pa.Schema) -> list[Any]:
    """Give the columns of a batch in the types that Spark takes.

    Parameters
    ----------
    batch
        As decoded.
    schema
        Wished columns, those of our own not among them.

    Raises
    ------
    ColumnError
        A value does not fit the type that the user asked for.
    """
    return [_cast(batch.column(field.name), field) for field in schema]


def _cast(column: Any, field: Any) -> Any:
    if column.type.equals(field.type):
        return column
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise ColumnError(
            f"The column {field.name} cannot be {field.type}: {error}."
        ) from error


def _spark_type(kind: Any) -> spark.DataType:
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if types.is_struct(kind):
        return spark_schema(pa.schema(list(kind)))
    if types.is_map(kind):
        return spark.MapType(spark.StringType(), _spark_type(kind.item_type))
    if types.is_list(kind):
        return spark.ArrayType(_spark_type(kind.value_type))
    if types.is_dictionary(kind):
        return _spark_type(kind.value_type)
    return _other_type(kind)


def _other_type(kind: Any) -> spark.DataType:
    """Give the type of what Spark has in another form."""
    if types.is_fixed_size_binary(kind):
        return spark.BinaryType()
    if types.is_decimal128(kind):
        return spark.DecimalType(kind.precision, kind.scale)
    if not types.is_timestamp(kind):
        raise SchemaError(f"Spark has no type for {kind}.")
    if kind.unit == "ns":
        return spark.LongType()
    return spark.TimestampType() if kind.tz else spark.TimestampNTZType()


def _paths(kind: spark.DataType, path: str) -> Iterator[str]:
    """Yield dotted names of all that is below; lists and maps are passed over."""
    below: Sequence[tuple[str, spark.DataType]] = ()
    if isinstance(kind, spark.StructType):
        below = [(f"{path}.{f.name}", f.dataType) for f in kind]
    elif isinstance(kind, spark.ArrayType):
        below = [(path, kind.elementType)]
    elif isinstance(kind, spark.MapType):
        below = [(path, kind.valueType)]
    if not below:
        yield path
    for name, one in below:
        yield from _paths(one, name)

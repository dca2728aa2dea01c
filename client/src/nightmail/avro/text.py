"""A batch in the types of the wire: times and dates as text in UTC."""

from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from nightmail._errors import AlertError

__all__ = ["wire_batch", "wire_type"]

_NO_TIME = "<"
"""How Arrow begins the text of a time that no calendar of its has."""


def wire_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rewrite the columns whose values are published in another form.

    At any depth: timestamps become text in UTC, `2026-03-10 03:28:06.25`, as Spark
    casts them in that time zone: to the microsecond, trailing zeros of the fraction
    cut; a timestamp without zone is taken as UTC. Dates become `2026-03-10`.
    Dictionaries become their values, half floats floats, lists of fixed size lists, a
    column without type text. Other columns are passed on without a copy.

    Parameters
    ----------
    batch
        Rows as the store has them.

    Returns
    -------
    pyarrow.RecordBatch
        The same rows, names and nulls.

    Raises
    ------
    AlertError
        A time or a date lies beyond the years that can be written.
    """
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            columns.append(_rewrite(column))
        except AlertError as error:
            raise AlertError(f"{name}: {error}") from error
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def wire_type(kind: pa.DataType) -> pa.DataType:
    """Tell the Arrow type of a column of this type after `wire_batch`."""
    if types.is_nested(kind):
        return _wire_nested(kind)
    if types.is_dictionary(kind):
        return wire_type(kind.value_type)
    if types.is_float16(kind):
        return pa.float32()
    is_text = types.is_timestamp(kind) or types.is_date(kind) or types.is_null(kind)
    return pa.string() if is_text else kind


def _wire_nested(kind: Any) -> pa.DataType:
    if types.is_struct(kind):
        return pa.struct([_wire_field(kind.field(i)) for i in range(kind.num_fields)])
    if types.is_map(kind):
        return pa.map_(wire_type(kind.key_type), _wire_field(kind.item_field))
    if types.is_large_list(kind):
        return pa.large_list(_wire_field(kind.value_field))
    if types.is_list(kind) or types.is_fixed_size_list(kind):
        return pa.list_(_wire_field(kind.value_field))
    return cast("pa.DataType", kind)


def _wire_field(field: Any) -> Any:
    return field.with_type(wire_type(field.type))


def _rewrite(array: Any) -> Any:
    kind = array.type
    wanted = wire_type(kind)
    if wanted == kind:
        return array
    if types.is_nested(kind):
        return _rewrite_nested(array, wanted)
    if types.is_dictionary(kind):
        return _rewrite(array.dictionary_decode())
    if types.is_timestamp(kind):
        return _timestamp_text(array)
    if types.is_date(kind):
        return _text(array)
    return array.cast(wanted)


def _rewrite_nested(array: Any, wanted: Any) -> Any:
    if types.is_struct(array.type):
        return _rewrite_struct(array, wanted)
    if types.is_fixed_size_list(array.type):
        return _rewrite(_free_size(array))
    if types.is_map(array.type):
        return _with_entries(array, wanted, _rewrite_entries(array, wanted))
    return _with_entries(array, wanted, _rewrite(array.values))


def _timestamp_text(array: Any) -> pa.StringArray:
    utc: Any = array.view(pa.timestamp(array.type.unit))
    if array.type.unit == "ns":
        utc = pc.floor_temporal(utc, unit="microsecond").cast(pa.timestamp("us"))
    text = _text(utc)
    trimmed = pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")
    has_fraction = pc.match_substring(text, ".")
    return cast("pa.StringArray", pc.if_else(has_fraction, trimmed, text))


def _text(times: Any) -> Any:
    """Write times or dates as Arrow does, and refuse what it cannot write."""
    try:
        if types.is_date64(times.type):
            times = times.cast(pa.date32())
        text = times.cast(pa.string())
        beyond = pc.any(pc.starts_with(text, _NO_TIME)).as_py()
    except pa.ArrowInvalid:
        beyond = True
    if beyond:
        raise AlertError("it has a time beyond the years that can be written.")
    return text


def _free_size(array: Any) -> Any:
    """Make a list of a list of fixed size; Arrow's cast breaks slices of structs."""
    size, first = array.type.list_size, array.offset
    offsets = [size * (first + i) for i in range(len(array) + 1)]
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()),
        array.values,
        type=pa.list_(array.type.value_field),
        mask=array.is_null(),
    )


def _rewrite_struct(array: Any, wanted: Any) -> pa.StructArray:
    children = [_rewrite(child) for child in array.flatten()]
    fields = [wanted.field(i) for i in range(wanted.num_fields)]
    return pa.StructArray.from_arrays(children, fields=fields, mask=array.is_null())


def _rewrite_entries(array: Any, wanted: Any) -> pa.StructArray:
    return pa.StructArray.from_arrays(
        [_rewrite(array.keys), _rewrite(array.items)],
        fields=[wanted.key_field, wanted.item_field],
    )


def _with_entries(array: Any, wanted: Any, entries: Any) -> Any:
    """Put other entries behind the same offsets and nulls."""
    return pa.Array.from_buffers(
        wanted,
        len(array),
        array.buffers()[:2],
        offset=array.offset,
        children=[entries],
    )

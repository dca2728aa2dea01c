"""Values that the kernel cannot write: encoded one by one, by fastavro."""

import io
from dataclasses import dataclass
from typing import Any

import fastavro
import pyarrow as pa
from fastavro.schema import SchemaParseException
from pyarrow import types

from nightmail._errors import SchemaError
from nightmail.avro.layout import Node

__all__ = ["Values", "parse", "spell"]


@dataclass(frozen=True, slots=True)
class Values:
    """The array at a slot, as far as the rows of a batch reach it."""

    array: Any

    first: int
    """What the kernel calls the array's first value."""

    def field(self, number: int, offset: int) -> "Values":
        """Go down to a field of a record; `offset` is that of the kernel's slot."""
        return Values(self._stored.field(number), self.first + offset)

    def dictionary(self) -> "Values":
        """Go down to the values of a dictionary."""
        return Values(self._stored.dictionary, 0)

    def items(self, number: int) -> "Values":
        """Go down to the items of a list, or to the keys (0) or values (1) of a map."""
        array = self._stored
        if types.is_fixed_size_list(array.type):
            size = array.type.list_size
            start, stop = array.offset * size, (array.offset + len(array)) * size
        else:
            start, stop = array.offsets[0].as_py(), array.offsets[-1].as_py()
        found = array.values.slice(start, stop - start)
        return Values(found.field(number) if types.is_map(array.type) else found, start)

    @property
    def _stored(self) -> Any:
        is_extension = isinstance(self.array, pa.ExtensionArray)
        return self.array.storage if is_extension else self.array


def parse(node: Node) -> Any:
    """Read the Avro type at a place, without the union around it.

    Raises
    ------
    SchemaError
        fastavro refuses it.
    """
    try:
        return fastavro.parse_schema(node.avro)
    except SchemaParseException as error:
        raise SchemaError(f"Column {node.path}: {error}.") from error


def spell(parsed: Any, array: Any) -> pa.LargeBinaryArray:
    """Encode values one by one.

    Parameters
    ----------
    parsed
        Their Avro type.
    array
        Decimals.

    Returns
    -------
    pyarrow.LargeBinaryArray
        Of the same length and nulls; empty where fastavro refuses the value.
    """
    values = [None if v is None else _spell_one(parsed, v) for v in array.to_pylist()]
    return pa.array(values, pa.large_binary())


def _spell_one(parsed: Any, value: Any) -> bytes:
    buffer = io.BytesIO()
    try:
        fastavro.schemaless_writer(buffer, parsed, value)
    except (ValueError, OverflowError):
        return b""
    found = buffer.getvalue()
    size = parsed.get("size", len(found))  # of a decimal too large it writes more
    return found if len(found) == size else b""

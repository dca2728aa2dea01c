"""Decoded columns as Arrow arrays."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from nightmail.avro.buffers import Filled
from nightmail.avro.layout import Kind, Node
from nightmail.avro.program import Slot, decimal_size

__all__ = ["Columns"]

_TYPES = {
    Kind.NULL: pa.null(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.INT: pa.int32(),
    Kind.LONG: pa.int64(),
    Kind.FLOAT: pa.float32(),
    Kind.DOUBLE: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.BYTES: pa.binary(),
    Kind.ENUM: pa.dictionary(pa.int32(), pa.string()),
}

_LOGICAL = {
    (Kind.INT, "date"): pa.date32(),
    (Kind.LONG, "timestamp-millis"): pa.timestamp("ms", "UTC"),
    (Kind.LONG, "timestamp-micros"): pa.timestamp("us", "UTC"),
    (Kind.LONG, "timestamp-nanos"): pa.timestamp("ns", "UTC"),
    (Kind.LONG, "local-timestamp-millis"): pa.timestamp("ms"),
    (Kind.LONG, "local-timestamp-micros"): pa.timestamp("us"),
    (Kind.LONG, "local-timestamp-nanos"): pa.timestamp("ns"),
}

_OFFSET = 4
"""Length of an offset [byte]."""

_NO_BYTES = pa.py_buffer(b"")
"""Values of a fixed without length."""


class Columns:
    """The Arrow arrays of one program, made of its buffers.

    Parameters
    ----------
    root
        What is filled.
    """

    def __init__(self, root: Slot) -> None:
        self._root = root
        self._types = dict(_types(root))
        self.schema = pa.schema(list(self._types[root.node.path]))

    def batch(self, filled: Filled) -> pa.RecordBatch:
        """Make a batch of filled buffers, without a copy."""
        return pa.RecordBatch.from_struct_array(self._array(self._root, filled))

    def _array(self, slot: Slot, filled: Filled) -> Any:
        count = filled.counts[slot.part]
        valid = filled.buffer(slot.part, slot.valid, (count + 7) // 8)
        kind = self._types[slot.node.path]
        if slot.node.kind is Kind.NULL:
            return pa.nulls(count)
        if slot.node.kind is Kind.RECORD:
            children = [self._array(child, filled) for child in slot.children]
            return pa.Array.from_buffers(kind, count, [valid], children=children)
        if slot.below >= 0:
            return self._with_offsets(slot, kind, count, valid, filled)
        size = (count * kind.bit_width + 7) // 8
        values = filled.buffer(slot.part, slot.values, size) or _NO_BYTES
        if slot.node.kind is Kind.ENUM:
            symbols = pa.array(slot.node.symbols, pa.string())
            return pa.DictionaryArray.from_buffers(
                kind, count, [valid, values], symbols
            )
        return pa.Array.from_buffers(kind, count, [valid, values])

    def _with_offsets(
        self, slot: Slot, kind: Any, count: int, valid: pa.Buffer | None, filled: Filled
    ) -> Any:
        offsets = filled.buffer(slot.part, slot.values, _OFFSET * (count + 1))
        children = [self._array(child, filled) for child in slot.children]
        if not children:
            text = filled.buffer(slot.below, 0, filled.counts[slot.below])
            return pa.Array.from_buffers(kind, count, [valid, offsets, text])
        if slot.node.kind is Kind.MAP:
            entries = [kind.key_field, kind.item_field]
            children = [pa.StructArray.from_arrays(children, fields=entries)]
        return pa.Array.from_buffers(kind, count, [valid, offsets], children=children)


def _types(slot: Slot) -> Iterator[tuple[str, Any]]:
    """Yield the path and type of each array, each after those below it."""
    children = []
    for child in slot.children:
        *below, (path, kind) = _types(child)
        yield from [*below, (path, kind)]
        children.append(_field(child.node, kind))
    yield slot.node.path, _type(slot.node, children)


def _field(node: Node, kind: Any) -> Any:
    return pa.field(node.name, kind, node.null_tag >= 0 or node.kind is Kind.NULL)


def _type(node: Node, children: list[Any]) -> Any:
    if node.kind is Kind.RECORD:
        return pa.struct(children)
    if node.kind is Kind.ARRAY:
        return pa.list_(children[0])
    if node.kind is Kind.MAP:
        return pa.map_(pa.string(), children[1])
    if decimal_size(node) is not None:
        return pa.decimal128(node.avro["precision"], node.avro.get("scale", 0))
    if node.kind is Kind.FIXED:
        return pa.binary(node.size)
    return _LOGICAL.get((node.kind, node.logical or ""), _TYPES[node.kind])

"""Which Arrow types are written as which Avro types, and how the kernel does it.

Importing this loads numba, and the kernels from their cache.
"""

from dataclasses import dataclass
from typing import Any

from pyarrow import BaseExtensionType, types

from nightmail._errors import SchemaError
from nightmail.avro.kernels import slots as kernel
from nightmail.avro.layout import Kind, Node

__all__ = ["DICTIONARY_CHILD", "Form", "match"]

DICTIONARY_CHILD = -1
"""Number of the values of a dictionary, as a child of its indices."""

_INTEGERS = {
    "int8": (1, -(2**7), 2**7 - 1),
    "int16": (2, -(2**15), 2**15 - 1),
    "int32": (4, -(2**31), 2**31 - 1),
    "int64": (8, -(2**63), 2**63 - 1),
    "uint8": (-1, 0, 2**8 - 1),
    "uint16": (-2, 0, 2**16 - 1),
    "uint32": (-4, 0, 2**32 - 1),
    "uint64": (8, 0, 2**64 - 1),
}
"""How the kernel loads an Arrow integer, its least value and its largest."""

_RANGES = {Kind.INT: (-(2**31), 2**31 - 1), Kind.LONG: (-(2**63), 2**63 - 1)}

_FLOATING = {
    ("halffloat", Kind.FLOAT): (kernel.FLOATING, kernel.HALF_AS_FLOAT),
    ("halffloat", Kind.DOUBLE): (kernel.FLOATING, kernel.HALF_AS_DOUBLE),
    ("float", Kind.FLOAT): (kernel.FOUR, 0),
    ("float", Kind.DOUBLE): (kernel.FLOATING, kernel.FLOAT_AS_DOUBLE),
    ("double", Kind.DOUBLE): (kernel.EIGHT, 0),
}

_TEXTS = {
    "string": kernel.SHORT,
    "large_string": kernel.WIDE,
    "string_view": kernel.VIEWS,
}

_BINARIES = {
    "binary": kernel.SHORT,
    "large_binary": kernel.WIDE,
    "binary_view": kernel.VIEWS,
}

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

_TICKS = {
    "timestamp-millis": 10**3,
    "timestamp-micros": 10**6,
    "timestamp-nanos": 10**9,
    "local-timestamp-millis": 10**3,
    "local-timestamp-micros": 10**6,
    "local-timestamp-nanos": 10**9,
    "time-millis": 10**3,
    "time-micros": 10**6,
}
"""Of Avro's logical types [1/s]."""

_MS_PER_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Form:
    """What the kernel does at a slot; the words are explained there."""

    operation: int
    layout: int = kernel.FLAT
    form: int = 0
    size: int = 0
    low: int = 0
    high: int = 0

    below: tuple[tuple[Node, Any, int], ...] = ()
    """Avro node, Arrow type and number of the child of each slot below."""

    spliced: bool = False
    """Whether the values are encoded beforehand, by fastavro."""


def match(node: Node, kind: Any) -> Form:
    """Tell how an Arrow array is written as an Avro type.

    Parameters
    ----------
    node
        Place of the value in Avro's layout.
    kind
        Arrow type of the array.

    Raises
    ------
    SchemaError
        The one cannot be written as the other without loss, or a field of a record is
        not there, or stands there twice.
    """
    if isinstance(kind, BaseExtensionType):
        kind = kind.storage_type
    if types.is_null(kind):
        form = kernel.NEVER_NULL if node.kind is Kind.NULL else kernel.ALWAYS_NULL
        return Form(kernel.NOTHING, kernel.NOWHERE, form)
    if types.is_dictionary(kind) and node.kind is not Kind.NULL:
        code = _INTEGERS[str(kind.index_type)][0]
        below = ((node, kind.value_type, DICTIONARY_CHILD),)
        return Form(kernel.DICTIONARY, form=code, below=below)
    found = _RULES[node.kind](node, kind)
    if found is None:
        raise SchemaError(
            f"Column {node.path}: {kind} cannot be written as Avro's {_shown(node)}."
        )
    return found


def _shown(node: Node) -> str:
    name = node.kind.name.lower()
    return f"{name} ({node.logical})" if node.logical else name


def _null(_: Node, __: Any) -> None:
    """Match nothing: a column that may have values is not Avro's null."""


def _record(node: Node, kind: Any) -> Form | None:
    if not types.is_struct(kind):
        return None
    below = []
    for child in node.children:
        number = kind.get_field_index(child.name)
        if number < 0:
            raise SchemaError(f"Column {child.path} is not there, or not once.")
        below.append((child, kind.field(number).type, number))
    return Form(kernel.RECORD, kernel.BELOW, below=tuple(below))


def _array(node: Node, kind: Any) -> Form | None:
    below = ((node.children[0], kind.value_type, 0),) if _is_list(kind) else ()
    if types.is_list(kind):
        return Form(kernel.LIST, kernel.SHORT, below=below)
    if types.is_large_list(kind):
        return Form(kernel.LIST, kernel.WIDE, below=below)
    if types.is_fixed_size_list(kind):
        return Form(kernel.LIST, kernel.STEPS, size=kind.list_size, below=below)
    return None


def _is_list(kind: Any) -> bool:
    return (
        types.is_list(kind)
        or types.is_large_list(kind)
        or types.is_fixed_size_list(kind)
    )


def _map(node: Node, kind: Any) -> Form | None:
    if not types.is_map(kind):
        return None
    key, value = node.children
    below = ((key, kind.key_type, 0), (value, kind.item_type, 1))
    return Form(kernel.MAP, kernel.SHORT, below=below)


def _boolean(_: Node, kind: Any) -> Form | None:
    return Form(kernel.BOOLEAN) if types.is_boolean(kind) else None


def _integer(node: Node, kind: Any) -> Form | None:
    if str(kind) not in _INTEGERS:
        return _moment(node, kind)
    code, low, high = _INTEGERS[str(kind)]
    least, most = _RANGES[node.kind]
    if code == 4:  # noqa: PLR2004 - bytes
        return Form(kernel.INT)
    if code == 8 and (low, high) == (least, most):  # noqa: PLR2004 - bytes
        return Form(kernel.LONG)
    return _number(code, 1, max(low, least), min(high, most))


def _moment(node: Node, kind: Any) -> Form | None:
    """Match dates, times of day and timestamps, with those of the same sense."""
    logical, is_int = node.logical or "", node.kind is Kind.INT
    if logical == "date" and is_int and types.is_date32(kind):
        return Form(kernel.INT)
    if logical == "date" and is_int and types.is_date64(kind):
        return _ticks(node, 8, 1, _MS_PER_DAY)
    is_time = types.is_time(kind) and logical == (
        "time-millis" if is_int else "time-micros"
    )
    is_stamp = (
        types.is_timestamp(kind)
        and not is_int
        and (
            logical.startswith("timestamp-")
            or (logical.startswith("local-timestamp-") and kind.tz is None)
        )
    )
    if logical not in _TICKS or not (is_time or is_stamp):
        return None
    code = 4 if types.is_time32(kind) else 8
    return _ticks(node, code, _TICKS[logical], _PER_SECOND[kind.unit])


def _ticks(node: Node, code: int, wanted: int, stored: int) -> Form:
    """Match a count of ticks; a finer one is rounded downwards, as texts are."""
    if wanted == stored:
        return Form(kernel.INT if code == 4 else kernel.LONG)  # noqa: PLR2004 - bytes
    most = 2 ** (8 * code - 1)
    least_fit, most_fit = _RANGES[node.kind]
    if wanted < stored:
        each = stored // wanted
        low, high = least_fit * each, most_fit * each + each - 1
        return _number(code, -each, max(low, -most), min(high, most - 1))
    factor = wanted // stored
    low, high = -(-least_fit // factor), most_fit // factor
    return _number(code, factor, max(low, -most), min(high, most - 1))


def _number(code: int, size: int, low: int, high: int) -> Form:
    return Form(kernel.NUMBER, form=code, size=size, low=low, high=high)


def _floating(node: Node, kind: Any) -> Form | None:
    if found := _FLOATING.get((str(kind), node.kind)):
        return Form(found[0], form=found[1])
    return None


def _string(_: Node, kind: Any) -> Form | None:
    if (layout := _TEXTS.get(str(kind))) is None:
        return None
    operation = kernel.TEXT if layout == kernel.SHORT else kernel.SPAN
    return Form(operation, layout, kernel.AS_TEXT)


def _bytes(node: Node, kind: Any) -> Form | None:
    if types.is_fixed_size_binary(kind):
        size = kind.byte_width
        return Form(kernel.SPAN, kernel.PACKED, kernel.AS_BYTES, size)
    if (layout := _BINARIES.get(str(kind))) is None:
        return _decimal(node, kind)
    operation = kernel.BINARY if layout == kernel.SHORT else kernel.SPAN
    return Form(operation, layout, kernel.AS_BYTES)


def _fixed(node: Node, kind: Any) -> Form | None:
    if types.is_fixed_size_binary(kind) and kind.byte_width == node.size:
        return Form(kernel.SPAN, kernel.PACKED, kernel.AS_IT_IS, node.size)
    return _decimal(node, kind)


def _decimal(node: Node, kind: Any) -> Form | None:
    if not types.is_decimal(kind) or node.logical != "decimal":
        return None
    return Form(kernel.SPAN, kernel.WIDE, kernel.AS_IT_IS, spliced=True)


def _enum(node: Node, kind: Any) -> Form | None:
    if (layout := _TEXTS.get(str(kind))) is None:
        return None
    return Form(kernel.SPAN, layout, kernel.AS_SYMBOL, len(node.symbols))


_RULES = {
    Kind.NULL: _null,
    Kind.RECORD: _record,
    Kind.BOOLEAN: _boolean,
    Kind.INT: _integer,
    Kind.LONG: _integer,
    Kind.FLOAT: _floating,
    Kind.DOUBLE: _floating,
    Kind.STRING: _string,
    Kind.BYTES: _bytes,
    Kind.ARRAY: _array,
    Kind.MAP: _map,
    Kind.FIXED: _fixed,
    Kind.ENUM: _enum,
}

"""What Avro values are: a slow and strict reader, and Arrow's values in its words.

Floats are compared by their bits and decimals as whole numbers; times are the numbers
that Avro has; maps are pairs in the order of the bytes.
"""

import io
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.types as pat

__all__ = [
    "STRICTER",
    "Bits",
    "Digits",
    "Pairs",
    "RefusedError",
    "StrictReader",
    "as_python",
    "fastavro_reader",
    "plain",
    "prune",
]

STRICTER = frozenset(
    {
        "more than 64 bits",
        "more than 32 bits",
        "negative branch",
        "negative symbol",
        "many items",
        "block",
        "digits",
    }
)
"""Why a row is refused that fastavro takes.

fastavro drops bits beyond the 64th, lets ints grow beyond 32 bits, counts negative
branches and symbols from the end, never ends with 2**60 nulls, does not look at the
length of a block, and rounds decimals to their precision.
"""

MOST_EMPTY_ITEMS = 65_536
MOST_DIGITS = 38


class RefusedError(Exception):
    """A value is not what its schema says."""


@dataclass(frozen=True)
class Bits:
    """A float, by its bits."""

    bits: int
    width: int


class Digits(int):
    """A decimal without its point, and the bytes it was."""

    raw: bytes


class Pairs(list[tuple[str, Any]]):
    """A map."""


@dataclass
class Cursor:
    """Where reading is."""

    value: bytes
    at: int = 0
    empty_items: int = MOST_EMPTY_ITEMS

    def take(self, size: int) -> bytes:
        """Read bytes."""
        if size < 0:
            raise RefusedError("negative length")
        if size > len(self.value) - self.at:
            raise RefusedError("cut")
        self.at += size
        return self.value[self.at - size : self.at]

    def number(self) -> int:
        """Read a zigzag number."""
        found = 0
        for place in range(10):
            byte = self.take(1)[0]
            found |= (byte & 127) << 7 * place
            if byte < 128:
                if found >= 2**64:
                    break
                return (found >> 1) ^ -(found & 1)
        raise RefusedError("more than 64 bits")


Read = Callable[[Cursor], Any]


class StrictReader:
    """Reader of whole values by the letter of the specification.

    Parameters
    ----------
    schema
        As JSON gives it.
    """

    def __init__(self, schema: Any) -> None:
        self._named: dict[str, tuple[Read, bool]] = {}
        self._read, _ = self._reader(schema, "")

    def read(self, value: bytes) -> Any:
        """Read a value; raise RefusedError, saying why, if it is none."""
        cursor = Cursor(value)
        found = self._read(cursor)
        if cursor.at < len(value):
            raise RefusedError("left over")
        return found

    def _reader(  # noqa: PLR0911  one for each kind of type
        self, schema: Any, space: str
    ) -> tuple[Read, bool]:
        """Make a reader of a type, and tell whether all its values are empty."""
        if isinstance(schema, list):
            return self._union([self._reader(s, space)[0] for s in schema]), False
        kind = schema["type"] if isinstance(schema, dict) else schema
        if isinstance(kind, dict | list):
            return self._reader(kind, space)
        if kind in ("record", "fixed", "enum"):
            return self._define(schema, space)
        if kind == "array":
            return _array(*self._reader(schema["items"], space)), False
        if kind == "map":
            return _map(self._reader(schema["values"], space)[0]), False
        if is_decimal(schema):
            return _decimal(schema, lambda c: c.take(c.number())), False
        if kind in PRIMITIVES:
            return PRIMITIVES[kind], kind == "null"
        return self._named[full_name(kind, space)]

    def _define(self, schema: Any, space: str) -> tuple[Read, bool]:
        name = full_name(schema["name"], schema.get("namespace", space))
        if schema["type"] == "enum":
            found = _enum(schema["symbols"]), False
        elif schema["type"] == "fixed":
            size = schema["size"]
            is_empty = size == 0
            found = (lambda c: c.take(size)), is_empty
            if is_decimal(schema):
                found = _decimal(schema, lambda c: c.take(size)), is_empty
        else:
            inner = name.rpartition(".")[0]
            fields = [
                (f["name"], *self._reader(f["type"], inner)) for f in schema["fields"]
            ]
            found = _record(fields), all(is_empty for _, _, is_empty in fields)
        self._named[name] = found
        return found

    @staticmethod
    def _union(branches: list[Read]) -> Read:
        def read(cursor: Cursor) -> Any:
            branch = cursor.number()
            if not 0 <= branch < len(branches):
                raise RefusedError("negative branch" if branch < 0 else "no branch")
            return branches[branch](cursor)

        return read


def full_name(name: str, space: str) -> str:
    """Put a name into its namespace."""
    return f"{space}.{name}" if space and "." not in name else name


def is_decimal(schema: Any) -> bool:
    """Tell whether bytes or fixed are a decimal that Arrow has."""
    if not isinstance(schema, dict) or schema.get("logicalType") != "decimal":
        return False
    if schema["type"] not in ("bytes", "fixed"):
        return False
    return bool(schema["precision"] <= MOST_DIGITS)


def _record(fields: list[tuple[str, Read, bool]]) -> Read:
    return lambda cursor: {name: read(cursor) for name, read, _ in fields}


def _enum(symbols: list[str]) -> Read:
    def read(cursor: Cursor) -> str:
        index = cursor.number()
        if not 0 <= index < len(symbols):
            raise RefusedError("negative symbol" if index < 0 else "no symbol")
        return symbols[index]

    return read


def _decimal(schema: Any, take: Callable[[Cursor], bytes]) -> Read:
    end = 10 ** schema["precision"]

    def read(cursor: Cursor) -> Digits:
        raw = take(cursor)
        found = Digits(int.from_bytes(raw, "big", signed=True))
        found.raw = raw
        if not -end < found < end:
            raise RefusedError("digits")
        return found

    return read


def _array(read_item: Read, is_empty: bool) -> Read:  # noqa: FBT001  a pair as it is
    def read(cursor: Cursor) -> list[Any]:
        return _blocks(cursor, read_item, is_empty=is_empty)

    return read


def _map(read_value: Read) -> Read:
    def read(cursor: Cursor) -> Pairs:
        return Pairs(_blocks(cursor, lambda c: (_text(c), read_value(c))))

    return read


def _blocks(cursor: Cursor, read_item: Read, *, is_empty: bool = False) -> list[Any]:
    found: list[Any] = []
    while count := cursor.number():
        end = None
        if count < 0:
            size = cursor.number()
            end = cursor.at + size
            if count == -(2**63) or not 0 <= size <= len(cursor.value) - cursor.at:
                raise RefusedError("block")
        if is_empty:
            cursor.empty_items -= abs(count)
            if cursor.empty_items < 0:
                raise RefusedError("many items")
        found.extend(read_item(cursor) for _ in range(abs(count)))
        if end not in (None, cursor.at):
            raise RefusedError("block")
    return found


def _text(cursor: Cursor) -> str:
    try:
        return cursor.take(cursor.number()).decode()
    except UnicodeDecodeError as error:
        raise RefusedError("not text") from error


def _int(cursor: Cursor) -> int:
    number = cursor.number()
    if not -(2**31) <= number < 2**31:
        raise RefusedError("more than 32 bits")
    return number


PRIMITIVES: dict[str, Read] = {
    "null": lambda _: None,
    "boolean": lambda c: c.take(1) != b"\0",
    "int": _int,
    "long": Cursor.number,
    "float": lambda c: Bits(int.from_bytes(c.take(4), "little"), 32),
    "double": lambda c: Bits(int.from_bytes(c.take(8), "little"), 64),
    "bytes": lambda c: c.take(c.number()),
    "string": _text,
}


def plain(array: Any) -> list[Any]:
    """Give the values of an Arrow array as `StrictReader` does."""
    kind = array.type
    if pat.is_struct(kind):
        names = [kind.field(i).name for i in range(kind.num_fields)]
        parts = [plain(array.field(i)) for i in range(kind.num_fields)]
        rows = zip(*parts, strict=True) if parts else [()] * len(array)
        found: list[Any] = [dict(zip(names, row, strict=True)) for row in rows]
    elif pat.is_map(kind):
        found = [Pairs(pairs) for pairs in _cut(array, _entries(array))]
    elif pat.is_list(kind):
        found = _cut(array, plain(array.values))
    else:
        found = _leaves(array, kind)
    valid = array.is_valid().to_pylist()
    return [v if there else None for v, there in zip(found, valid, strict=True)]


def _entries(array: Any) -> list[Any]:
    return list(zip(plain(array.keys), plain(array.items), strict=True))


def _cut(array: Any, items: list[Any]) -> list[list[Any]]:
    ends = array.offsets.to_pylist()
    return [items[start:stop] for start, stop in pairwise(ends)]


def _leaves(array: Any, kind: Any) -> list[Any]:
    if pat.is_floating(kind):
        unsigned = pa.uint32() if kind == pa.float32() else pa.uint64()
        bits = array.view(unsigned).to_pylist()
        return [None if b is None else Bits(b, kind.bit_width) for b in bits]
    if pat.is_decimal(kind):
        raw = array.buffers()[1].to_pybytes()
        cuts = [raw[16 * i : 16 * i + 16] for i in range(len(array))]
        return [int.from_bytes(cut, "little", signed=True) for cut in cuts]
    if pat.is_temporal(kind):
        array = array.view(pa.int32() if pat.is_date(kind) else pa.int64())
    return list(array.to_pylist())


def prune(value: Any, kind: Any) -> Any:
    """Leave of a value what a narrower type has."""
    if isinstance(value, dict):
        return {f.name: prune(value[f.name], f.type) for f in kind}
    if isinstance(value, Pairs):
        return Pairs((key, prune(item, kind.item_type)) for key, item in value)
    if isinstance(value, list):
        return [prune(item, kind.value_type) for item in value]
    return value


def as_python(value: Any) -> Any:
    """Give a value as fastavro does, without logical types; NaN as text."""
    if isinstance(value, Bits):
        code = "f" if value.width == 32 else "d"
        (value,) = struct.unpack(
            f"<{code}", value.bits.to_bytes(value.width // 8, "little")
        )
    if isinstance(value, Digits):
        return value.raw
    if isinstance(value, Pairs):
        value = dict(value)
    if isinstance(value, dict):
        return {name: as_python(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_python(item) for item in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def fastavro_reader(schema: Any) -> Callable[[bytes], Any]:
    """Make a function that reads values by fastavro, and raises if bytes are left."""
    parsed = fastavro.parse_schema(_without_logical(schema))

    def read(value: bytes) -> Any:
        buffer = io.BytesIO(value)
        found = fastavro.schemaless_reader(buffer, parsed, None)
        if buffer.read(1):
            raise EOFError("left over")
        return as_python(found)

    return read


def fastavro_writer(schema: Any) -> Callable[[Any], bytes]:
    """Make a function that writes values, as `as_python` gives them, by fastavro."""
    parsed = fastavro.parse_schema(_without_logical(schema))

    def write(value: Any) -> bytes:
        buffer = io.BytesIO()
        fastavro.schemaless_writer(buffer, parsed, value)
        return buffer.getvalue()

    return write


def any_within(value: Any, test: Callable[[Any], bool]) -> bool:
    """Tell whether a value, or some value inside it, passes a test."""
    if test(value):
        return True
    if isinstance(value, Pairs):
        return any(any_within(item, test) for _, item in value)
    if isinstance(value, dict):
        return any(any_within(item, test) for item in value.values())
    return isinstance(value, list) and any(any_within(v, test) for v in value)


def is_nan(value: Any) -> bool:
    """Tell a NaN, of which Python may lose bits."""
    return isinstance(value, Bits) and as_python(value) == "NaN"


def has_key_twice(value: Any) -> bool:
    """Tell a map that a decoder reads and no encoder writes."""
    return isinstance(value, Pairs) and len(dict(value)) < len(value)


def is_unusual(value: Any) -> bool:
    """Tell a decimal in other bytes than an encoder gives it."""
    if not isinstance(value, Digits):
        return False
    return value.raw != value.to_bytes((value.bit_length() + 8) // 8, signed=True)


def _without_logical(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_logical(s) for s in schema]
    if isinstance(schema, dict):
        rest = {k: v for k, v in schema.items() if k != "logicalType"}
        return {k: _without_logical(v) for k, v in rest.items()}
    return schema

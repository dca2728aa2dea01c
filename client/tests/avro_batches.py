"""Batches of any types and any layout, and what fastavro takes for their rows."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pyarrow as pa
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

INT = st.integers(-(2**31), 2**31 - 1)
LONG = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(max_size=20)
BYTES = st.binary(max_size=20)


@dataclass(frozen=True)
class Leaf:
    """Values without parts: what they are in Arrow, in Avro and in Python."""

    arrow: pa.DataType
    written: Any
    values: SearchStrategy[Any]

    def avro(self, name: str) -> Any:
        """Avro type, named if it has to be."""
        if isinstance(self.written, dict) and self.written["type"] in {"fixed", "enum"}:
            return self.written | {"name": name}
        return self.written

    def array(self, values: list[Any], _: int) -> Any:
        """Put values into an array."""
        if self.arrow == pa.float16():  # which older pyarrow takes from NumPy only
            return pa.array(values, pa.float32()).cast(self.arrow)
        return pa.array(values, self.arrow)


@dataclass(frozen=True)
class Slot:
    """A place for values: which branch of its union null is, if there is one."""

    of: Any
    null: int | None
    pad: int
    """How many values of no use the array has before and behind."""

    @property
    def values(self) -> SearchStrategy[Any]:
        """Values, and null where it is allowed."""
        values: SearchStrategy[Any] = self.of.values
        return values if self.null is None else st.none() | values

    def avro(self, name: str) -> Any:
        """Avro type, with its union."""
        found = [self.of.avro(name)]
        if self.null is None:
            return found[0]
        found.insert(self.null, "null")
        return found

    def array(self, values: list[Any]) -> Any:
        """Put values into a slice of a longer array."""
        waste = [values[0] if values else None] * self.pad
        array = self.of.array(waste + values + waste, self.pad)
        return array.slice(self.pad, len(values))


@dataclass(frozen=True)
class Struct:
    """Records; columns are in another order than fields, and one is not wanted."""

    fields: tuple[Slot, ...]

    @property
    def names(self) -> list[str]:
        """Of the fields."""
        return [f"f{i}" for i in range(len(self.fields))]

    @property
    def arrow(self) -> pa.DataType:
        """Arrow type."""
        kinds = [(n, f.of.arrow) for n, f in zip(self.names, self.fields, strict=True)]
        return pa.struct([("unwanted", pa.int8()), *reversed(kinds)])

    @property
    def values(self) -> SearchStrategy[Any]:
        """One value per field."""
        fields = zip(self.names, self.fields, strict=True)
        return st.fixed_dictionaries({name: slot.values for name, slot in fields})

    def avro(self, name: str) -> Any:
        """Avro type."""
        fields = [
            {"name": n, "type": f.avro(f"{name}_{n}")}
            for n, f in zip(self.names, self.fields, strict=True)
        ]
        return {"type": "record", "name": name, "fields": fields}

    def array(self, values: list[Any], _: int) -> Any:
        """Put values into an array; below a null, fields are null."""
        columns = [pa.array([7] * len(values), pa.int8())]
        pairs = list(zip(self.names, self.fields, strict=True))
        for name, slot in reversed(pairs):
            found = [None if value is None else value[name] for value in values]
            columns.append(slot.array(found))
        kind = cast("Any", self.arrow)
        fields = [kind.field(i) for i in range(kind.num_fields)]
        mask = pa.array([value is None for value in values], pa.bool_())
        return pa.StructArray.from_arrays(columns, fields=fields, mask=mask)


@dataclass(frozen=True)
class Listed:
    """Lists of one of three kinds; below a null there is an item of no use."""

    item: Slot
    kind: str

    @property
    def arrow(self) -> pa.DataType:
        """Arrow type."""
        if self.kind == "fixed":
            return pa.list_(self.item.of.arrow, 2)
        return cast("pa.DataType", getattr(pa, self.kind)(self.item.of.arrow))

    @property
    def values(self) -> SearchStrategy[Any]:
        """A few items."""
        least, most = (2, 2) if self.kind == "fixed" else (0, 3)
        return st.lists(self.item.values, min_size=least, max_size=most)

    def avro(self, name: str) -> Any:
        """Avro type."""
        return {"type": "array", "items": self.item.avro(f"{name}_i")}

    def array(self, values: list[Any], pad: int) -> Any:
        """Put values into an array whose items begin before its first list."""
        mask = pa.array([value is None for value in values], pa.bool_())
        if self.kind == "fixed":
            lists = [[None, None] if value is None else value for value in values]
            items = self.item.array([item for one in lists for item in one])
            made: Any = pa.FixedSizeListArray.from_arrays
            return made(items, type=self.arrow, mask=mask)
        offsets, items = entries(values, pad)
        made = pa.LargeListArray.from_arrays
        if self.kind == "list_":
            made, offsets = pa.ListArray.from_arrays, offsets.cast(pa.int32())
        return made(offsets, self.item.array(items), type=self.arrow, mask=mask)


@dataclass(frozen=True)
class Mapped:
    """Maps of text to anything."""

    item: Slot
    key: Any

    @property
    def arrow(self) -> pa.DataType:
        """Arrow type."""
        return pa.map_(self.key, self.item.of.arrow)

    @property
    def values(self) -> SearchStrategy[Any]:
        """A few entries."""
        return st.dictionaries(st.text(max_size=3), self.item.values, max_size=3)

    def avro(self, name: str) -> Any:
        """Avro type."""
        return {"type": "map", "values": self.item.avro(f"{name}_v")}

    def array(self, values: list[Any], pad: int) -> Any:
        """Put values into an array whose entries are a slice."""
        rows = [None if value is None else list(value.items()) for value in values]
        offsets, found = entries(rows, pad)
        pairs = [pair or ("", None) for pair in found]
        keys = pa.array([key for key, _ in pairs], self.key)
        items = self.item.array([item for _, item in pairs])
        kind = cast("Any", self.arrow)
        both = [kind.key_field, kind.item_field]
        structs = pa.StructArray.from_arrays([keys, items], fields=both)
        # The entries are a slice, and so have an offset of their own.
        skip = min(pad, 1)
        places = pa.array([place - skip for place in offsets.to_pylist()], pa.int32())
        there = pa.array([value is not None for value in values], pa.bool_())
        buffers = [there.buffers()[1], places.buffers()[1]]
        return pa.Array.from_buffers(
            self.arrow, len(values), buffers, children=[structs.slice(skip)]
        )


@dataclass(frozen=True)
class Encoded:
    """Dictionaries; null is either no index, or the index of a null."""

    of: Any
    index: pa.DataType

    @property
    def arrow(self) -> pa.DataType:
        """Arrow type."""
        return pa.dictionary(cast("Any", self.index), self.of.arrow)

    @property
    def values(self) -> SearchStrategy[Any]:
        """Those of the dictionary."""
        return cast("SearchStrategy[Any]", self.of.values)

    def avro(self, name: str) -> Any:
        """Avro type, that of the values."""
        return self.of.avro(name)

    def array(self, values: list[Any], pad: int) -> Any:
        """Put values into an array whose dictionary is the other way round."""
        count = len(values)
        known = Slot(self.of, 0, pad).array(values[::-1])
        rows = [
            None if value is None and i % 2 else count - 1 - i
            for i, value in enumerate(values)
        ]
        indices: Any = pa.array(rows, self.index)
        return pa.DictionaryArray.from_arrays(indices, known, safe=False)


def entries(values: list[Any], pad: int) -> tuple[Any, list[Any]]:
    """Give offsets, and items of no use, then those of the lists."""
    found: list[Any] = [None] * pad
    offsets = [pad]
    for value in values:
        found += [None] if value is None else value
        offsets.append(len(found))
    return pa.array(offsets, pa.int64()), found


def moments(unit: str, zone: Any) -> SearchStrategy[Any]:
    """Draw times of a resolution, within nanoseconds of 64 bits."""
    times = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1), timezones=zone)  # noqa: DTZ001  the zone is drawn
    if unit == "s":
        return times.map(lambda t: t.replace(microsecond=0))
    if unit == "ms":
        return times.map(lambda t: t - timedelta(microseconds=t.microsecond % 1000))
    return times


def logical(kind: str, name: str, **more: Any) -> Any:
    """Make an Avro type with a logical type."""
    return {"type": kind, "logicalType": name, **more}


def stamps() -> list[Leaf]:
    """List timestamps of every unit, with and without zone, as all Avro types."""
    found = []
    for unit in ("s", "ms", "us", "ns"):
        for scale in ("millis", "micros"):
            zoned, local = moments(unit, st.just(UTC)), moments(unit, st.none())
            name = f"timestamp-{scale}"
            here = pa.timestamp(cast("Any", unit), "America/Santiago")
            bare = pa.timestamp(cast("Any", unit))
            found += [
                Leaf(here, logical("long", name), zoned),
                Leaf(bare, logical("long", name), zoned),
                Leaf(bare, logical("long", f"local-{name}"), local),
            ]
    return found


def numbers() -> list[Leaf]:
    """List integers of every width, as int where they fit, and as long."""
    found = []
    for bits in (8, 16, 32, 64):
        signed, unsigned = getattr(pa, f"int{bits}")(), getattr(pa, f"uint{bits}")()
        for name, most in (("int", 31), ("long", 63)):
            high = min(2 ** (bits - 1), 2**most)
            found += [
                Leaf(signed, name, st.integers(-high, high - 1)),
                Leaf(unsigned, name, st.integers(0, min(2**bits, 2**most) - 1)),
            ]
    return found


def spans() -> list[Leaf]:
    """List text, bytes, symbols and fixed bytes."""
    symbols = ["SN", "AGN", "a_much_longer_symbol", "S"]
    enum = {"type": "enum", "symbols": symbols}
    fixed = {"type": "fixed", "size": 3}
    found = [
        Leaf(pa.binary(3), fixed, st.binary(min_size=3, max_size=3)),
        Leaf(pa.binary(3), "bytes", st.binary(min_size=3, max_size=3)),
    ]
    for text in (pa.string(), pa.large_string(), pa.string_view()):
        found.append(Leaf(text, "string", TEXT))
        found.append(Leaf(text, enum, st.sampled_from(symbols)))
    binaries = (pa.binary(), pa.large_binary(), pa.binary_view())
    return [*found, *(Leaf(kind, "bytes", BYTES) for kind in binaries)]


def decimals() -> list[Leaf]:
    """List decimals as bytes and as fixed, of the same scale and of a larger one."""
    values = st.decimals(-(10**8), 10**8, places=2).map(lambda d: d + Decimal(0))
    found = []
    for kind in (pa.decimal128(12, 2), pa.decimal256(12, 2)):
        for scale in (2, 3):
            of = {"precision": 14, "scale": scale}
            found += [
                Leaf(kind, logical("bytes", "decimal", **of), values),
                Leaf(kind, logical("fixed", "decimal", size=9, **of), values),
            ]
    return found


HALF = st.floats(width=16, allow_nan=False) | st.just(float("nan"))
SINGLE, DOUBLE = st.floats(width=32), st.floats()

whole_seconds = st.times().map(lambda t: t.replace(microsecond=0))

NULLS = [Leaf(pa.null(), kind, st.none()) for kind in ("string", "null")]

LEAVES = [
    *NULLS,
    *numbers(),
    *spans(),
    *stamps(),
    *decimals(),
    Leaf(pa.bool_(), "boolean", st.booleans()),
    Leaf(pa.float16(), "float", HALF),
    Leaf(pa.float16(), "double", HALF),
    Leaf(pa.float32(), "float", SINGLE),
    Leaf(pa.float32(), "double", SINGLE),
    Leaf(pa.float64(), "double", DOUBLE),
    Leaf(pa.date32(), logical("int", "date"), st.dates()),
    Leaf(pa.date64(), logical("int", "date"), st.dates()),
    Leaf(pa.time32("s"), logical("int", "time-millis"), whole_seconds),
    Leaf(pa.time32("s"), logical("long", "time-micros"), whole_seconds),
    Leaf(pa.time32("ms"), logical("long", "time-micros"), whole_seconds),
    Leaf(pa.time64("us"), logical("long", "time-micros"), st.times()),
    Leaf(pa.time64("ns"), logical("long", "time-micros"), st.times()),
]


@st.composite
def slots(draw: DrawFn, depth: int) -> Slot:
    """Draw a type of at most this depth, and where its null stands."""
    shapes = ["leaf", "struct", "list", "map", "dictionary"] if depth else ["leaf"]
    shape = draw(st.sampled_from(shapes))
    pad = draw(st.sampled_from([0, 1, 9]))
    null = draw(st.sampled_from([0, 1, None]))
    found: Any = draw(st.sampled_from(LEAVES))
    if shape == "struct":
        found = Struct(tuple(draw(st.lists(slots(depth - 1), max_size=3))))
    elif shape == "list":
        kind = draw(st.sampled_from(["list_", "large_list", "fixed"]))
        found = Listed(draw(slots(depth - 1)), kind)
    elif shape == "map":
        key = pa.dictionary(pa.int8(), pa.string())
        key = draw(st.sampled_from([pa.string(), pa.large_string(), key]))
        found = Mapped(draw(slots(depth - 1)), key)
    elif shape == "dictionary":
        index = draw(st.sampled_from([pa.int16(), pa.uint16(), pa.int32(), pa.int64()]))
        inner = draw(slots(depth - 1)).of
        found = inner if inner in NULLS else Encoded(inner, index)
    if found in NULLS:
        null = None if found.written == "null" else 1
    return Slot(found, null, pad)


@dataclass(frozen=True)
class Drawn:
    """Rows, as Arrow has them and as fastavro takes them."""

    schema: Any
    rows: list[Any]
    batch: pa.RecordBatch


@st.composite
def batches(draw: DrawFn) -> Drawn:
    """Draw a batch that is a slice, of slices, of a few columns of any types."""
    root = Struct(tuple(draw(st.lists(slots(4), min_size=1, max_size=3))))
    rows = draw(st.lists(root.values, min_size=1, max_size=4))
    array = Slot(root, None, draw(st.sampled_from([0, 1]))).array(rows)
    batch = pa.RecordBatch.from_struct_array(array)
    batch.validate(full=True)
    return Drawn(root.avro("root"), rows, batch)

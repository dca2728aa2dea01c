"""The columns of the science stores, read from `ztf.columns` and `lsst.columns`."""

from dataclasses import dataclass
from importlib.resources import files

import pyarrow as pa

from simulator.arrays import Arrow

LEAVES: dict[str, Arrow] = {
    "bool": pa.bool_(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "binary": pa.binary(),
    "timestamp": pa.timestamp("ns"),
}
"""Arrow type of each word of the files; stores keep instants as INT96, read as ns."""

NESTED = ("struct", "list", "map struct")
"""Words that announce fields on the lines below; a list is one of structs."""

INDENT = 2
"""Spaces by which a field stands deeper than its struct."""


@dataclass(frozen=True)
class Column:
    """One column of a store, or one field of a struct."""

    name: str
    """As the survey spells it."""

    kind: str
    """A word of `LEAVES`, one of `NESTED`, or `map` and a word of `LEAVES`."""

    rule: str = ""
    """`= constant`, `~ low high` (uniform), `null`, or empty: it is computed."""

    flag: str = ""
    """Name of a boolean array; where that is false, the field is null."""

    fields: tuple["Column", ...] = ()
    """What a struct holds, or each struct of a list or map."""

    @property
    def type(self) -> Arrow:
        """Type in Arrow, everything nullable."""
        struct = pa.struct([(field.name, field.type) for field in self.fields])
        if self.kind == "struct":
            return struct
        if self.kind == "list":
            return pa.list_(pa.field("element", struct))
        if self.kind == "map struct":
            return pa.map_(pa.string(), struct)
        if self.kind.startswith("map "):
            return pa.map_(pa.string(), LEAVES[self.kind.removeprefix("map ")])
        return LEAVES[self.kind]


def read_columns(survey: str) -> tuple[Column, ...]:
    """Read the columns of a survey's science store, in the store's order.

    Parameters
    ----------
    survey
        `ztf` or `lsst`.
    """
    text = files("simulator").joinpath(f"{survey}.columns").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    known: dict[str, Column] = {}
    start = 0
    while start < len(lines):
        column, start = _read_column(lines, start, known)
        known[column.name] = column
    return tuple(known.values())


def arrow_schema(survey: str) -> pa.Schema:
    """Arrow schema of a survey's science store.

    Parameters
    ----------
    survey
        `ztf` or `lsst`.
    """
    return pa.schema([(column.name, column.type) for column in read_columns(survey)])


def _read_column(
    lines: list[str], start: int, known: dict[str, Column]
) -> tuple[Column, int]:
    """Read the column on a line, its fields included; say where the next one stands."""
    depth = _depth(lines[start])
    declared, _, flag = lines[start].strip().partition(" ?")
    name, _, words = declared.partition(" ")
    kind, _, model = words.partition(" like ")
    start += 1
    if kind not in NESTED:
        head, _, rule = kind.partition(" ")
        if head == "map":
            return Column(name, kind), start
        return Column(name, head, rule, flag), start
    fields = list(known[model].fields) if model else []
    while start < len(lines) and _depth(lines[start]) > depth:
        field, start = _read_column(lines, start, known)
        fields.append(field)
    return Column(name, kind, fields=tuple(fields)), start


def _depth(line: str) -> int:
    return (len(line) - len(line.lstrip())) // INDENT

"""Arrow arrays of nested columns, from what was computed and from the dull rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.arrays import Array, Arrow, Bools, Ints
from simulator.columns import Column, read_columns

Fields = dict[str, Any]
"""Name → one value a row: numpy, Arrow, a list, `Sparse`, `Ragged` or `Fields`."""


@dataclass(frozen=True)
class Sparse:
    """A struct that some rows do not have."""

    fields: Fields
    """Values of all rows; those of absent rows do not matter."""

    present: Bools
    """bool, shape (rows,): false makes the whole struct null."""


@dataclass(frozen=True)
class Ragged:
    """A list of structs, or a map, of several entries a row."""

    lengths: Ints
    """Entries of each row, shape (rows,)."""

    values: Any
    """Fields of all entries one after another; for a map of leaves, their array."""

    keys: Any = None
    """Keys of the entries, where it is a map."""


def fill_batch(
    survey: str, values: Fields, rows: int, rng: np.random.Generator
) -> pa.RecordBatch:
    """Build a batch of the store's schema.

    Parameters
    ----------
    survey
        `ztf` or `lsst`.
    values
        What was computed; columns with a rule may be left out.
    rows
        How many rows there are.
    rng
        Draws the columns that are uniform by rule.

    Raises
    ------
    KeyError
        A column without a rule was not given.
    """
    columns = read_columns(survey)
    arrays = [fill(column, values, rows, rng) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, names=[c.name for c in columns])


def fill(column: Column, values: Fields, rows: int, rng: np.random.Generator) -> Arrow:
    """Build the array of one column.

    Parameters
    ----------
    column
        What to build.
    values
        The arrays beside it, among them its own if it is computed, and its flag.
    rows
        How many rows there are.
    rng
        Draws what is uniform by rule.
    """
    given = values.get(column.name)
    if column.kind == "struct":
        return _fill_struct(column, given, rows, rng)
    if column.kind == "list":
        return _fill_list(column, given, rng)
    if column.kind.startswith("map"):
        return _fill_map(column, given, rng)
    array = _leaf(column, given, rows, rng)
    if not column.flag:
        return array
    return pc.if_else(pa.array(values[column.flag]), array, pa.scalar(None, array.type))


def _fill_struct(
    column: Column, given: Any, rows: int, rng: np.random.Generator
) -> Arrow:
    sparse = given if isinstance(given, Sparse) else Sparse(given, np.ones(rows, bool))
    return pa.StructArray.from_arrays(
        [fill(field, sparse.fields, rows, rng) for field in column.fields],
        fields=list(column.type),
        mask=pa.array(~sparse.present),
    )


def _fill_list(column: Column, given: Any, rng: np.random.Generator) -> Arrow:
    entries = int(given.lengths.sum())
    element = Column("element", "struct", fields=column.fields)
    structs = _fill_struct(element, given.values, entries, rng)
    return pa.ListArray.from_arrays(_offsets(given), structs, type=column.type)


def _fill_map(column: Column, given: Any, rng: np.random.Generator) -> Arrow:
    entries = int(given.lengths.sum())
    kind = column.kind.removeprefix("map ")
    item = Column(column.name, kind, fields=column.fields)
    items = fill(item, {column.name: given.values}, entries, rng)
    keys = pa.array(given.keys, pa.string())
    return pa.MapArray.from_arrays(_offsets(given), keys, items).cast(column.type)


def _offsets(given: Ragged) -> Arrow:
    return pa.array(np.concatenate([[0], np.cumsum(given.lengths)]), pa.int32())


def _leaf(column: Column, given: Any, rows: int, rng: np.random.Generator) -> Arrow:
    dtype = column.type
    if given is None:
        given = _from_rule(column, rows, rng)
    if isinstance(given, pa.Array):
        return given.cast(dtype)
    if isinstance(given, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(given)
        return pa.array(given.data, mask=mask).cast(dtype, safe=False)
    if isinstance(given, np.ndarray):
        return pa.array(given).cast(dtype, safe=False)
    return pa.array(given, dtype)


def _from_rule(column: Column, rows: int, rng: np.random.Generator) -> Arrow:
    sign, _, words = column.rule.partition(" ")
    if sign == "null":
        return pa.nulls(rows, column.type)
    if sign == "=":
        return pa.repeat(_constant(column, words), rows)
    if sign == "~":
        return _uniform(column, words.split(), rows, rng)
    raise KeyError(column.name)


def _constant(column: Column, word: str) -> Arrow:
    if column.kind == "bool":
        return pa.scalar(word == "true")
    return pa.scalar(word, pa.string()).cast(column.type)


def _uniform(
    column: Column, bounds: Sequence[str], rows: int, rng: np.random.Generator
) -> Array:
    if column.kind.startswith("int"):
        return rng.integers(int(bounds[0]), int(bounds[1]) + 1, rows)
    return rng.uniform(float(bounds[0]), float(bounds[1]), rows)

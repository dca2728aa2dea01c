"""Columns of the science store by the flat names that filters give them."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from nightmail._errors import ColumnError

__all__ = [
    "Array",
    "Path",
    "change_values",
    "flat_columns",
    "is_list",
    "leaf_type",
    "narrow",
    "pick",
    "resolve",
    "resolve_all",
]

SCHEMAS = 64
"""Schemas whose names are remembered: a night has few, and asks for them often."""

Path = tuple[str, ...]
"""Names of the nested fields from the top to a leaf, lists not counted."""


Array: TypeAlias = Any
"""A pyarrow array, of which the stubs know too little where it is nested."""


@lru_cache(maxsize=SCHEMAS)
def flat_columns(schema: pa.Schema) -> Mapping[str, Sequence[Path]]:
    """Name every column that a filter can ask for.

    Parameters
    ----------
    schema
        Schema of the store's file, nested as the survey has it.

    Returns
    -------
    mapping
        For each flat name the leaves that it fits: one, or more where the name is
        ambiguous. Groups of columns and maps have no name.
    """
    found: dict[str, list[Path]] = {}
    for field in schema:
        for path, kind in _leaves(field.type, (field.name,)):
            if not pat.is_map(kind):
                found.setdefault("_".join(path), []).append(path)
    return MappingProxyType(found)


def resolve(schema: pa.Schema, name: str) -> Path:
    """Find the one column that has a flat name.

    Parameters
    ----------
    schema
        Schema of the store's file.
    name
        Nested names joined by `_`, as `candidate_magpsf`.

    Returns
    -------
    tuple of str
        Path of the leaf, as `("candidate", "magpsf")`.

    Raises
    ------
    ColumnError
        No column has the name, more than one has, or what has it is no column.
    """
    return resolve_all(schema, [name])[name]


def resolve_all(schema: pa.Schema, names: Iterable[str]) -> dict[str, Path]:
    """Find the columns that have some flat names.

    Parameters
    ----------
    schema
        Schema of the store's file.
    names
        Flat names.

    Returns
    -------
    dict
        Path of the leaf of each name, in their order.

    Raises
    ------
    ColumnError
        As `resolve` does.
    """
    known = flat_columns(schema)
    found = {}
    for name in names:
        paths = known.get(name, [])
        if len(paths) > 1:
            both = " and ".join(".".join(path) for path in paths)
            raise ColumnError(f"The name {name} fits {both}: none of them is taken.")
        if not paths:
            raise ColumnError(_why_missing(schema, name, list(known)))
        found[name] = paths[0]
    return found


def pick(array: Array, path: Path) -> Array:
    """Take one leaf out of a nested column.

    Parameters
    ----------
    array
        A column, in one piece or chunked, shape (n,).
    path
        Names below it; empty takes the column itself.

    Returns
    -------
    pyarrow.Array
        Shape (n,). The leaf of a null structure is null; the leaf of a list of
        structures is a list.
    """
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if not path:
        return array
    if is_list(array.type):
        return change_values(array, lambda values: pick(values, path))
    return pick(pc.struct_field(array, path[0]), path[1:])


def change_values(array: Array, change: Callable[[Array], Array]) -> Array:
    """Change what lists hold, and keep their lengths and nulls.

    Parameters
    ----------
    array
        Lists, shape (n,).
    change
        Takes all values of all lists, answers as many.
    """
    # A slice keeps the values of the whole list, and from_arrays takes no sliced mask.
    offsets = array.offsets.to_numpy()
    values = array.values.slice(offsets[0], offsets[-1] - offsets[0])
    return type(array).from_arrays(
        pa.array(offsets - offsets[0], array.offsets.type),
        change(values),
        mask=pc.is_null(array) if array.null_count else None,
    )


def is_list(kind: pa.DataType) -> bool:
    """Tell whether a column of this type is a history."""
    return pat.is_list(kind) or pat.is_large_list(kind)


def leaf_type(schema: pa.Schema, path: Path) -> pa.DataType:
    """Type that `pick` gives a leaf: that of the field, or a list of it."""
    kind: Any = schema.field(path[0]).type
    lists = 0
    for name in (*path[1:], None):
        while is_list(kind):
            kind, lists = kind.value_type, lists + 1
        kind = kind if name is None else kind.field(name).type
    for _ in range(lists):
        kind = pa.list_(kind)
    return cast("pa.DataType", kind)


def narrow(alerts: pa.RecordBatch | pa.Table, names: Sequence[str]) -> pa.RecordBatch:
    """Make the flat batch that filters read.

    Parameters
    ----------
    alerts
        Alerts as the store has them, nested; a batch that is flat already will do.
    names
        Flat names of the columns to take.

    Returns
    -------
    pyarrow.RecordBatch
        The columns under their flat names, in the order of `names`.

    Raises
    ------
    ColumnError
        A name fits no column, or more than one.
    """
    paths = resolve_all(alerts.schema, names)
    arrays = [pick(alerts.column(path[0]), path[1:]) for path in paths.values()]
    return pa.RecordBatch.from_arrays(arrays, names=list(paths))


def _leaves(kind: Any, path: Path) -> Iterator[tuple[Path, pa.DataType]]:
    while is_list(kind):
        kind = kind.value_type
    if not pat.is_struct(kind):
        yield path, kind
        return
    for field in kind:
        yield from _leaves(field.type, (*path, field.name))


def _why_missing(schema: pa.Schema, name: str, known: list[str]) -> str:
    inside = [leaf for leaf in known if leaf.startswith(f"{name}_")]
    if inside:
        return f"{name} is a group of columns: name one of them, as {inside[0]}."
    if any(name == "_".join(path) for path in _maps(schema)):
        return f"{name} is a map, and maps cannot be read by filters."
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    near += [leaf for leaf in known if leaf.endswith(f"_{name}") and leaf not in near]
    hint = f"the nearest are {', '.join(near[:5])}" if near else "none is like it"
    return f"There is no column {name}: {hint}."


def _maps(schema: pa.Schema) -> Iterator[Path]:
    for field in schema:
        for path, kind in _leaves(field.type, (field.name,)):
            if pat.is_map(kind):
                yield path

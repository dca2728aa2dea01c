"""Which parts of a record are read: columns named by their paths."""

import difflib
from collections.abc import Iterator, Sequence

from nightmail._errors import ColumnError
from nightmail.avro.layout import Kind, Node, walk

__all__ = ["choose"]

_LISTS = (Kind.ARRAY, Kind.MAP)


def choose(root: Node, columns: Sequence[str] | None) -> frozenset[str]:
    """Find the nodes that must be read so that some columns are there.

    Parameters
    ----------
    root
        Layout of a record.
    columns
        Names from the outermost record down, joined by dots, lists and maps passed
        over: `candid`, `candidate.ra`, `prv_candidates.magpsf`. All if None.

    Returns
    -------
    frozenset of str
        Paths as the layout has them: the columns, all below them and all above.

    Raises
    ------
    ColumnError
        A name fits nothing, or a text stands where names should.
    """
    if columns is None:
        return frozenset(node.path for node in walk(root))
    if isinstance(columns, str):
        raise ColumnError(f"Columns are a list of names, not the text {columns!r}.")
    known = dict(_names(root, ""))
    for name in columns:
        if name not in known:
            raise ColumnError(_why_missing(name, list(known)))
    chosen = {node.path for name in columns for node in walk(known[name])}
    return frozenset(_with_parents(root, chosen))


def _names(node: Node, prefix: str) -> Iterator[tuple[str, Node]]:
    for child in node.children:
        name = prefix if node.kind in _LISTS else f"{prefix}.{child.name}".strip(".")
        if node.kind not in _LISTS:
            yield name, child
        yield from _names(child, name)


def _with_parents(node: Node, chosen: set[str]) -> set[str]:
    below = {p for child in node.children for p in _with_parents(child, chosen)}
    if not below and node.path not in chosen:
        return below
    keys = {child.path for child in node.children} if node.kind is Kind.MAP else set()
    return below | keys | {node.path}


def _why_missing(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"; the nearest are {', '.join(near)}" if near else ""
    return f"There is no column {name} in the schema{hint}."

"""The layout of Avro values: what follows what, as a tree read from their schema."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from nightmail._errors import SchemaError

__all__ = ["Kind", "Node", "read_layout", "walk"]


class Kind(IntEnum):
    """What a value of a node is in Avro; the kernels branch on these numbers."""

    NULL = 0
    RECORD = 1
    BOOLEAN = 2
    INT = 3
    LONG = 4
    FLOAT = 5
    DOUBLE = 6
    STRING = 7
    BYTES = 8
    ARRAY = 9
    MAP = 10
    FIXED = 11
    ENUM = 12


_PRIMITIVES = {
    kind.name.lower(): kind
    for kind in (
        Kind.NULL,
        Kind.BOOLEAN,
        Kind.INT,
        Kind.LONG,
        Kind.FLOAT,
        Kind.DOUBLE,
        Kind.STRING,
        Kind.BYTES,
    )
}

_NAMED = {"record": Kind.RECORD, "error": Kind.RECORD, "fixed": Kind.FIXED}
_NAMED["enum"] = Kind.ENUM

_NULLABLE_LENGTH = 2
"""Branches of a union that is one type or null."""


@dataclass(frozen=True, slots=True)
class Node:
    """One place in the layout of a value, with what lies below it."""

    kind: Kind
    name: str
    """Of the field; `item`, `key` or `value` below an array or a map."""

    path: str
    """Names from the outermost record down, joined by dots, for messages."""

    avro: Any = field(compare=False, repr=False)
    """The Avro type itself, without the union around it."""

    null_tag: int = -1
    """Which branch of its union is null; -1 where null is not allowed."""

    value_tag: int = -1
    """Which branch of its union the value is; -1 where there is no union."""

    children: tuple["Node", ...] = ()
    """Fields of a record; the item of an array; key and value of a map."""

    size: int = 0
    """Length of a fixed [byte]."""

    symbols: tuple[str, ...] = ()
    """Of an enum."""

    logical: str | None = None
    """Avro's logical type, such as `timestamp-micros`."""


def read_layout(schema: Any) -> Node:
    """Read the layout of values of a schema, its named types resolved.

    Parameters
    ----------
    schema
        Avro schema as JSON gives it: any type of Avro 1.12 without recursion; a union
        is of one type, or of one type and null.

    Raises
    ------
    SchemaError
        A union has several types, a type contains itself, or is not known.
    """
    return _Reader().read(schema, "", "", "")


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, each before its children."""
    yield node
    for child in node.children:
        yield from walk(child)


class _Reader:
    """Reads types, and remembers those that have a name."""

    def __init__(self) -> None:
        self._named: dict[str, Any] = {}
        self._open: list[str] = []

    def read(self, avro: Any, name: str, path: str, namespace: str) -> Node:
        if isinstance(avro, list):
            return self._union(avro, name, path, namespace)
        return self._node(avro, name, path, namespace, {})

    def _union(self, branches: list[Any], name: str, path: str, namespace: str) -> Node:
        types = [(tag, b) for tag, b in enumerate(branches) if b != "null"]
        nulls = [tag for tag, b in enumerate(branches) if b == "null"]
        if len(types) != 1 or len(branches) > _NULLABLE_LENGTH:
            raise SchemaError(
                f"{path or 'The value'} is a union of {len(branches)} types; only one"
                " type, or one type and null, can be read by columns."
            )
        tag, avro = types[0]
        tags = {"value_tag": tag, "null_tag": nulls[0] if nulls else -1}
        return self._node(avro, name, path, namespace, tags)

    def _node(  # noqa: PLR0911 - a case each
        self, avro: Any, name: str, path: str, namespace: str, tags: Mapping[str, Any]
    ) -> Node:
        if isinstance(avro, str):
            if (primitive := _PRIMITIVES.get(avro)) is not None:
                return Node(primitive, name, path, avro, **tags)
            return self._known(avro, name, path, namespace, tags)
        kind = avro["type"]
        if isinstance(kind, list):
            return self._union(kind, name, path, namespace)
        if isinstance(kind, dict):
            return self._node(kind, name, path, namespace, tags)
        logical = avro.get("logicalType")
        if (primitive := _PRIMITIVES.get(kind)) is not None:
            return Node(primitive, name, path, avro, logical=logical, **tags)
        if kind == "array":
            item = self.read(avro["items"], "item", f"{path}.item", namespace)
            return Node(Kind.ARRAY, name, path, avro, children=(item,), **tags)
        if kind == "map":
            key = Node(Kind.STRING, "key", f"{path}.key", "string")
            value = self.read(avro["values"], "value", f"{path}.value", namespace)
            return Node(Kind.MAP, name, path, avro, children=(key, value), **tags)
        if kind in _NAMED:
            return self._define(avro, name, path, namespace, tags)
        return self._known(kind, name, path, namespace, tags)

    def _define(
        self, avro: Any, name: str, path: str, namespace: str, tags: Mapping[str, Any]
    ) -> Node:
        full = _full_name(avro["name"], avro.get("namespace", namespace))
        self._named[full] = avro
        kind = _NAMED[avro["type"]]
        children: tuple[Node, ...] = ()
        if kind is Kind.RECORD:
            if full in self._open:
                raise SchemaError(f"{path}: the type {full} contains itself.")
            self._open.append(full)
            inner = full.rpartition(".")[0]
            children = tuple(
                self.read(f["type"], f["name"], f"{path}.{f['name']}".strip("."), inner)
                for f in avro["fields"]
            )
            self._open.pop()
        return Node(
            kind,
            name,
            path,
            avro,
            children=children,
            size=avro.get("size", 0),
            symbols=tuple(avro.get("symbols", ())),
            logical=avro.get("logicalType"),
            **tags,
        )

    def _known(
        self, kind: str, name: str, path: str, namespace: str, tags: Mapping[str, Any]
    ) -> Node:
        full = _full_name(kind, namespace)
        avro = self._named.get(full) or self._named.get(kind)
        if avro is None:
            raise SchemaError(f"{path or 'The value'}: there is no Avro type {kind}.")
        return self._define(avro, name, path, namespace, tags)


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"

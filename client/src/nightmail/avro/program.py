"""The steps by which the decoder's kernel reads values of one schema."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import numpy.typing as npt

from nightmail._errors import SchemaError
from nightmail.avro.kernels import steps
from nightmail.avro.layout import Kind, Node, walk

__all__ = ["Part", "Program", "Slot", "compile_program", "decimal_size"]

_MOST_DIGITS = 38
"""Of a decimal of 16 bytes."""

_MOST_FIXED = 1_000_000
"""Longest fixed [byte]: where it is null it takes as much memory, for one of Avro."""

_READ = {
    Kind.NULL: steps.NULL,
    Kind.BOOLEAN: steps.BOOLEAN,
    Kind.INT: steps.INT,
    Kind.LONG: steps.LONG,
    Kind.FLOAT: steps.FLOAT,
    Kind.DOUBLE: steps.DOUBLE,
    Kind.STRING: steps.TEXT,
    Kind.BYTES: steps.BYTES,
    Kind.FIXED: steps.FIXED,
    Kind.ENUM: steps.ENUM,
}

_BITS = {
    steps.BOOLEAN: 1,
    steps.INT: 32,
    steps.LONG: 64,
    steps.FLOAT: 32,
    steps.DOUBLE: 64,
    steps.TEXT: 32,
    steps.BYTES: 32,
    steps.ENUM: 32,
    steps.LIST: 32,
    steps.NULL: 0,
    steps.DECIMAL: 128,
}
"""Of a value, an index or an offset."""

_LEAST = {Kind.NULL: 0, Kind.FLOAT: 4, Kind.DOUBLE: 8}
"""Fewest bytes of a value; of what is not here, one."""

_CONSTANT = {Kind.NULL: 0, Kind.BOOLEAN: 1, Kind.FLOAT: 4, Kind.DOUBLE: 8}


@dataclass(slots=True)
class Part:
    """Buffers that are filled together: those of one level, or the bytes of a text.

    A level is what no list separates; all its arrays are equally long.
    """

    step: int
    """Number of the step of the list or the text; -1 on the outermost level."""

    least: int
    """Fewest bytes of Avro that an item takes."""

    parent: int
    """Number of the part in which the offsets of that step are; -1 for none."""

    place: int
    """Which buffer of that part they are."""

    steps: list[int] = field(default_factory=list)
    """Of each buffer: the step that writes it."""

    words: list[int] = field(default_factory=list)
    """Of each buffer: the word of that step that holds its address."""

    bits: list[int] = field(default_factory=list)
    """Of each buffer: width of an item [bit]."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One Arrow array that is filled; a buffer that it has not is -1."""

    node: Node

    part: int
    """Number of the level whose length it has."""

    valid: int = -1
    """Which buffer of the level is its validity bitmap."""

    values: int = -1
    """Which buffer of the level are its values, indices or offsets."""

    below: int = -1
    """Number of the part that its offsets count."""

    children: tuple["Slot", ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """What the kernel needs to know of a schema."""

    steps: npt.NDArray[np.int64]
    """Shape (n, 8): addresses are still missing."""

    nodes: tuple[Node, ...]
    """Of each step: what it reads, for messages."""

    root: Slot

    parts: tuple[Part, ...]
    """Each after its parent."""

    depth: int
    """How many lists lie within each other."""


def compile_program(root: Node, wanted: Container[str]) -> Program:
    """Make the steps that read some parts of a record, and walk over all others.

    Parameters
    ----------
    root
        Layout of a record.
    wanted
        Paths of the nodes to read, as the layout has them. Of a record, a list or a map
        that is not wanted itself, what is wanted below is read.

    Raises
    ------
    SchemaError
        A fixed is of more than a million bytes.
    """
    for node in walk(root):
        if not 0 <= node.size <= _MOST_FIXED:
            raise SchemaError(
                f"{node.path}: a fixed of {node.size} bytes cannot be read by columns;"
                f" at most {_MOST_FIXED} can."
            )
    return _Compiler(wanted).finish(root)


def decimal_size(node: Node) -> int | None:
    """Length of a decimal [byte], -1 where each says its own; None for another type."""
    if node.logical != "decimal" or node.kind not in (Kind.BYTES, Kind.FIXED):
        return None
    digits, scale = node.avro.get("precision"), node.avro.get("scale", 0)
    if not (isinstance(digits, int) and isinstance(scale, int)):
        return None
    if not (1 <= digits <= _MOST_DIGITS and 0 <= scale <= digits):
        return None
    return -1 if node.kind is Kind.BYTES else node.size


class _Compiler:
    """Appends steps, and remembers what fills which buffer."""

    def __init__(self, wanted: Container[str]) -> None:
        self._wanted = wanted
        self._steps: list[list[int]] = []
        self._nodes: list[Node] = []
        self._parts: list[Part] = []
        self._lists = 0
        self._depth = 0

    def finish(self, root: Node) -> Program:
        outermost = self._part(-1, _least(root), -1, -1)
        slot = self._record(root, outermost)
        self._add(root, steps.END, tagged=False)
        return Program(
            np.array(self._steps, np.int64),
            tuple(self._nodes),
            slot,
            tuple(self._parts),
            self._depth,
        )

    def _record(self, node: Node, part: int) -> Slot:
        step = self._add(node, steps.RECORD) if node.value_tag >= 0 else -1
        valid = self._validity(node, part, step)
        children = self._fields(node, part)
        self._close(step)
        return Slot(node, part, valid, children=children)

    def _fields(self, node: Node, part: int) -> tuple[Slot, ...]:
        found = []
        for wanted, run in groupby(node.children, self._is_wanted):
            if wanted:
                found += [self._read(child, part) for child in run]
            else:
                self._skip_all(list(run))
        return tuple(found)

    def _is_wanted(self, node: Node) -> bool:
        return node.path in self._wanted

    def _read(self, node: Node, part: int) -> Slot:
        if node.kind is Kind.RECORD:
            return self._record(node, part)
        if node.kind in (Kind.ARRAY, Kind.MAP):
            return self._list(node, part)
        if decimal_size(node) is not None:
            return self._decimal(node, part)
        code = _READ[node.kind]
        step = self._add(node, code, size=node.size or len(node.symbols))
        valid = self._validity(node, part, step)
        bits = _BITS.get(code, 8 * node.size)
        values = self._buffer(part, step, steps.VALUES, bits)
        below = -1
        if code in (steps.TEXT, steps.BYTES):
            below = self._part(step, 1, part, values)
            self._buffer(below, step, steps.DATA, 8)
        return Slot(node, part, valid, values, below)

    def _decimal(self, node: Node, part: int) -> Slot:
        size = decimal_size(node) or 0
        step = self._add(node, steps.DECIMAL, size=size)
        end = 10 ** node.avro["precision"]
        low = end % 2**64
        self._steps[step][steps.DATA] = end >> 64
        self._steps[step][steps.ROOM] = low - 2**64 * (low >> 63)
        valid = self._validity(node, part, step)
        values = self._buffer(part, step, steps.VALUES, _BITS[steps.DECIMAL])
        return Slot(node, part, valid, values)

    def _list(self, node: Node, part: int) -> Slot:
        least = sum(map(_least, node.children))
        step = self._add(node, steps.LIST, size=int(not least), data=least)
        valid = self._validity(node, part, step)
        values = self._buffer(part, step, steps.VALUES, _BITS[steps.LIST])
        below = self._part(step, least, part, values)
        self._enter()
        children = tuple(self._read(child, below) for child in node.children)
        self._leave(node, step)
        return Slot(node, part, valid, values, below, children)

    def _skip_all(self, nodes: Sequence[Node]) -> None:
        """Skip values that follow each other, those of constant length at once."""
        for is_constant, run in groupby(nodes, lambda n: _constant(n) is not None):
            together = list(run)
            if is_constant:
                size = sum(_constant(node) or 0 for node in together)
                self._add(together[0], steps.SKIP_FIXED, size=size)
            else:
                for node in together:
                    self._skip(node)

    def _skip(self, node: Node) -> None:
        if node.kind is Kind.RECORD:
            step = self._add(node, steps.RECORD) if node.value_tag >= 0 else -1
            self._skip_all(node.children)
            self._close(step)
        elif node.kind in (Kind.ARRAY, Kind.MAP):
            self._skip_list(node)
        elif node.kind in (Kind.STRING, Kind.BYTES):
            self._add(node, steps.SKIP_BYTES)
        elif node.kind in (Kind.INT, Kind.LONG, Kind.ENUM):
            self._add(node, steps.SKIP_NUMBER)
        else:
            self._add(node, steps.SKIP_FIXED, size=_length(node) or 0)

    def _skip_list(self, node: Node) -> None:
        is_constant = None not in map(_constant, node.children)
        least = sum(map(_least, node.children))
        step = self._add(node, steps.LIST, size=int(is_constant), data=least)
        self._enter()
        self._skip_all(node.children)
        self._leave(node, step)

    def _enter(self) -> None:
        self._lists += 1
        self._depth = max(self._depth, self._lists)

    def _leave(self, node: Node, step: int) -> None:
        self._add(node, steps.ITEM, tagged=False)
        self._lists -= 1
        self._close(step)

    def _add(
        self,
        node: Node,
        code: int,
        *,
        size: int = 0,
        data: int = 0,
        tagged: bool = True,
    ) -> int:
        words = [0] * (steps.STEP // steps.WORD)
        words[steps.CODE] = code
        words[steps.TAGS] = _tags(node) if tagged else -1
        words[steps.DATA] = data
        words[steps.SIZE] = size
        self._steps.append(words)
        self._nodes.append(node)
        self._close(len(self._steps) - 1)
        return len(self._steps) - 1

    def _close(self, step: int) -> None:
        """Let the step after the last one be where a null of this step leads."""
        if step >= 0:
            self._steps[step][steps.NEXT] = len(self._steps) * steps.STEP

    def _validity(self, node: Node, part: int, step: int) -> int:
        nullable = node.null_tag >= 0
        return self._buffer(part, step, steps.VALID, 1) if nullable else -1

    def _buffer(self, number: int, step: int, word: int, bits: int) -> int:
        """Add a buffer to a part; one without width is none."""
        if not bits:
            return -1
        part = self._parts[number]
        part.steps.append(step)
        part.words.append(word)
        part.bits.append(bits)
        return len(part.bits) - 1

    def _part(self, step: int, least: int, parent: int, place: int) -> int:
        self._parts.append(Part(step, least, parent, place))
        return len(self._parts) - 1


def _tags(node: Node) -> int:
    if node.value_tag < 0:
        return -1
    null = 2 * node.null_tag if node.null_tag >= 0 else 256
    return 2 * node.value_tag + 256 * null


def _least(node: Node) -> int:
    """Fewest bytes that a value can have."""
    if node.null_tag >= 0:
        return 1
    tag = int(node.value_tag >= 0)
    if node.kind is Kind.RECORD:
        return tag + sum(map(_least, node.children))
    return tag + (node.size if node.kind is Kind.FIXED else _LEAST.get(node.kind, 1))


def _constant(node: Node) -> int | None:
    """Length of every value [byte]; None where they differ, or where one is a union."""
    if node.value_tag >= 0:
        return None
    if node.kind is not Kind.RECORD:
        return _length(node)
    lengths = [_constant(child) for child in node.children]
    return None if None in lengths else sum(length or 0 for length in lengths)


def _length(node: Node) -> int | None:
    return node.size if node.kind is Kind.FIXED else _CONSTANT.get(node.kind)

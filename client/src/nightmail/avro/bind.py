"""A batch bound to the slots of the encoder's kernel.

Importing this loads numba, and the kernels from their cache.
"""

import ctypes
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nightmail.avro.kernels import encode
from nightmail.avro.kernels import slots as kernel
from nightmail.avro.layout import Node
from nightmail.avro.match import DICTIONARY_CHILD, Form, match
from nightmail.avro.splice import Values, parse, spell

__all__ = ["Bound", "Plan"]

_WORD = 8
_WORDS = kernel.SLOT // _WORD

_ELSEWHERE = -2
"""Number of a child that the kernel is not to bind."""

_NO_NULL = 1
"""Tag of null where there is none; those of a union are even."""

_BITS = np.array([0, 255], np.uint8)
"""Validity of an array that says nothing of it: all null, none null."""

_REASONS = {
    encode.NULL: "it is null, and its Avro type has no null",
    encode.RANGE: "its value is out of the Avro type's range",
    encode.NOT_UTF8: "its text is not UTF-8",
    encode.TWICE: "the map has a key twice",
    encode.NO_SYMBOL: "its value is no symbol of the enum",
    encode.NO_BYTES: "its value does not fit the Avro type",
}

_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


@dataclass(frozen=True, slots=True)
class _Place:
    """One slot: what is written there, of what, and whose child it is."""

    node: Node
    kind: Any
    above: int = 0
    which: int = 0


class Bound:
    """The slots of a batch, and what keeps their addresses valid."""

    def __init__(
        self, plan: "Plan", slots: npt.NDArray[np.int64], *keep: object
    ) -> None:
        self._plan, self._slots, self._keep = plan, slots, keep
        self._fault = np.zeros(2, np.int64)

    def most_bytes(self, start: int, stop: int) -> int:
        """Bound the length of some rows, slack included [byte]."""
        address = self._slots.ctypes.data
        most: int = kernel.most_bytes(address, address + kernel.SLOT, start, stop)
        return most + encode.SLACK

    def put_rows(
        self,
        buffer: npt.NDArray[np.uint8],
        used: int,
        offsets: npt.NDArray[np.int64],
        start: int,
    ) -> int | None:
        """Write as many rows as there are offsets, and give that which was refused.

        Parameters
        ----------
        buffer
            Where they go, with room for `most_bytes` from `used` on.
        used
            Place in the buffer of the first of them [byte].
        offsets
            To be filled: the place in the buffer behind each row [byte].
        start
            First row.
        """
        ended = encode.put_rows(
            buffer.ctypes.data,
            used,
            offsets.ctypes.data,
            self._slots.ctypes.data,
            start,
            start + len(offsets),
            self._fault.ctypes.data,
        )
        return int(ended) if self._fault[0] else None

    def fault(self) -> str:
        """Tell which value was refused, by its path, and why."""
        reason, address = self._fault.tolist()
        number = (address - self._slots.ctypes.data) // kernel.SLOT
        return f"{self._plan.path(number)} cannot be encoded: {_REASONS[reason]}"


class Plan:
    """How batches of one Arrow schema become rows of one Avro schema.

    Parameters
    ----------
    root
        Layout of a row: a record, its fields found by name among the columns.
    columns
        Types of the batches.

    Raises
    ------
    SchemaError
        See `match`.
    """

    def __init__(self, root: Node, columns: pa.Schema) -> None:
        self._places = [_Place(root, pa.struct(list(columns)))]
        self._symbols: list[npt.NDArray[Any]] = []
        self._spliced: dict[int, Any] = {}
        rows = []
        for number, place in enumerate(self._places):
            form = match(place.node, place.kind)
            rows.append(self._row(place.node, form))
            if form.spliced:
                self._spliced[number] = parse(place.node)
            # The loop reaches these too: breadth first, so that fields are neighbours.
            for child, kind, which in form.below:
                self._places.append(_Place(child, kind, number, which))
        self._slots = np.array(rows, np.int64)
        self._sources = np.array([(p.above, p.which) for p in self._places], np.int64)
        self._sources[list(self._spliced), 1] = _ELSEWHERE

    def bind(self, batch: pa.RecordBatch) -> Bound:
        """Bind the columns of a batch."""
        interface: Any = batch.__arrow_c_array__
        _, capsule = interface()
        slots = self._slots.copy()
        kernel.bind(
            slots.ctypes.data,
            self._sources.ctypes.data,
            len(slots),
            _pointer(capsule, b"arrow_array"),
            _BITS.ctypes.data,
        )
        spelled = [self._splice(slots, batch, number) for number in self._spliced]
        return Bound(self, slots, capsule, spelled)

    def path(self, number: int) -> str:
        """Names from a row down to what is at a slot, joined by dots."""
        return self._places[number].node.path

    def _row(self, node: Node, form: Form) -> list[int]:
        words = dict.fromkeys(range(_WORDS), 0)
        null = 2 * node.null_tag if node.null_tag >= 0 else _NO_NULL
        tag_bytes = int(node.value_tag >= 0)
        value = 2 * node.value_tag if tag_bytes else 0
        found = {
            kernel.OPERATION: form.operation,
            kernel.TAGS: null | value << 8 | tag_bytes << 16,
            kernel.FIRST: len(self._places),
            kernel.STOP: len(self._places) + len(form.below),
            kernel.LAYOUT: form.layout,
            kernel.FORM: form.form,
            kernel.SIZE: form.size,
            kernel.LOW: form.low,
            kernel.HIGH: form.high,
        }
        if node.symbols:
            found |= self._keep_symbols(node.symbols)
        words |= {place // _WORD: word for place, word in found.items()}
        return list(words.values())

    def _keep_symbols(self, symbols: tuple[str, ...]) -> dict[int, int]:
        texts = [symbol.encode() for symbol in symbols]
        ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        letters = np.frombuffer(b"".join(texts), np.uint8)
        self._symbols += [ends, letters]
        return {kernel.LOW: ends.ctypes.data, kernel.HIGH: letters.ctypes.data}

    def _splice(
        self, slots: npt.NDArray[np.int64], batch: pa.RecordBatch, number: int
    ) -> Any:
        """Have values encoded by fastavro, and bind the slot to them."""
        found = self._values(slots, batch, number)
        spelled = spell(self._spliced[number], found.array)
        validity, offsets, data = cast("list[Any]", spelled.buffers())
        slot = slots[number]
        slot[kernel.OFFSET // _WORD] = -found.first
        slot[kernel.OFFSETS // _WORD] = offsets.address
        slot[kernel.DATA // _WORD] = 0 if data is None else data.address
        if validity is not None:
            slot[kernel.VALIDITY // _WORD] = validity.address
            slot[kernel.MASK // _WORD] = -1
        return spelled

    def _values(
        self, slots: npt.NDArray[np.int64], batch: pa.RecordBatch, number: int
    ) -> Values:
        """Find the array of a slot, from the columns down."""
        place = self._places[number]
        if place.above == 0:
            return Values(batch.column(place.which), 0)
        above = self._values(slots, batch, place.above)
        if place.which == DICTIONARY_CHILD:
            return above.dictionary()
        if slots[place.above, kernel.OPERATION // _WORD] != kernel.RECORD:
            return above.items(place.which)
        return above.field(place.which, int(slots[place.above, kernel.OFFSET // _WORD]))

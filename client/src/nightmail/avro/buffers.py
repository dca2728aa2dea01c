"""Memory for decoded columns, used again as soon as nobody holds it."""

import weakref
from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nightmail.avro.kernels import steps
from nightmail.avro.program import Part, Program

__all__ = ["Buffers", "Filled", "Shelf"]

Bytes = npt.NDArray[np.uint8]

_ALIGNMENT = 64
"""Of each buffer, as Arrow advises [byte]."""

_SPARE = 1.25
"""How much more room is asked for than was needed last time."""

_FREE = 2
"""How many pieces of memory wait to be used again: one is filled, one is held."""

_MUCH = 1 << 20
"""Memory so much larger than asked for, and four times so, is given back [byte]."""

_LEAP = 1 << 26
"""Most memory that is taken because of a guess alone [byte]."""

_MOST_ITEMS = 2**31 - 1
"""Most that an offset of four bytes can count."""

_OFFSET = 4
"""Length of an offset [byte]."""


class Shelf:
    """Memory for one part of every batch, and how much of it was filled last.

    What is lent comes back when the last Arrow array over it is gone, in whatever
    thread that is; what somebody holds is never written again.
    """

    def __init__(self) -> None:
        self.items, self.rows = 0, 1
        self._free: deque[Bytes] = deque(maxlen=_FREE)

    def take(self, size: int) -> Bytes:
        """Take memory of at least this size [byte]."""
        try:
            memory = self._free.pop()
        except IndexError:
            return _aligned(size)
        is_fit = size <= len(memory) <= 4 * size + _MUCH
        return memory if is_fit else _aligned(size)

    def put(self, memory: Bytes) -> None:
        """Give back memory that nobody else has seen."""
        self._free.append(memory)

    def lend(self, memory: Bytes) -> pa.Buffer:
        """Hand memory to Arrow."""
        lent: Any = memory[:]
        lent.flags.writeable = False
        weakref.finalize(lent, self._free.append, memory).atexit = False
        return pa.py_buffer(lent)


class Buffers:
    """What one call fills.

    Parameters
    ----------
    program
        Whose steps write there.
    shelves
        Where the memory of each part comes from.
    rows
        How many rows there are.
    size
        How long they are together [byte].
    """

    def __init__(
        self, program: Program, shelves: Sequence[Shelf], rows: int, size: int
    ) -> None:
        self.steps = program.steps.copy()
        self._rows = rows
        self._pieces = [
            _Piece(part, shelf, rows, size)
            for part, shelf in zip(program.parts, shelves, strict=True)
        ]
        for piece in self._pieces:
            piece.place(self.steps)
            if piece.part.parent >= 0:
                self._pieces[piece.part.parent].write_offset(piece.part.place, 0)

    def grow(self, step: int, wanted: int, good: int, limits: tuple[int, int]) -> bool:
        """Make room where a step found none.

        Parameters
        ----------
        step
            Number of the step.
        wanted
            How many items, or bytes of text, it needs.
        good
            How many rows are filled; those to come are taken to be like them.
        limits
            How much one row may add to a part, and all of them may take there [byte].

        Returns
        -------
        bool
            False if it would be more; then nothing is changed.
        """
        part = next(k for k, p in enumerate(self._pieces) if p.part.step == step)
        piece = self._pieces[part]
        of_row, of_all = limits
        added = wanted - self._count(part, good)
        if piece.size(added) > of_row or piece.size(wanted) > of_all:
            return False
        piece.grow(wanted, good + 1, self._rows, of_all)
        piece.place(self.steps)
        return True

    def lend(self, good: int) -> "Filled":
        """Hand the first rows to Arrow."""
        counts = [self._count(part, good) for part in range(len(self._pieces))]
        lent = [p.lend(n, good) for p, n in zip(self._pieces, counts, strict=True)]
        return Filled(counts, lent, [piece.starts for piece in self._pieces])

    def _count(self, part: int, good: int) -> int:
        found = self._pieces[part].part
        if found.parent < 0:
            return good
        index = self._count(found.parent, good)
        return self._pieces[found.parent].read_offset(found.place, index)


class Filled:
    """Filled buffers, in Arrow's hands.

    Parameters
    ----------
    counts
        How many items each part has.
    lent
        Memory of each part.
    starts
        For each part, where its buffers begin [byte].
    """

    def __init__(
        self, counts: list[int], lent: list[pa.Buffer], starts: list[list[int]]
    ) -> None:
        self.counts = counts
        self._lent = lent
        self._starts = starts

    def buffer(self, part: int, place: int, size: int) -> pa.Buffer | None:
        """Cut out a buffer of this size [byte]; None where there is none."""
        if place < 0:
            return None
        return self._lent[part].slice(self._starts[part][place], size)


class _Piece:
    """Memory of one part: its buffers behind each other."""

    def __init__(self, part: Part, shelf: Shelf, rows: int, size: int) -> None:
        self.part = part
        self._shelf = shelf
        self._width = sum(part.bits)
        self._most = size // part.least if part.least else _MOST_ITEMS
        if part.step < 0:
            # The row that is one too many may be begun.
            self._settle(min(rows, self._most + 1))
        else:
            likely = self._likely(shelf.items, shelf.rows, rows)
            self._settle(min(likely + _ALIGNMENT, self._most))

    def size(self, items: int) -> int:
        """Tell how much memory so many items take [byte]."""
        return items * self._width // 8

    def place(self, table: npt.NDArray[np.int64]) -> None:
        """Tell the steps where their buffers are, and how many items fit."""
        part = self.part
        base = self._memory.ctypes.data
        table[part.steps, part.words] = [base + start for start in self.starts]
        if part.step >= 0:
            table[part.step, steps.ROOM] = self._room

    def read_offset(self, place: int, index: int) -> int:
        """Read an offset."""
        start = self.starts[place] + _OFFSET * index
        return int(self._memory[start : start + _OFFSET].view(np.int32)[0])

    def write_offset(self, place: int, offset: int) -> None:
        """Write the first offset."""
        start = self.starts[place]
        self._memory[start : start + _OFFSET].view(np.int32)[0] = offset

    def grow(self, wanted: int, rows: int, all_rows: int, limit: int) -> None:
        """Make room for what some rows want, or more; what is written stays."""
        old, starts, ends = self._memory, self.starts, self._ends
        likely = max(self._likely(wanted, rows, all_rows), 2 * self._room)
        most = min(self._most, 8 * limit // max(self._width, 1))
        self._settle(max(wanted, min(likely, most)))
        for start, end, to in zip(starts, ends, self.starts, strict=True):
            self._memory[to : to + end - start] = old[start:end]
        self._shelf.put(old)

    def lend(self, items: int, rows: int) -> pa.Buffer:
        """Hand the memory to Arrow, and remember how much of it was filled."""
        if rows:
            self._shelf.items, self._shelf.rows = items, rows
        return self._shelf.lend(self._memory)

    def _likely(self, items: int, rows: int, all_rows: int) -> int:
        """Guess what all rows need of what some did, one huge row not multiplied."""
        likely = int(items / rows * all_rows * _SPARE)
        most = max(int(items * _SPARE), 8 * _LEAP // max(self._width, 1))
        return min(likely, most)

    def _settle(self, room: int) -> None:
        """Take memory for so many items, and use all of it."""
        spare = 2 * _ALIGNMENT * len(self.part.bits)
        self._memory = self._shelf.take(self.size(room) + spare)
        self._room = _MOST_ITEMS
        if self._width:
            fitting = 8 * (len(self._memory) - spare) // self._width
            self._room = max(room, min(fitting, _MOST_ITEMS))
        lengths = [self._room * bits // 8 + _OFFSET + 1 for bits in self.part.bits]
        self._ends = list(accumulate(map(_rounded, lengths)))
        self.starts = [0, *self._ends[:-1]][: len(self._ends)]


def _rounded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _aligned(size: int) -> Bytes:
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % _ALIGNMENT
    return memory[first : first + size]

"""One call of the decoder: room is made, the kernel runs, columns come out."""

from collections.abc import Container
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nightmail.avro.assemble import Columns
from nightmail.avro.buffers import Buffers, Shelf
from nightmail.avro.kernels import steps
from nightmail.avro.kernels.decode import read_rows
from nightmail.avro.layout import Node
from nightmail.avro.program import compile_program

__all__ = ["Reading"]

Numbers = npt.NDArray[np.int64]

_ROW_LIMIT, _CALL_LIMIT = 2**26, 2**30
"""How much memory the items of one list may take in one row, and in all [byte].

A null record is one byte of Avro, and in Arrow as wide as any other."""

_FACTOR = 16
"""How many times the length of the row, or of all, it may be, if that is more."""

_TOO_WIDE = -1

_WHY = {
    _TOO_WIDE: "its items would take too much memory",
    steps.CUT: "the row ends inside it",
    steps.LONG_NUMBER: "a number has more than 64 bits",
    steps.BIG_INT: "an int has more than 32 bits",
    steps.NO_BRANCH: "its union has no such branch",
    steps.NEGATIVE: "its length is negative",
    steps.NO_SYMBOL: "its enum has no such symbol",
    steps.NOT_TEXT: "it is not UTF-8",
    steps.MANY_ITEMS: "it has too many items",
    steps.BLOCK: "a block of items is not as long as it says",
    steps.BIG_DECIMAL: "it has more digits than its precision allows",
    steps.LEFT_OVER: "bytes are left over behind it",
}


class Reading:
    """Reads rows of one layout, again and again.

    Parameters
    ----------
    root
        Layout of a record.
    wanted
        Paths of what is read.
    """

    def __init__(self, root: Node, wanted: Container[str]) -> None:
        self._program = compile_program(root, wanted)
        self._columns = Columns(self._program.root)
        self._shelves = [Shelf() for _ in self._program.parts]
        self.schema = self._columns.schema

    def read(
        self, addresses: Numbers, lengths: Numbers
    ) -> tuple[pa.RecordBatch, dict[int, str]]:
        """Read values that stand at these addresses.

        Parameters
        ----------
        addresses, lengths
            Shape (n,), contiguous; lengths [byte].

        Returns
        -------
        pyarrow.RecordBatch
            The good rows.
        dict
            Number of each other row, and why it is none.
        """
        rows = len(lengths)
        buffers = Buffers(self._program, self._shelves, rows, int(lengths.sum()))
        stack = np.empty((self._program.depth, steps.FRAME), np.uint8)
        state = np.zeros(steps.STATE_WORDS, np.int64)
        errors = np.empty((rows, 4), np.int64)
        while self._run(buffers, stack, addresses, lengths, state, errors):
            self._make_room(buffers, addresses, lengths, state, errors)
        batch = self._columns.batch(buffers.lend(int(state[steps.GOOD])))
        return batch, self._sentences(errors[: state[steps.BAD]].tolist(), lengths)

    @staticmethod
    def _run(buffers: Buffers, stack: Any, *arrays: Numbers) -> bool:
        """Run the kernel; tell whether it stopped because a step has no room."""
        addresses, lengths, state, errors = arrays
        how = read_rows(
            buffers.steps.ctypes.data,
            stack.ctypes.data,
            addresses.ctypes.data,
            lengths.ctypes.data,
            len(lengths),
            state.ctypes.data,
            errors.ctypes.data,
        )
        return bool(how == steps.FULL)

    @staticmethod
    def _make_room(buffers: Buffers, *arrays: Numbers) -> None:
        """Make room for the row that found none, or set it aside."""
        addresses, lengths, state, errors = arrays
        row, good, bad, at = state[: steps.AT_STEP + 1].tolist()
        wanted = int(state[steps.WANTED])
        limit = max(_ROW_LIMIT, _FACTOR * int(lengths[row]))
        in_all = max(_CALL_LIMIT, _FACTOR * int(lengths.sum()))
        if not buffers.grow(at // steps.STEP, wanted, good, (limit, in_all)):
            byte = state[steps.AT_BYTE] - addresses[row]
            errors[bad] = row, _TOO_WIDE, at, byte
            state[steps.ROW] += 1
            state[steps.BAD] += 1

    def _sentences(self, errors: list[list[int]], lengths: Numbers) -> dict[int, str]:
        found = {}
        for row, how, at, byte in errors:
            path = self._program.nodes[at // steps.STEP].path or "The record"
            where = f"byte {byte} of {lengths[row]}"
            found[row] = f"{path}: {_WHY[how]} ({where})."
        return found

"""Run filters on a batch: one function everywhere, and no filter harms another."""

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from nightmail._errors import ColumnError, FilterError
from nightmail._filters import Filter
from nightmail._sql import select
from nightmail.columns import Array, change_values, is_list

__all__ = ["Evaluation", "answer", "evaluate", "explain", "inputs", "read_column"]

Mask = npt.NDArray[np.bool_]
"""One bool per alert."""

_NULLABLE: dict[Any, Any] = {
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}
"""Types that pandas must read as nullable, whether a batch has nulls or not."""

LONGEST_REASON = 400
"""Where the message of a failure is cut [character]."""


@dataclass(frozen=True)
class Evaluation:
    """What filters answered on one batch."""

    masks: dict[str, Mask] = field(default_factory=dict)
    """For each filter that answered, which alerts it keeps, shape (n,)."""

    failures: dict[str, str] = field(default_factory=dict)
    """For each filter that did not, why, as `TypeName: message`."""

    seconds: dict[str, float] = field(default_factory=dict)
    """CPU time of each filter; a column's conversion is its first reader's [s]."""


def evaluate(filters: Sequence[Filter], batch: pa.RecordBatch) -> Evaluation:
    """Ask every filter which alerts of a batch it keeps.

    Parameters
    ----------
    filters
        Filters of one survey.
    batch
        Narrow batch: the columns that the filters name, under their flat names.

    Returns
    -------
    Evaluation
        A mask or a failure for every filter. What one filter does wrong is that
        filter's failure, and changes nothing for the others.

    Raises
    ------
    MemoryError
        There is not enough of it here.
    """
    done, read = Evaluation(), _Columns(batch)
    for one in filters:
        start = time.thread_time()
        try:
            done.masks[one.name] = _answer(one, read)
        except MemoryError:
            raise  # the machine's, not the filter's: another time there may be room
        except (Exception, SystemExit) as error:  # noqa: BLE001 (the edge of a filter)
            done.failures[one.name] = explain(error)
        done.seconds[one.name] = time.thread_time() - start
    return done


def answer(one: Filter, batch: pa.RecordBatch) -> Mask:
    """Ask one filter which alerts of a batch it keeps.

    Parameters
    ----------
    one
        The filter.
    batch
        Narrow batch that has its columns, shape (n,).

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        True where it keeps the alert; null counts as False.

    Raises
    ------
    ColumnError
        The batch has not all of its columns.
    FilterError
        It broke its contract: length, index or type of the answer.
    Exception
        Whatever the filter raised.
    """
    return _answer(one, _Columns(batch))


def inputs(one: Filter, batch: pa.RecordBatch) -> list[Any]:
    """Convert the columns that a filter takes, fresh for this filter.

    Raises
    ------
    ColumnError
        The batch has not all of its columns.
    """
    return _Columns(batch).read(one)


def read_column(column: Array) -> Any:
    """Convert a column to what filters receive.

    Parameters
    ----------
    column
        Arrow array, shape (n,).

    Returns
    -------
    pandas.Series or awkward.Array
        Floats as they are, null as NaN; integers `Int64`; booleans `boolean`; text
        `category`; times `datetime64`; a list as a ragged array, a null list as an
        empty one, null and NaN within it as None. The type depends on the column's type
        only, never on its values.
    """
    return _fresh(_convert(column))


def _convert(column: Array) -> Any:
    kind = column.type
    if is_list(kind):
        return _read_history(column)
    if pat.is_nested(kind):
        raise FilterError(f"a column of type {kind} cannot be read by filters.")
    if pat.is_integer(kind):
        column = column.cast(pa.int64())
    elif pat.is_dictionary(kind) and not pat.is_string(kind.value_type):
        return _convert(column.dictionary_decode())
    elif pat.is_string_view(kind):
        column = column.cast(pa.string()).dictionary_encode()
    elif pat.is_string(kind) or pat.is_large_string(kind):
        column = column.dictionary_encode()
    elif pat.is_null(kind) or pat.is_decimal(kind):
        column = column.cast(pa.float64())
    elif pat.is_date(kind):
        column = column.cast(pa.timestamp("ms"))
    return column.to_pandas(types_mapper=_NULLABLE.get)


def _fresh(read: Any) -> Any:
    """Give a filter what it may change: what Arrow lends is read-only, and others'."""
    return read.copy() if isinstance(read, pd.Series) else copy.deepcopy(read)


def read_answer(kept: Any, index: pd.Index) -> Mask:
    """Check what a filter answered, and make a mask of it.

    Parameters
    ----------
    kept
        Series of `bool` or `boolean` on the index; a filter that has no index, because
        it takes only histories, answers a numpy or awkward array of bool.
    index
        The index that the filter was given, shape (n,).

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        Null as False.

    Raises
    ------
    FilterError
        The answer has another length, index or type.
    """
    if isinstance(kept, pd.Series):
        _check_length(len(kept), len(index))
        if not kept.index.equals(index):
            raise FilterError("it changed the index: answer on the one it was given.")
        return _mask_of(kept)
    if type(kept).__module__.startswith("awkward"):
        import awkward as ak  # noqa: PLC0415

        _check_length(len(kept), len(index))
        kept = ak.to_numpy(ak.fill_none(kept, value=False))
    if not isinstance(kept, np.ndarray):
        raise FilterError(f"it must answer a Series of bool, not {type(kept).__name__}")
    _check_length(len(kept) if kept.ndim else 0, len(index))
    if kept.ndim != 1:
        raise FilterError("it must answer one bool per alert, not a table.")
    return _mask_of(pd.Series(kept))


def explain(error: BaseException) -> str:
    """Say in one line what went wrong, as `TypeName: message`."""
    message = " ".join(str(error).split())
    if len(message) > LONGEST_REASON:
        message = f"{message[:LONGEST_REASON]}…"
    return f"{type(error).__name__}: {message or 'no message'}"


def _read_history(column: Array) -> Any:
    import awkward as ak  # noqa: PLC0415

    lengths = np.asarray(column.value_lengths().fill_null(0), np.int64)
    values = _null_for_nan(column.flatten())
    # awkward 2.14 takes a slice's nulls from the wrong rows: make a whole of it.
    whole = pa.concat_arrays([values, values.slice(0, 0)])
    offsets = pa.array(np.append(np.int64(0), np.cumsum(lengths)), pa.int64())
    return ak.from_arrow(pa.LargeListArray.from_arrays(offsets, whole))


def _mask_of(kept: pd.Series) -> Mask:
    if kept.dtype == bool:
        return kept.to_numpy(copy=True)
    if kept.dtype == pd.BooleanDtype():
        return kept.fillna(value=False).to_numpy(bool)
    raise FilterError(f"it must answer bool or boolean, not {kept.dtype}.")


def _check_length(length: int, wanted: int) -> None:
    if length != wanted:
        raise FilterError(f"it answered {length} values for {wanted} alerts.")


class _Columns:
    """Columns of a batch as filters take them, each converted once."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        self._there = dict(zip(batch.schema.names, batch.columns, strict=True))
        self._converted: dict[str, Any] = {}
        self._for_sql: dict[str, Array] = {}

    def read(self, one: Filter) -> list[Any]:
        """Give a filter the columns that it names, fresh for it."""
        return [self._read(name) for name in one.columns]

    def _read(self, name: str) -> Any:
        if name not in self._converted:
            self._converted[name] = _convert(self.find(name))
        return _fresh(self._converted[name])

    def find_for_sql(self, name: str) -> Array:
        """Give a column as DuckDB takes it."""
        if name not in self._for_sql:
            self._for_sql[name] = _null_for_nan(_plain(self.find(name)))
        return self._for_sql[name]

    def find(self, name: str) -> Array:
        """Give a column as the batch has it."""
        if name not in self._there:
            raise ColumnError(f"There is no column {name} in the batch.")
        return self._there[name]


def _answer(one: Filter, columns: _Columns) -> Mask:
    if one.keep is None:
        return _answer_sql(one, columns)
    taken = columns.read(one)
    with np.errstate(all="ignore"):
        kept = one.keep(*taken)
    return read_answer(kept, pd.RangeIndex(len(columns.batch)))


def _answer_sql(one: Filter, read: _Columns) -> Mask:
    batch = read.batch
    columns = [read.find_for_sql(name) for name in one.columns]
    flat = pa.RecordBatch.from_arrays(columns, names=list(one.columns))
    kept = select(one.sql, flat)
    _check_length(len(kept), len(batch))
    if not pat.is_boolean(kept.type):
        raise FilterError(f"the expression must be boolean, not {kept.type}.")
    return np.asarray(kept.fill_null(fill_value=False))


def _plain(column: Array) -> Array:
    """Make text of a dictionary: DuckDB refuses words that an enumeration has not."""
    is_dictionary = pat.is_dictionary(column.type)
    return column.dictionary_decode() if is_dictionary else column


def _null_for_nan(column: Array) -> Array:
    """Make NaN null: DuckDB takes it for the largest number, awkward for any."""
    kind = column.type
    if pat.is_floating(kind):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    if is_list(kind):
        return change_values(column, _null_for_nan)
    return column

"""One evaluator, and no filter harms another."""

from collections.abc import Callable
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nightmail import Filter, alert_filter
from nightmail._sql import sql_filter
from nightmail.evaluate import evaluate, read_column

BIG = 2**53 + 1
"""An integer that no float holds."""

Made = Callable[..., Filter]


def python(name: str, *columns: str, keep: Callable[..., Any]) -> Filter:
    """Make a filter of an expression of pandas."""
    return Filter(name, "ztf", "A test.", "me", columns, keep)


def sql(name: str, text: str) -> Filter:
    """Make a filter of an expression of SQL."""
    return sql_filter(name, f"-- owner: me\n-- summary: A test.\n{text}")


def kept(one: Filter, batch: pa.RecordBatch) -> list[bool]:
    """Return what it keeps; if it fails, so does the test."""
    done = evaluate([one], batch)
    assert done.failures == {}
    return [bool(keep) for keep in done.masks[one.name]]


@pytest.fixture
def batch() -> pa.RecordBatch:
    """Five alerts: values on both sides of 2, a null and a NaN."""
    return pa.RecordBatch.from_pydict(
        {
            "x": pa.array([1.0, 2.0, 3.0, None, float("nan")]),
            "n": pa.array([1, 2, 3, None, BIG], pa.int64()),
            "good": pa.array([True, False, None, True, False]),
            "label": pa.array(["SN", "AGN", None, "", "SN"]),
            "h": pa.array([[1.0, 3.0], [], None, [None, 2.0], [float("nan")]]),
        }
    )


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (pa.float32(), "float32"),
        (pa.float64(), "float64"),
        (pa.int8(), "Int64"),
        (pa.int32(), "Int64"),
        (pa.int64(), "Int64"),
        (pa.uint16(), "Int64"),
        (pa.bool_(), "boolean"),
        (pa.string(), "category"),
        (pa.large_string(), "category"),
        (pa.dictionary(pa.int8(), pa.string()), "category"),
        (pa.dictionary(pa.int8(), pa.int32()), "Int64"),
        (pa.string_view(), "category"),
        (pa.timestamp("us", "UTC"), "datetime64[us, UTC]"),
        (pa.date32(), "datetime64[ms]"),
        (pa.null(), "float64"),
    ],
)
@pytest.mark.parametrize("values", [[], [None, None]], ids=["empty", "null"])
def test_types_are_those_of_the_column(
    kind: pa.DataType, dtype: str, values: list[None]
) -> None:
    """A filter's types never depend on which values a batch happens to have."""
    assert str(read_column(pa.array(values, kind)).dtype) == dtype


def test_types_are_the_same_with_values() -> None:
    """Without a null an integer is Int64, a bool boolean and a text category, too."""
    columns = [pa.array([1]), pa.array([True]), pa.array(["a"]), pa.array([1.5])]

    dtypes = [str(read_column(column).dtype) for column in columns]

    assert dtypes == ["Int64", "boolean", "category", "float64"]


def test_integers_are_exact(batch: pa.RecordBatch) -> None:
    """An id beyond 2^53 is found beside a null, in Python and in SQL."""
    exact = [False, False, False, False, True]

    assert kept(python("p", "n", keep=lambda n: n == BIG), batch) == exact
    assert kept(sql("s", f"n = {BIG}"), batch) == exact
    assert kept(sql("s", f"n = {BIG - 1}"), batch) == [False] * 5


def test_negation_of_a_null_is_not_kept(batch: pa.RecordBatch) -> None:
    """`~` of a boolean with nulls works, and null stays False."""
    exact = [False, True, False, False, True]

    assert kept(python("p", "good", keep=lambda good: ~good), batch) == exact
    assert kept(sql("s", "not good"), batch) == exact


@pytest.mark.parametrize(
    ("text", "keep"),
    [
        ("x < 2", lambda x: x < 2),
        ("x <= 2", lambda x: x <= 2),
        ("x > 2", lambda x: x > 2),
        ("x >= 2", lambda x: x >= 2),
        ("x = 2", lambda x: x == 2),
        ("x between 1 and 2", lambda x: x.between(1, 2)),
        ("x in (1, 3)", lambda x: x.isin([1, 3])),
        ("x is null", lambda x: x.isna()),
        ("x is not null", lambda x: x.notna()),
        ("not x > 2", lambda x: x <= 2),
        ("x + 1 > 2", lambda x: x + 1 > 2),
        ("abs(x) > 0.5", lambda x: x.abs() > 0.5),
        ("x > 0.5 or x < 0.5", lambda x: (x > 0.5) | (x < 0.5)),
    ],
)
def test_python_and_sql_agree_on_nan(
    batch: pa.RecordBatch, text: str, keep: Callable[..., Any]
) -> None:
    """NaN and null are one thing, that no comparison keeps, in both languages."""
    assert kept(sql("s", text), batch) == kept(python("p", "x", keep=keep), batch)


@pytest.mark.parametrize(
    ("text", "column", "keep"),
    [
        ("n != 2", "n", lambda n: n != 2),
        ("n > 2", "n", lambda n: n > 2),
        ("n % 2 = 1", "n", lambda n: n % 2 == 1),
        ("n in (1, 2)", "n", lambda n: n.isin([1, 2])),
        ("label = 'SN'", "label", lambda label: label == "SN"),
        ("label in ('SN', 'QSO')", "label", lambda label: label.isin(["SN", "QSO"])),
        ("label like 'S%'", "label", lambda label: label.str.startswith("S") == True),  # noqa: E712
        ("label is null", "label", lambda label: label.isna()),
        ("good", "good", lambda good: good),
        ("good is null", "good", lambda good: good.isna()),
        ("list_max(h) > 2", "h", lambda h: ak.max(h, axis=1) > 2),
        ("len(h) = 0", "h", lambda h: ak.num(h) == 0),
    ],
)
def test_python_and_sql_agree_on_null(
    batch: pa.RecordBatch, text: str, column: str, keep: Callable[..., Any]
) -> None:
    """Integers, booleans, text and histories: what one keeps, the other keeps."""
    null_history = [False, False, column == "h" and "= 0" in text, False, False]

    in_sql = np.array(kept(sql("s", text), batch)) | null_history

    assert in_sql.tolist() == kept(python("p", column, keep=keep), batch)


@pytest.mark.parametrize("column", ["x", "label"])
def test_python_keeps_an_unequal_null(batch: pa.RecordBatch, column: str) -> None:
    """`!=` on floats and text is pandas' own: it holds for null, and SQL's does not."""
    value = 2 if column == "x" else "SN"
    text = f"{column} != {value!r}"

    in_python = kept(python("p", column, keep=lambda c: c != value), batch)

    assert sum(in_python) > sum(kept(sql("s", text), batch))


def test_history_is_ragged(batch: pa.RecordBatch) -> None:
    """A null history is an empty one, null and NaN within it are None."""
    history = read_column(batch.column("h"))

    assert history.to_list() == [[1.0, 3.0], [], [], [None, 2.0], [None]]


@pytest.mark.parametrize("kind", [pa.float32(), pa.int64(), pa.string(), pa.bool_()])
@pytest.mark.parametrize("rows", [None, [], [[]], [None, None, None]])
def test_history_has_one_type(kind: pa.DataType, rows: list[Any] | None) -> None:
    """It is the same without a null, without a value and without an alert."""
    full = pa.array([[1, None]]).cast(pa.list_(kind))
    column = pa.nulls(3, full.type) if rows is None else pa.array(rows, full.type)

    assert read_column(column).type.content == read_column(full).type.content


def test_history_of_any_slice() -> None:
    """Whatever the slice, nulls stay where they are (awkward misplaces them)."""
    values = [[1.0, None], None, [], [None, 2.0, 3.0], [None], [4.0]] * 5
    column = pa.array(values)

    for start in range(len(values)):
        sliced = read_column(column.slice(start, 7)).to_list()

        assert sliced == [row or [] for row in values[start : start + 7]]


def test_history_of_a_slice(batch: pa.RecordBatch) -> None:
    """A slice of a batch is evaluated as that slice, in Python and in SQL."""
    part = batch.slice(1, 3)

    in_python = kept(python("p", "h", keep=lambda h: ak.num(h) > 0), part)

    assert in_python == [False, False, True]
    assert kept(sql("s", "list_max(h) = 2"), part) == [False, False, True]


@pytest.mark.parametrize("rows", [0, 2])
def test_history_of_nulls_has_a_type(rows: int) -> None:
    """Histories that are empty or null in the whole batch can still be reduced."""
    nulls = pa.RecordBatch.from_pydict({"h": pa.nulls(rows, pa.list_(pa.float32()))})
    brightest = python("p", "h", keep=lambda h: ak.min(h, axis=1) < 20)

    assert kept(brightest, nulls) == [False] * rows


def test_mixes_history_and_series(batch: pa.RecordBatch) -> None:
    """A reduced history compares with a Series, on the Series' index."""

    def brighter(x: pd.Series, h: ak.Array) -> pd.Series:
        brightest = ak.to_numpy(ak.fill_none(ak.max(h, axis=1), np.inf))
        return x > pd.Series(brightest, x.index)

    assert kept(python("p", "x", "h", keep=brighter), batch) == [False] * 5
    assert kept(python("p", "n", "h", keep=brighter), batch[3:]) == [False, False]


def fails(one: Filter, batch: pa.RecordBatch) -> str:
    """Why it fails; its neighbours on both sides must not."""
    good = [python(n, "x", keep=lambda x: x > 2) for n in ("before", "after")]
    done = evaluate([good[0], one, good[1]], batch)
    assert set(done.failures) == {one.name}
    assert done.masks["before"].tolist() == [False, False, True, False, False]
    assert done.masks["after"].tolist() == done.masks["before"].tolist()
    assert set(done.seconds) == {"before", one.name, "after"}
    return done.failures[one.name]


def raises(error: BaseException) -> Callable[..., Any]:
    """Make a function that raises."""

    def keep(_: object) -> None:
        raise error

    return keep


@pytest.mark.parametrize(
    ("keep", "says"),
    [
        (lambda _: 1 / 0, "ZeroDivisionError: division by zero"),
        (raises(ValueError("one\n  two")), "ValueError: one two"),
        (raises(SystemExit(3)), "SystemExit: 3"),
        (raises(RuntimeError()), "RuntimeError: no message"),
        (lambda x: (x > 2)[:3], "FilterError: it answered 3 values for 5 alerts."),
        (lambda x: (x > 2)[::-1], "FilterError: it changed the index"),
        (lambda x: (x > 2).set_axis(list("abcde")), "FilterError: it changed the ind"),
        (lambda x: x, "FilterError: it must answer bool or boolean, not float64."),
        (lambda x: (x > 2).astype(object), "FilterError: it must answer bool or bool"),
        (lambda x: (x > 2).to_list(), "FilterError: it must answer a Series of bool"),
        (lambda _: None, "FilterError: it must answer a Series of bool, not NoneType"),
        (lambda x: (x > 2).to_numpy()[:2], "FilterError: it answered 2 values for 5"),
        (lambda _: np.array([[True]] * 5), "FilterError: it must answer one bool per"),
        (lambda x: (x > 2).to_frame(), "FilterError: it must answer a Series of bool"),
    ],
)
def test_a_fault_is_its_own(
    batch: pa.RecordBatch, keep: Callable[..., Any], says: str
) -> None:
    """What one filter does wrong is one sentence, and changes nothing for others."""
    assert fails(python("bad", "x", keep=keep), batch).startswith(says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x", "FilterError: the expression must be boolean, not double."),
        ("max(x) > 1", "FilterError: it answered 1 values for 5 alerts."),
        ("y > 1", "ColumnError: There is no column y"),
        ("label > 3", "BinderException: "),
        ("read_text('/etc/hosts') = label", "BinderException: "),
    ],
)
def test_a_fault_in_sql_is_its_own(batch: pa.RecordBatch, text: str, says: str) -> None:
    """The same for SQL, which neither reads files nor counts rows."""
    assert fails(sql("bad", text), batch).startswith(says)


def test_a_lack_of_memory_is_nobody_s_fault(batch: pa.RecordBatch) -> None:
    """A filter's failure is remembered; this one is the machine's, and may pass."""

    def keep(_: Any) -> Any:
        raise MemoryError

    with pytest.raises(MemoryError):
        evaluate([python("hungry", "x", keep=keep)], batch)


def test_changing_the_input_harms_nobody(batch: pa.RecordBatch) -> None:
    """A filter that writes into its columns fools itself at most."""

    def greedy(x: pd.Series) -> pd.Series:
        x[:] = 9.0
        return x > 2

    def check(x: pd.Series) -> pd.Series:
        return x > 2

    done = evaluate(
        [python("greedy", "x", keep=greedy), python("next", "x", keep=check)], batch
    )

    assert done.masks["greedy"].all()
    assert done.masks["next"].tolist() == [False, False, True, False, False]


def test_missing_column_is_a_failure(batch: pa.RecordBatch) -> None:
    """A column that the batch has not is named."""
    says = fails(python("bad", "y", keep=lambda y: y > 2), batch)

    assert says == "ColumnError: There is no column y in the batch."


def test_numpy_does_not_warn() -> None:
    """The logarithm of a negative flux is NaN, without a word."""
    batch = pa.RecordBatch.from_pydict({"x": [-1.0, 0.0, 100.0]})

    @alert_filter(owner="me")
    def bright(x: pd.Series) -> pd.Series:
        return pd.Series(np.log10(x.to_numpy()), x.index) > 1

    assert kept(bright, batch) == [False, False, True]


def test_empty_batch(batch: pa.RecordBatch) -> None:
    """No alerts, no answers, no failure."""
    empty = batch.slice(0, 0)

    assert kept(python("p", "x", keep=lambda x: x > 2), empty) == []
    assert kept(sql("s", "x > 2 and list_max(h) > 1"), empty) == []

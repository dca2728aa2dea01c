"""Check that a filter keeps the contract, in one call."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa

from nightmail._filters import Filter
from nightmail.columns import is_list, narrow
from nightmail.evaluate import answer, explain, inputs, read_answer

__all__ = ["check_filter"]

SEED = 20260301
"""Of the order into which alerts are shuffled."""

ALONE = 5
"""How many alerts are asked one by one."""


def check_filter(
    filter_: Filter, alerts: pd.DataFrame | pa.RecordBatch | pa.Table
) -> None:
    """Assert what the pipeline and the readers rely on, whatever the science.

    Parameters
    ----------
    filter_
        The filter.
    alerts
        A few alerts, at least two: as the store has them, or flat. In a DataFrame a
        history is a list.

    Raises
    ------
    AssertionError
        What the filter does not hold, in one sentence.
    ColumnError
        The alerts have not the filter's columns.
    """
    batch = _batch(filter_, alerts)
    name = filter_.name
    _require(len(batch) > 1, "check_filter needs at least two alerts")
    _require(filter_.owner, f"{name} has no owner")
    _require(filter_.summary, f"{name} has no docstring: astronomers see its start")
    with _no_network(filter_.name):
        _check_series(filter_, batch)
        _check_rows(filter_, batch)
        _check_nulls(filter_, batch)


def _require(fact: object, sentence: str) -> None:
    if not fact:
        raise AssertionError(sentence)


def _batch(
    filter_: Filter, alerts: pd.DataFrame | pa.RecordBatch | pa.Table
) -> pa.RecordBatch:
    if isinstance(alerts, pd.DataFrame):
        there = [name for name in filter_.columns if name in alerts.columns]
        alerts = pa.RecordBatch.from_pandas(alerts[there], preserve_index=False)
    return narrow(alerts, filter_.columns)


def _check_series(filter_: Filter, batch: pa.RecordBatch) -> None:
    """Index, type and length of the answer, and that nothing given is changed."""
    if filter_.keep is None:
        return
    given, index = inputs(filter_, batch), pd.RangeIndex(7, 7 + 3 * len(batch), 3)
    for column in given:
        if isinstance(column, pd.Series):
            column.index = index
    try:
        with np.errstate(all="ignore"):
            read_answer(filter_.keep(*given), index)
    except Exception as error:
        raise AssertionError(f"{filter_.name}: {explain(error)}") from error
    for name, now, before in zip(
        filter_.columns, given, inputs(filter_, batch), strict=True
    ):
        sentence = f"{filter_.name} must not change its input, and changes {name}"
        _require(_same(now, before), sentence)


def _same(now: Any, before: Any) -> bool:
    if isinstance(now, pd.Series):
        return bool(now.reset_index(drop=True).equals(before))
    return bool(now.to_list() == before.to_list())


def _check_rows(filter_: Filter, batch: pa.RecordBatch) -> None:
    """Each alert is decided by itself, whatever stands beside it."""
    name, rows = filter_.name, np.arange(len(batch))
    kept = _keep(filter_, batch, "these alerts")
    empty = _keep(filter_, batch.slice(0, 0), "an empty batch")
    _require(len(empty) == 0, f"{name} must take an empty batch")
    order = np.random.default_rng(SEED).permutation(rows)
    shuffled = _keep(filter_, batch.take(pa.array(order)), "another order")
    _require((shuffled == kept[order]).all(), f"{name} must not depend on the order")
    parts = [rows[::2], rows[1::2], *(rows[n : n + 1] for n in range(ALONE))]
    for part in parts:
        alone = _keep(filter_, batch.take(pa.array(part)), "a part of the batch")
        _require((alone == kept[part]).all(), f"{name} must not depend on the batch")


def _check_nulls(filter_: Filter, batch: pa.RecordBatch) -> None:
    """Nulls are taken, and an alert of nothing but nulls is not kept."""
    blank = [pa.nulls(len(batch), field.type) for field in batch.schema]
    nothing = pa.RecordBatch.from_arrays(blank, names=batch.schema.names)
    kept = _keep(filter_, nothing, "alerts that are all null")
    _require(not kept.any(), f"{filter_.name} must not keep an alert with no values")
    histories = {field.name for field in batch.schema if is_list(field.type)}
    alone = [{name} for name in batch.schema.names if name not in histories]
    for gone in (histories, *alone):
        columns = zip(batch.schema.names, batch.columns, blank, strict=True)
        holed = {name: null if name in gone else c for name, c, null in columns}
        what = f"{', '.join(sorted(gone))} being null"
        _keep(filter_, pa.RecordBatch.from_pydict(holed), what)


def _keep(filter_: Filter, batch: pa.RecordBatch, what: str) -> Any:
    try:
        return answer(filter_, batch)
    except Exception as error:
        reason = f"{filter_.name} does not take {what}: {explain(error)}"
        raise AssertionError(reason) from error


@contextmanager
def _no_network(name: str) -> Iterator[None]:
    """Refuse connections, and tell of one even where the filter swallows the error."""
    tried: list[object] = []

    def refuse(*address: object, **_: object) -> None:
        tried.append(address)
        raise OSError("a filter must not use the network")

    refused: Callable[..., None] = refuse
    with (
        mock.patch.object(socket.socket, "connect", refused),
        mock.patch.object(socket.socket, "connect_ex", refused),
        mock.patch.object(socket, "getaddrinfo", refused),
    ):
        yield
    _require(not tried, f"{name} must not use the network")

"""The conformance test catches what it must."""

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from nightmail import ColumnError, Filter, alert_filter
from nightmail._sql import sql_filter
from nightmail.testing import check_filter

Keep = Callable[..., Any]


@pytest.fixture
def alerts() -> pd.DataFrame:
    """Six alerts with a magnitude, a history and a label."""
    return pd.DataFrame(
        {
            "mag": [1.0, 9.0, 2.0, 3.5, np.nan, 7.0],
            "history": [[1.0], [], [3.0, None], [5.0], None, [2.0]],
            "label": ["a", "b", None, "a", "c", "b"],
        },
        index=[7, 8, 9, 10, 11, 12],
    )


def filter_of(keep: Keep, *columns: str) -> Filter:
    """Make a filter of a function."""
    return Filter("bad", "ztf", "A test.", "me", columns or ("mag",), keep)


def calls(address: tuple[str, int]) -> Keep:
    """Make a filter that uses the network, and hides that it failed."""

    def keep(mag: pd.Series) -> pd.Series:
        with contextlib.suppress(OSError):
            socket.create_connection(address, timeout=1).close()
        return mag < 4

    return keep


def overwrite(mag: pd.Series) -> pd.Series:
    """Change the input."""
    mag[mag > 4] = 0.0
    return mag < 4


@pytest.mark.parametrize(
    ("keep", "says"),
    [
        (lambda mag: mag < mag.mean() + 1e-9, "batch|order"),
        (lambda mag: mag.rank() < 3, "batch|order"),
        (lambda mag: pd.Series(np.arange(len(mag)) < 2, mag.index), "order|batch"),
        (lambda mag: pd.Series((mag < 4).to_numpy()), "index"),
        (lambda mag: mag[mag < 4] > 0, "values for"),
        (lambda mag: mag.where(mag < 4), "must answer bool"),
        (lambda mag: ~(mag > 4), "must not keep an alert with no values"),
        (lambda mag: mag != 4, "must not keep an alert with no values"),
        (lambda mag: pd.Series(mag < 4, mag.index) & bool(mag.iloc[0]), "empty batch"),
        (lambda mag: mag.astype(int) < 4, "Cannot convert non-finite"),
        (overwrite, "must not change its input, and changes mag"),
        (calls(("127.0.0.1", 9)), "network"),
        (calls(("example.org", 80)), "network"),
    ],
)
def test_catches(alerts: pd.DataFrame, keep: Keep, says: str) -> None:
    """Each breach of the contract is told by its name."""
    with pytest.raises(AssertionError, match=says):
        check_filter(filter_of(keep), alerts)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mag > avg(mag) over ()", "order|batch"),
        ("mag is null or mag < 4", "no values"),
        ("mag", "must be boolean"),
    ],
)
def test_catches_in_sql(alerts: pd.DataFrame, text: str, says: str) -> None:
    """SQL filters hold the same contract."""
    bad = sql_filter("bad", f"-- owner: me\n-- summary: A test.\n{text}")

    with pytest.raises(AssertionError, match=says):
        check_filter(bad, alerts)


def test_passes_what_is_good(alerts: pd.DataFrame) -> None:
    """Series, histories, text and SQL pass, from pandas and from Arrow."""

    @alert_filter(owner="me")
    def good(mag: pd.Series, history: ak.Array, label: pd.Series) -> pd.Series:
        """Good."""
        largest = ak.to_numpy(ak.fill_none(ak.max(history, axis=1), -np.inf))
        faintest = pd.Series(largest, mag.index)
        return (mag < faintest) | ((mag < 4) & label.isin(["a"]))

    in_sql = sql_filter(
        "good", "-- owner: me\n-- summary: Good.\nlist_max(history) > 2"
    )
    for rows in (
        alerts,
        pa.RecordBatch.from_pandas(alerts),
        pa.Table.from_pandas(alerts),
    ):
        check_filter(good, rows)
        check_filter(in_sql, rows)


def test_wants_owner_and_summary(alerts: pd.DataFrame) -> None:
    """A filter says what it keeps and who answers for it."""

    def nameless(mag: pd.Series) -> pd.Series:
        return mag < 4

    with pytest.raises(AssertionError, match="nameless has no docstring"):
        check_filter(alert_filter(owner="me")(nameless), alerts)
    with pytest.raises(AssertionError, match="nameless has no owner"):
        check_filter(alert_filter(owner="")(nameless), alerts)


def test_wants_alerts(alerts: pd.DataFrame) -> None:
    """One alert shows nothing, and a missing column is the caller's mistake."""
    with pytest.raises(AssertionError, match="at least two"):
        check_filter(filter_of(lambda mag: mag < 4), alerts[:1])
    with pytest.raises(ColumnError, match="no column flux"):
        check_filter(filter_of(lambda flux: flux < 4, "flux"), alerts)


def test_gives_the_network_back(alerts: pd.DataFrame) -> None:
    """After the check sockets connect again."""
    check_filter(filter_of(lambda mag: mag < 4), alerts)

    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()

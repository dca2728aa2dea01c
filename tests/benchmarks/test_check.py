"""What the benchmark of a night accepts as the same, and what it does not."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import fastavro
import numpy as np
import pytest

from benchmarks import _night_check
from benchmarks._maps import map_sorter
from benchmarks._night_answer import Answer, digest
from benchmarks._night_check import Checker

SCHEMA = {
    "type": "record",
    "name": "alert",
    "fields": [
        {"name": "candid", "type": ["long", "null"]},
        {"name": "flux", "type": ["float", "null"]},
        {
            "name": "stats",
            "type": [{"type": "map", "values": ["float", "null"]}, "null"],
        },
    ],
}
KEY = json.dumps(SCHEMA).encode()

Sent = tuple[str, bytes, bytes]
"""Topic, key and value."""


def _alert(candid: int, flux: float, **stats: float) -> bytes:
    buffer = io.BytesIO()
    record = {"candid": candid, "flux": flux, "stats": stats}
    fastavro.schemaless_writer(buffer, cast("Any", SCHEMA), record)
    return buffer.getvalue()


ONE = _alert(1, float("nan"), m0=1.0, m1=2.0)
TWO = _alert(2, 0.5, m0=3.0)


@pytest.fixture
def answer(tmp_path: Path) -> Answer:
    """Two alerts: one filter keeps both, the other the second."""
    values = tmp_path / "values"
    values.write_bytes(ONE + TWO)
    return Answer(
        survey="ztf",
        rows=10,
        files={},
        key=KEY,
        fingerprint="",
        filters=("bright", "faint"),
        masks=np.array([[True, False], [True, True]]),
        ids=np.array([1, 2]),
        objects=[0, 0],
        ends=[len(ONE), len(ONE + TWO)],
        digests={digest(ONE): 1, digest(TWO): 2},
        values=values,
    )


def _check(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, sent: Sequence[Sent]
) -> str | None:
    messages = [
        SimpleNamespace(topic=lambda t=t: t, key=lambda k=k: k, value=lambda v=v: v)
        for t, k, v in sent
    ]

    def read(_: object, __: object, take: Callable[[Any], None]) -> None:
        for message in messages:
            take(message)

    monkeypatch.setattr(_night_check, "_read", read)
    return Checker(answer, cast("Any", None)).check("x_")


GOOD: tuple[Sent, ...] = (
    ("x_bright_ztf", KEY, ONE),
    ("x_bright_ztf", KEY, TWO),
    ("x_faint_ztf", KEY, TWO),
)


def test_the_same_alerts_are_equal(
    monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    """The order in a topic is free, and so is that of a map's entries."""
    other = ("x_bright_ztf", KEY, _alert(1, float("nan"), m1=2.0, m0=1.0))

    assert _check(monkeypatch, answer, [GOOD[2], other, GOOD[1]]) is None


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (GOOD[:2], "x_faint_ztf has 0 alerts and must have 1; 1 are missing"),
        ((*GOOD, GOOD[0]), "x_bright_ztf has 3 alerts and must have 2"),
        ((*GOOD, ("x_faint_ztf", KEY, ONE)), "x_faint_ztf has 2 alerts"),
        (
            (("x_bright_ztf", KEY, _alert(1, 0.25, m0=1.0, m1=2.0)), *GOOD[1:]),
            "x_bright_ztf has an alert that is not as it must be.",
        ),
        (
            (("x_bright_ztf", KEY, _alert(7, 0.5)), *GOOD),
            "x_bright_ztf has an alert that is not as it must be.",
        ),
        (
            (("x_bright_ztf", b"{}", ONE), *GOOD[1:]),
            "x_bright_ztf has a record whose key is another.",
        ),
    ],
)
def test_other_alerts_are_not(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, sent: Sequence[Sent], why: str
) -> None:
    """One that is missing, doubled, elsewhere, changed or strange is told."""
    assert why in (_check(monkeypatch, answer, sent) or "")


def test_maps_are_found_at_any_depth() -> None:
    """In records of lists of records, whether they are pairs or dicts."""
    record = {"type": "record", "name": "r", "fields": SCHEMA["fields"]}
    listed = [{"type": "array", "items": ["null", record]}, "null"]
    schema = {
        "type": "record",
        "name": "top",
        "fields": [{"name": "a", "type": "int"}, {"name": "rs", "type": listed}],
    }
    sort = map_sorter(schema)
    assert sort is not None

    pairs = sort({"a": 1, "rs": [{"candid": 1, "stats": [("b", 1), ("a", 2)]}, None]})
    dicts = sort({"a": 1, "rs": [{"candid": 1, "stats": {"a": 2, "b": 1}}, None]})

    assert pairs == dicts
    assert pairs["rs"][0] == {"candid": 1, "stats": [("a", 2), ("b", 1)]}


def test_without_maps_there_is_nothing_to_sort() -> None:
    """Such records are compared as they are."""
    assert map_sorter({"type": "record", "name": "r", "fields": []}) is None

"""Flat names of nested columns."""

from typing import Any

import pyarrow as pa
import pytest

from nightmail import ColumnError
from nightmail.columns import flat_columns, leaf_type, narrow, pick, resolve

POINT = pa.struct([("jd", pa.float64()), ("magpsf", pa.float32())])
SCHEMA = pa.schema(
    [
        ("candid", pa.int64()),
        ("candidate", POINT),
        ("prv_candidates", pa.list_(POINT)),
        ("lc_features", pa.map_(pa.string(), POINT)),
        ("a", pa.struct([("b_c", pa.int32())])),
        ("a_b", pa.struct([("c", pa.int32())])),
    ]
)


@pytest.fixture
def alerts() -> pa.Table:
    """Four alerts: a whole one, one without candidate, histories empty and null."""
    rows: list[dict[str, Any]] = [
        {
            "candid": 1,
            "candidate": {"jd": 1.0, "magpsf": 18.0},
            "prv_candidates": [
                {"jd": 0.0, "magpsf": 19.0},
                {"jd": 0.5, "magpsf": None},
            ],
        },
        {"candid": 2, "candidate": None, "prv_candidates": []},
        {
            "candid": 3,
            "candidate": {"jd": None, "magpsf": 20.0},
            "prv_candidates": None,
        },
        {"candid": 4, "prv_candidates": [{"jd": 3.0, "magpsf": 17.0}, None]},
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def test_names_leaves_only() -> None:
    """A group of columns and a map have no name."""
    assert flat_columns(SCHEMA) == {
        "candid": [("candid",)],
        "candidate_jd": [("candidate", "jd")],
        "candidate_magpsf": [("candidate", "magpsf")],
        "prv_candidates_jd": [("prv_candidates", "jd")],
        "prv_candidates_magpsf": [("prv_candidates", "magpsf")],
        "a_b_c": [("a", "b_c"), ("a_b", "c")],
    }


def test_resolves_exactly() -> None:
    """The name is the whole name."""
    assert resolve(SCHEMA, "candidate_magpsf") == ("candidate", "magpsf")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a_b_c", r"a_b_c fits a\.b_c and a_b\.c: none"),
        ("candidate_magps", "nearest are candidate_magpsf"),
        ("magpsf", "nearest are candidate_magpsf, prv_candidates_magpsf"),
        ("candidate.jd", "nearest are candidate_jd"),
        ("candidate", "group of columns: name one of them, as candidate_jd"),
        ("lc_features", "is a map"),
        ("qqq", "no column qqq: none is like it"),
    ],
)
def test_never_guesses(name: str, says: str) -> None:
    """What fits two, or none, is refused with both, or with the nearest."""
    with pytest.raises(ColumnError, match=says):
        resolve(SCHEMA, name)


def test_picks_a_leaf(alerts: pa.Table) -> None:
    """The leaf of a null group is null."""
    picked = pick(alerts.column("candidate"), ("magpsf",))

    assert picked.to_pylist() == [18.0, None, 20.0, None]


def test_picks_a_history(alerts: pa.Table) -> None:
    """Empty, null and holes stay what they are."""
    picked = pick(alerts.column("prv_candidates"), ("magpsf",))

    assert picked.to_pylist() == [[19.0, None], [], None, [17.0, None]]


def test_picks_from_a_slice(alerts: pa.Table) -> None:
    """A slice of a batch gives the slice's rows."""
    batch = alerts.combine_chunks().to_batches()[0].slice(1, 3)

    picked = narrow(batch, ["prv_candidates_jd", "candidate_magpsf", "candid"])

    assert picked.to_pydict() == {
        "prv_candidates_jd": [[], None, [3.0, None]],
        "candidate_magpsf": [None, 20.0, None],
        "candid": [2, 3, 4],
    }


def test_knows_the_type_of_a_leaf(alerts: pa.Table) -> None:
    """It is the type that picking gives."""
    for name in ("candid", "candidate_magpsf", "prv_candidates_magpsf"):
        path = resolve(SCHEMA, name)

        assert leaf_type(SCHEMA, path) == pick(alerts.column(path[0]), path[1:]).type


def test_takes_a_flat_batch(alerts: pa.Table) -> None:
    """What is narrow already stays as it is."""
    once = narrow(alerts, ["candidate_jd", "prv_candidates_jd"])

    assert narrow(once, ["candidate_jd", "prv_candidates_jd"]).equals(once)

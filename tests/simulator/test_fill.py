"""Nested columns are filled from arrays, and from their rules."""

import numpy as np
import pytest

from simulator.columns import Column
from simulator.fill import Ragged, Sparse, fill


def test_a_rule_fills_what_is_not_given(rng: np.random.Generator) -> None:
    """Constants, uniform numbers and nulls need no array."""
    fields = (
        Column("one", "int32", "= 1"),
        Column("some", "float", "~ 2 3"),
        Column("none", "string", "null"),
        Column("yes", "bool", "= true"),
    )
    column = Column("struct", "struct", fields=fields)

    rows = fill(column, {"struct": {}}, 3, rng).to_pylist()

    assert [(r["one"], r["none"], r["yes"]) for r in rows] == [(1, None, True)] * 3
    assert all(2 <= r["some"] < 3 for r in rows)


def test_a_flag_makes_null(rng: np.random.Generator) -> None:
    """Where the flag is false, the field is null, given or not."""
    column = Column("name", "string", flag="known")
    values = {"name": np.array(["a", "b"]), "known": np.array([True, False])}

    assert fill(column, values, 2, rng).to_pylist() == ["a", None]


def test_histories_may_be_empty(rng: np.random.Generator) -> None:
    """An object without history has an empty list, not null."""
    column = Column("list", "list", fields=(Column("x", "int64"),))
    values = {"list": Ragged(np.array([2, 0]), {"x": np.array([1, 2])})}

    assert fill(column, values, 2, rng).to_pylist() == [[{"x": 1}, {"x": 2}], []]


def test_maps_have_keys(rng: np.random.Generator) -> None:
    """A map holds pairs; one of structs too."""
    plain = Column("map", "map float")
    nested = Column("map", "map struct", fields=(Column("x", "double"),))
    lengths, keys = np.array([1, 1]), ["g", "r"]

    simple = fill(plain, {"map": Ragged(lengths, np.array([1.0, 2.0]), keys)}, 2, rng)
    deep = fill(nested, {"map": Ragged(lengths, {"x": np.ones(2)}, keys)}, 2, rng)

    assert simple.to_pylist() == [[("g", 1.0)], [("r", 2.0)]]
    assert deep.to_pylist() == [[("g", {"x": 1.0})], [("r", {"x": 1.0})]]


def test_a_struct_may_be_absent(rng: np.random.Generator) -> None:
    """A row without the struct has null, not a struct of nulls."""
    column = Column("s", "struct", fields=(Column("x", "int64", "= 5"),))
    values = {"s": Sparse({}, np.array([True, False]))}

    assert fill(column, values, 2, rng).to_pylist() == [{"x": 5}, None]


def test_what_has_no_rule_must_be_given(rng: np.random.Generator) -> None:
    """A column that was forgotten is named."""
    with pytest.raises(KeyError, match="x"):
        fill(Column("x", "int64"), {}, 1, rng)

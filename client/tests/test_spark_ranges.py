"""Ranges of offsets: made, cut and limited, and none of them lost."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nightmail.spark.ranges import Place, Range, limit, make_ranges, split

A, B, C = ("a", 0), ("a", 1), ("b", 0)

LENGTHS = st.dictionaries(st.sampled_from([A, B, C]), st.integers(0, 1000))


def ranges_of(lengths: dict[Place, int]) -> list[Range]:
    """Make ranges of some lengths that begin at 10."""
    starts = dict.fromkeys(lengths, 10)
    return make_ranges(starts, {p: 10 + length for p, length in lengths.items()})


def test_a_range_is_what_lies_between() -> None:
    """Nothing new is no range, and a partition that is new begins at 0."""
    found = make_ranges({A: 3, B: 5}, {C: 2, B: 5, A: 7})

    assert found == [Range("a", 0, 3, 7), Range("b", 0, 0, 2)]


def test_an_end_before_the_start_is_no_range() -> None:
    """As where a topic was made anew."""
    assert make_ranges({A: 3}, {A: 1}) == []


def test_pieces_are_of_about_one_size() -> None:
    """Large partitions are cut, small ones are not."""
    found = split(ranges_of({A: 90, B: 10}), 4)

    assert [(r.partition, r.start, r.end) for r in found] == [
        (0, 10, 32),
        (0, 32, 55),
        (0, 55, 77),
        (0, 77, 100),
        (1, 10, 20),
    ]


@given(LENGTHS, st.integers(1, 50))
def test_pieces_are_the_whole(lengths: dict[Place, int], fewest: int) -> None:
    """Every offset is in one piece, and there are enough if there are offsets."""
    whole = ranges_of(lengths)

    pieces = split(whole, fewest)

    def offsets(ranges: list[Range]) -> list[tuple[Place, int]]:
        return [(r.place, n) for r in ranges for n in range(r.start, r.end)]

    assert offsets(pieces) == offsets(whole)
    assert all(piece.size for piece in pieces)
    assert len(pieces) >= min(fewest, sum(lengths.values()))


@given(LENGTHS, st.integers(1, 500))
@example({("a", 0): 1, ("a", 1): 1, ("b", 0): 4}, 3)
def test_a_limit_leaves_everybody_a_share(lengths: dict[Place, int], most: int) -> None:
    """No more than asked for, but one each, never past the end, always onwards."""
    starts = dict.fromkeys(lengths, 10)
    ends = {place: 10 + length for place, length in lengths.items()}

    limited = limit(starts, ends, most)

    taken = {place: limited[place] - 10 for place in lengths}
    assert all(0 <= taken[place] <= lengths[place] for place in lengths)
    assert all(taken[place] for place in lengths if lengths[place])
    assert sum(taken.values()) <= max(most, len(lengths))


@pytest.mark.parametrize("fewest", [1, 3])
def test_nothing_is_cut_into_nothing(fewest: int) -> None:
    """A topic without records has no ranges."""
    assert split([], fewest) == []

"""Sent again on purpose: a new generation, and only what was asked for."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from settings.errors import SettingsError
from tests.tasks.conftest import BRIGHT, FAINT, bright, make_filter

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Night = Callable[..., Path]


class Died(BaseException):
    """Stands for a kill at a point of the walk."""


def _generations(sent: Any) -> dict[tuple[str, int], int]:
    """How many alerts of each filter and generation."""
    counted: Counter[tuple[str, int]] = Counter()
    for name, _, generation in sent.elements():
        counted[name, generation] += 1
    return dict(counted)


def test_a_night_is_sent_again_once(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """Asked for twice, or run again without asking: the second generation is one."""
    simulated_night()
    first = walk(filters=[BRIGHT, FAINT])

    second = walk(filters=[BRIGHT, FAINT], generation=1)
    again = walk(filters=[BRIGHT, FAINT], generation=1)
    plain = walk(filters=[BRIGHT, FAINT])

    assert (first.summary.generation, second.summary.generation) == (0, 1)
    assert again.plan.work == plain.plan.work == {}
    assert first.delivered == second.delivered == plain.delivered
    assert second.summary.status == "complete"
    counts = _generations(agree(plain))
    assert counts == {
        (name, number): count
        for name, count in first.delivered.items()
        for number in (0, 1)
    }


def test_some_topics_are_sent_again(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """Only the filters that are named; another that comes later begins at 0."""
    simulated_night()
    walk(filters=[BRIGHT])
    walk(filters=[BRIGHT], generation=1)

    walked = walk(filters=[BRIGHT, FAINT])

    counts = _generations(agree(walked))
    assert set(counts) == {("bright", 0), ("bright", 1), ("faint", 0)}
    assert walked.summary.status == "complete"


def test_a_generation_that_was_interrupted_is_completed(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """Whoever runs the night next completes it, though nobody asks for it again."""
    simulated_night()
    first = walk(filters=[BRIGHT, FAINT])
    published = []

    def die_after_the_first(where: str) -> None:
        published.extend([where] * (where == "published"))
        if published:
            raise Died

    with pytest.raises(Died):
        walk(filters=[BRIGHT, FAINT], generation=1, at=die_after_the_first)
    walked = walk(filters=[BRIGHT, FAINT])

    assert walked.plan.work != {}
    assert walked.delivered == first.delivered
    assert walked.summary.status == "complete"
    assert _generations(agree(walked))["bright", 1] == first.delivered["bright"]


def test_a_replaced_file_is_sent_as_a_new_generation(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """It is refused until a generation is asked for, and no more afterwards."""
    folder = simulated_night()
    walk(filters=[BRIGHT, FAINT])
    path = folder / "part-00000.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    refused = walk(filters=[BRIGHT, FAINT])

    sent = walk(filters=[BRIGHT, FAINT], generation=1)
    after = walk(filters=[BRIGHT, FAINT])

    assert "--generation" in refused.summary.failures[0]
    assert sum(sent.delivered.values()) == 299
    assert after.plan.work == {}
    assert after.summary.status == "complete"
    agree(after)


def test_a_changed_filter_is_sent_again_only_if_asked(
    simulated_night: Night, walk: Any, agree: Any
) -> None:
    """Its new code counts for what is sent from then on."""
    simulated_night()
    first = walk(filters=[BRIGHT])
    brighter = make_filter(
        lambda candidate_magpsf: candidate_magpsf < 17, version="2", name="bright"
    )

    unasked = walk(filters=[brighter])
    asked = walk(filters=[brighter], generation=1)

    assert unasked.plan.work == {}
    assert unasked.delivered == first.delivered
    assert 0 < asked.delivered["bright"] < first.delivered["bright"]
    assert asked.summary.status == "complete"
    agree(asked)


@pytest.mark.parametrize("asked", [0, 3])
def test_a_generation_out_of_turn_is_refused(
    simulated_night: Night, walk: Any, asked: int
) -> None:
    """One that was replaced, or one beyond the next, is a slip of the hand."""
    simulated_night(alerts=20)
    walk(filters=[BRIGHT])
    walk(filters=[BRIGHT], generation=1)

    with pytest.raises(SettingsError, match="ask for 1 to complete it, or for 2"):
        walk(filters=[BRIGHT], generation=asked)


def test_a_late_file_joins_the_generation(
    simulated_night: Night, walk: Any, agree: Any, tmp_path: Path
) -> None:
    """What arrives after a new generation was sent is of that generation."""
    folder = simulated_night()
    late = folder / "part-00002.parquet"
    late.rename(tmp_path / "late")
    walk(filters=[make_filter(bright)])
    walk(filters=[make_filter(bright)], generation=1)
    (tmp_path / "late").rename(late)

    walked = walk(filters=[make_filter(bright)])

    counts = _generations(agree(walked))
    assert counts["bright", 1] == walked.delivered["bright"] > counts["bright", 0]

"""Claims: of two runs of a night, the one that planned first ends."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.access import KafkaAccess
from ledger.claim import claim_night
from ledger.read import LedgerReader
from settings.errors import NewerRunError
from settings.model import Settings
from tasks.distribute_shard import distribute_shards
from tests.tasks.conftest import BRIGHT, FAINT

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Night = Callable[..., Path]


def test_a_stale_plan_sends_nothing(
    simulated_night: Night, walk: Any, agree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that repeats alerts comes between two plans: they are sent once."""
    folder = simulated_night()
    newer: list[Any] = []

    def overtake(job: Any, plan: Any, **options: Any) -> Any:
        """Let another run plan, and distribute, before this one begins."""
        monkeypatch.undo()
        shutil.copy(folder / "part-00001.parquet", folder / "part-00000-again.parquet")
        newer.append(walk(filters=[BRIGHT, FAINT]))
        return distribute_shards(job, plan, **options)

    monkeypatch.setattr("tests.tasks.conftest.distribute_shards", overtake)
    older = walk(filters=[BRIGHT, FAINT])
    after = walk(filters=[BRIGHT, FAINT])

    assert {r.outcome for r in older.reports} == {"newer run"}
    assert sum(newer[0].delivered.values()) == 300
    assert after.plan.work == {}
    assert after.summary.status == "complete"
    agree(after)


def test_an_older_run_does_not_fence_the_newer(
    simulated_night: Night, walk: Any, agree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins while the newer is at work, sees the claim, and leaves it alone."""
    simulated_night()
    plans: list[Any] = []

    def keep(job: Any, plan: Any, **_: Any) -> Any:
        plans.append((job, plan))
        return iter(())

    with monkeypatch.context() as patch:
        patch.setattr("tests.tasks.conftest.distribute_shards", keep)
        walk(filters=[BRIGHT, FAINT])
    outcomes: set[str] = set()

    def begin_the_older(where: str) -> None:
        if where == "begin" and not outcomes:
            outcomes.update(r.outcome for r in distribute_shards(*plans[0]))

    walked = walk(filters=[BRIGHT, FAINT], at=begin_the_older)

    assert outcomes == {"newer run"}
    assert {r.outcome for r in walked.reports} == {"done"}
    assert walked.summary.status == "complete"
    agree(walked)


def test_a_later_claim_has_a_higher_number(
    settings: Settings, simulated_night: Night, walk: Any, access: KafkaAccess
) -> None:
    """Whoever reads the ledger knows the last one of each shard."""
    simulated_night(alerts=20)
    shards = walk(filters=[BRIGHT]).plan.shards
    night = (settings.topics.prefix, "ztf", "20260301")

    first = claim_night(access.publisher, night, shards)
    second = claim_night(access.publisher, night, shards)
    with LedgerReader(access.publisher) as reader:
        reader.read(range(shards), night)

    assert first < second
    assert reader.claims == dict.fromkeys(range(shards), second)


def test_a_run_that_is_claimed_from_while_it_plans(
    simulated_night: Night, walk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends before it distributes anything."""
    simulated_night(alerts=20)

    def claim_twice(*told: Any) -> int:
        number = claim_night(*told)
        claim_night(*told)
        return number

    monkeypatch.setattr("tasks.plan_night.claim_night", claim_twice)
    with pytest.raises(NewerRunError, match="has claimed the night"):
        walk(filters=[BRIGHT])

"""Claims: of two runs of a night, the one that planned first ends."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.access import KafkaAccess
from ledger.claim import claim_night
from ledger.read import LedgerReader
from ledger.transaction import Transactor
from settings.errors import NewerRunError
from settings.model import Settings
from settings.names import transactional_id
from tasks.distribute_shard import distribute_shards
from tasks.read_back import read_back
from tests.tasks.conftest import BRIGHT, FAINT

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Night = Callable[..., Path]


def test_a_stale_plan_sends_nothing(
    simulated_night: Night, walk: Any, agree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that repeats alerts comes between two plans: they are sent once."""
    folder = simulated_night()
    newer: list[Any] = []
    older: list[Any] = []

    def overtake(job: Any, plan: Any, **options: Any) -> Any:
        """Let another run plan, and distribute, before this one begins."""
        monkeypatch.undo()
        shutil.copy(folder / "part-00001.parquet", folder / "part-00000-again.parquet")
        newer.append(walk(filters=[BRIGHT, FAINT]))
        older.extend(distribute_shards(job, plan, **options))
        return older

    monkeypatch.setattr("tests.tasks.conftest.distribute_shards", overtake)
    with pytest.raises(NewerRunError, match="A newer run works on the night"):
        walk(filters=[BRIGHT, FAINT])
    after = walk(filters=[BRIGHT, FAINT])

    assert {r.outcome for r in older} == {"newer run"}
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


@pytest.mark.parametrize("point", ["claimed first", "claimed"])
def test_an_older_claim_does_not_replace_a_newer(
    settings: Settings,
    simulated_night: Night,
    walk: Any,
    access: KafkaAccess,
    point: str,
) -> None:
    """Held up in the midst of claiming, it ends, and leaves the newer run alone."""
    simulated_night(alerts=20)
    shards = walk(filters=[BRIGHT]).plan.shards
    night = (settings.topics.prefix, "ztf", "20260301")
    newer: list[int] = []
    owners: list[Transactor] = []

    def overtake(where: str) -> None:
        if where == point:
            newer.append(claim_night(access.publisher, night, shards))
            name = transactional_id(*night, shards - 1)
            owners.append(Transactor(access.publisher, name))

    with pytest.raises(NewerRunError):
        claim_night(access.publisher, night, shards, at=overtake)
    owners[0].send([], lambda _: ())
    with LedgerReader(access.publisher) as reader:
        reader.read(range(shards), night)

    assert reader.claims == dict.fromkeys(range(shards), newer[0])


def test_a_run_that_was_overtaken_writes_no_summary(
    settings: Settings, simulated_night: Night, walk: Any, access: KafkaAccess
) -> None:
    """The night's record is the newer run's to write."""
    simulated_night(alerts=20)
    plan = walk(filters=[BRIGHT]).plan
    claim_night(
        access.publisher, (settings.topics.prefix, "ztf", "20260301"), plan.shards
    )

    with pytest.raises(NewerRunError, match="A newer run works on the night"):
        read_back(settings, access, plan)


def test_a_run_that_is_claimed_from_while_it_plans(
    simulated_night: Night, walk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends before it distributes anything."""
    simulated_night(alerts=20)

    def claim_twice(*told: Any, **options: Any) -> int:
        number = claim_night(*told, **options)
        claim_night(*told, **options)
        return number

    monkeypatch.setattr("tasks.plan_night.claim_night", claim_twice)
    with pytest.raises(NewerRunError, match="has claimed the night"):
        walk(filters=[BRIGHT])

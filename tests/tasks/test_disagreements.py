"""What a verification makes of evidence made by hand: no Kafka, store or archive."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cluster.contents import Contents
from ledger.row import LedgerRow, PartitionRange
from settings.names import LEDGER_TOPIC
from store.path import StorePath
from store.unit import Unit
from tasks.gather_evidence import Evidence
from tasks.parcel import digest_of
from tasks.plan_night import NightPlan
from tasks.repair_archive import _missing_alerts, _waiting
from tasks.verification import Verification
from tasks.verify_night import verify_night

TOPIC = "fink_faint_ztf"
FILE = "a.parquet"
UNIT = Unit(FILE, StorePath(f"/store/{FILE}"), "id0", (0,), 10, 1000)

Match = tuple[int, int, str]
"""Id, generation and file."""


def sent(ids: Sequence[int], *places: tuple[int, int, int], **fields: Any) -> LedgerRow:
    """Make a row of alerts that stand in partitions: number, first offset, count."""
    ranges = tuple(PartitionRange(p, o, o + n - 1, n) for p, o, n in places)
    row = LedgerRow("sent", "id0", "1", rows=len(ids), digest=digest_of(ids))
    return replace(row, partitions=ranges, archive_slice="000-a", **fields)


def on_topic(
    *records: tuple[int, int, int], generation: int = 0, **first: int
) -> Contents:
    """Make a topic of records: id, partition, offset; `p0` is partition 0's first."""
    ids, partitions, offsets = np.array(records or [(0, 0, 0)], np.int64).T
    several = np.full(len(ids), generation, np.int64)
    there = slice(None if records else 0)
    return Contents(
        ids[there],
        several[there],
        partitions[there],
        offsets[there],
        {int(name[1:]): offset for name, offset in first.items()},
    )


def matched(*matches: Match) -> pa.Table:
    """Make the archive's matches on the topic."""
    ids, generations, files = zip(*matches, strict=True) if matches else ([], [], [])
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "topic": pa.array([TOPIC] * len(ids), pa.string()),
            "generation": pa.array(generations, pa.int32()),
            "file": pa.array(files, pa.string()),
        }
    )


def evidence(
    rows: Mapping[str, LedgerRow],
    there: Contents,
    *matches: Match,
    units: Sequence[Unit] = (UNIT,),
    **fields: Any,
) -> Evidence:
    """Make evidence of one topic; each file has the ids of its matches."""
    generation = max((row.generation for row in rows.values()), default=0)
    stored: dict[str, set[int]] = {unit.name: set() for unit in units}
    for one, _, file in matches:
        stored.get(file, set()).add(one)
    plan = NightPlan(
        survey="ztf",
        night="20260301",
        folder=None if not units else units[0].path,
        partitions={TOPIC: 2, LEDGER_TOPIC: 1},
        units=tuple(units),
        filters={},
        catalogue={},
        work={},
        types={},
    )
    made = Evidence(
        plan=plan,
        ledger={(file, TOPIC): row for file, row in rows.items()},
        generations={TOPIC: generation},
        topics={TOPIC: there},
        matches=matched(*matches),
        set_aside=matched(),
        alerts=np.unique(np.array([m[0] for m in matches], np.int64)),
        pending=(),
        stored={n: np.array(sorted(i), np.int64) for n, i in stored.items()},
        names={TOPIC: "faint"},
    )
    return replace(made, **fields)


def told(found: Verification) -> list[tuple[str, tuple[int, ...], bool]]:
    """Give kind, ids and whether it can be repaired, of each problem."""
    return [(p.kind, p.ids, p.repairable) for p in found.problems]


TWO_PLACES = sent([1, 2, 3, 4], (0, 0, 2), (1, 0, 2))
"""Two alerts in each of two partitions."""

MATCHES: list[Match] = [(n, 0, FILE) for n in (1, 2, 3, 4)]
"""Their matches."""

PLACES = {1: (1, 0, 0), 2: (2, 0, 1), 3: (3, 1, 0), 4: (4, 1, 1)}
"""Where they stand."""


def of_two_places(*left: int, **first: int) -> Verification:
    """Verify the two partitions with some alerts left in them."""
    there = on_topic(*(PLACES[n] for n in left), **first)
    return verify_night(evidence({FILE: TWO_PLACES}, there, *MATCHES))


def test_all_agree() -> None:
    """Four alerts that everybody knows are no disagreement."""
    found = of_two_places(1, 2, 3, 4, p0=0, p1=0)

    assert (found.problems, found.notes) == ((), ())


def test_what_expired_is_excused() -> None:
    """The first partition begins behind what it lacks."""
    found = of_two_places(3, 4, p0=2, p1=0)

    assert found.problems == ()
    assert [f.expired for f in found.files] == [2]


def test_expiry_excuses_only_its_own_partition() -> None:
    """The first partition has lost one for its age; the second one without a reason."""
    found = of_two_places(2, 3, p0=1, p1=0)

    assert told(found) == [("lost", (1, 4), False)]
    assert found.problems[0].text.startswith(f"{TOPIC}: 1 alerts of {FILE} were sent")
    assert [f.expired for f in found.files] == [1]


def test_expiry_excuses_no_more_than_the_offsets_that_are_gone() -> None:
    """One offset is gone, two alerts of that partition are missing."""
    found = of_two_places(3, 4, p0=1, p1=0)

    assert told(found) == [("lost", (1, 2), False)]


def test_nothing_expired_so_all_can_be_sent_again() -> None:
    """Both partitions begin where the file does."""
    found = of_two_places(1, 3, p0=0, p1=0)

    assert told(found) == [("lost", (2, 4), True)]


def test_alerts_with_two_matches_are_named() -> None:
    """Two rows of the ledger and two matches, once on the topic: it was sent twice."""
    other = replace(UNIT, name="b.parquet")
    rows = {FILE: sent([1], (0, 0, 1)), "b.parquet": sent([1], (0, 0, 1))}
    found = verify_night(
        evidence(
            rows,
            on_topic((1, 0, 0), p0=0),
            (1, 0, FILE),
            (1, 0, "b.parquet"),
            units=[UNIT, other],
        )
    )

    assert told(found) == [("doubled", (1,), False)]
    assert "more than one match" in found.problems[0].text


@pytest.mark.parametrize(("units", "kinds"), [([UNIT], ["failed"]), ([], [])])
def test_failures_on_files_that_left_are_passed_over(
    units: list[Unit], kinds: list[str]
) -> None:
    """Where the file is there it is a problem, and else a note."""
    row = LedgerRow("failed", "id0", "1", reason="It raised.")

    found = verify_night(evidence({FILE: row}, on_topic(p0=0), units=units))

    assert [p.kind for p in found.problems] == kinds
    assert any("1 failures were passed over" in n for n in found.notes) != bool(units)


def test_a_unit_that_waits_for_another_is_unsent() -> None:
    """A run has two passes over files that share alerts: both are told."""
    whole = evidence({FILE: TWO_PLACES}, on_topic(*PLACES.values(), p0=0), *MATCHES)
    plan = replace(whole.plan, deferred=("b.parquet",))

    found = verify_night(replace(whole, plan=plan))

    assert [(p.kind, p.file) for p in found.problems] == [("unsent", "b.parquet")]


def lost_of(row: LedgerRow, *units: Unit, **fields: Any) -> Verification:
    """Verify a topic that has lost the one alert of a file."""
    match = (1, row.generation, FILE)
    return verify_night(
        evidence({FILE: row}, on_topic(p0=0), match, units=units, **fields)
    )


ONE = sent([1], (0, 0, 1))
"""A row of one alert."""


@pytest.mark.parametrize(
    ("row", "units", "repairable"),
    [
        (ONE, [UNIT], True),
        (ONE, [], True),
        (ONE, [replace(UNIT, identity="other")], True),
        (replace(ONE, generation=1), [UNIT], True),
        (replace(ONE, generation=1), [], False),
        (replace(ONE, generation=1), [replace(UNIT, identity="other")], False),
    ],
)
def test_a_new_generation_is_repaired_from_its_own_file_only(
    row: LedgerRow, units: list[Unit], *, repairable: bool
) -> None:
    """The archive may have the content of a file that was replaced before it."""
    (problem,) = [p for p in lost_of(row, *units).problems if p.kind == "lost"]

    assert problem.repairable is repairable
    assert ("send it by --generation 2" in problem.text) is not repairable


def test_files_of_two_contents_are_not_repaired_from_the_archive() -> None:
    """Another topic had the file under another identity, in the same generation."""
    whole = evidence({FILE: ONE}, on_topic(p0=0), (1, 0, FILE), units=[])
    other = replace(ONE, identity="id1", rows=0, digest=digest_of([]), partitions=())
    ledger = dict(whole.ledger) | {(FILE, "fink_bright_ztf"): other}

    found = verify_night(replace(whole, ledger=ledger))

    assert told(found) == [("lost", (1,), False)]


def test_alerts_that_a_new_generation_lacks_are_noted() -> None:
    """A file that had left before is in the older one only."""
    row = sent([1], (0, 1, 1), generation=1)
    there = on_topic((1, 0, 1), generation=1, p0=0)
    found = verify_night(
        evidence({FILE: row}, there, (1, 0, FILE), (1, 1, FILE), (7, 0, "gone"))
    )

    assert found.problems == ()
    assert (
        "1 alerts of older generations are not in the newest: the store does not have"
        " their files." in found.notes
    )


def test_alerts_are_archived_again_from_their_own_file_only() -> None:
    """Not from one that has replaced it."""
    whole = evidence(
        {FILE: ONE}, on_topic((1, 0, 0), p0=0), (1, 0, FILE), alerts=np.empty(0)
    )
    replaced = replace(whole.plan, units=(replace(UNIT, identity="other"),))

    assert {f: i.tolist() for f, i in _missing_alerts(whole).items()} == {FILE: [1]}
    assert _missing_alerts(replace(whole, plan=replaced)) == {}


def test_what_waits_to_be_shown_is_not_archived_again() -> None:
    """The ledger names a slice that an interrupted run has left unseen."""
    whole = evidence({FILE: ONE}, on_topic((1, 0, 0), p0=0))

    assert _waiting(whole) == set()
    assert _waiting(replace(whole, pending=("000-a",))) == {FILE}

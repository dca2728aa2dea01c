"""A filter is confirmed where ledger and archive say the same, or says what is not."""

from collections.abc import Sequence
from typing import Any

import pytest

from ledger.row import LedgerRow, PartitionRange
from nightmail import Filter
from settings.model import Settings
from settings.names import LEDGER_TOPIC
from store.path import StorePath
from store.unit import Unit
from tasks.confirm_filter import Confirmation, confirm_filter
from tasks.plan_night import NightPlan
from tasks.read_back import Archived, ReadBack

TOPIC = "fink_bright_ztf"
SETTINGS = Settings()
BRIGHT = Filter("bright", "ztf", "", "", ("magpsf",), None, "", "2")


def _unit(name: str) -> Unit:
    return Unit(name, StorePath(name), f"identity of {name}", (0,), 10, 100)


def _row(unit: str, outcome: str = "sent", rows: int = 0, **fields: Any) -> LedgerRow:
    """Say that a unit delivered all that the filter kept."""
    ranges = (PartitionRange(0, 0, rows, rows),) if rows else ()
    known: dict[str, Any] = {"rows": rows, "partitions": ranges} | fields
    return LedgerRow(outcome, f"identity of {unit}", "2", **known)


def _confirm(
    rows: dict[str, LedgerRow],
    *,
    archived: int = 0,
    units: Sequence[str] = ("a", "b"),
    broken: dict[str, str] | None = None,
    known: bool = True,
) -> Confirmation:
    filters = {"bright": BRIGHT} if known else {}
    plan = NightPlan(
        survey="ztf",
        night="20260301",
        folder=None,
        partitions={LEDGER_TOPIC: 16},
        units=tuple(_unit(name) for name in units),
        filters=filters,
        catalogue=filters,
        work={},
        types={},
        broken=broken or {},
    )
    other = {("a", "fink_other_ztf"): _row("a", "failed", reason="not ours")}
    entries = {(unit, TOPIC): row for unit, row in rows.items()} | other
    back = ReadBack(entries, {TOPIC: Archived(archived, {})} if archived else {}, {}, 0)
    return confirm_filter(SETTINGS, plan, back, "bright")


def test_all_adds_up() -> None:
    """What was kept was delivered and archived: nothing to say."""
    rows = {"a": _row("a", rows=2), "b": _row("b", rows=1)}

    confirmed = _confirm(rows, archived=3)

    assert confirmed == Confirmation("bright", tuple(rows.values()), 3, ())


def test_nothing_kept_adds_up_too() -> None:
    """A quiet night of a filter is no failure."""
    assert _confirm({"a": _row("a"), "b": _row("b")}).failures == ()


@pytest.mark.parametrize(
    ("archived", "counted", "failures"),
    [
        (1, 2, ("2 alerts were delivered, 1 archived.",)),
        (3, 2, ("2 alerts were delivered, 3 archived.",)),
        (2, 1, ("2 alerts were kept, 1 delivered.",)),
    ],
)
def test_a_difference_is_a_failure(
    archived: int, counted: int, failures: tuple[str, ...]
) -> None:
    """It says how many are where."""
    ranges = (PartitionRange(0, 4, 9, counted),)
    rows = {"a": _row("a", rows=2, partitions=ranges), "b": _row("b")}

    assert _confirm(rows, archived=archived).failures == failures


def test_a_failure_is_told_once_with_its_files() -> None:
    """The same reason of many files is one sentence."""
    rows = {u: _row(u, "failed", reason="no column x") for u in ("a", "b", "c")}
    rows["d"] = _row("d", "failed", reason="one row is odd")

    assert _confirm(rows, units=("a", "b", "c", "d")).failures == (
        "no column x (in a and 2 more files)",
        "one row is odd (in d)",
    )


def test_a_failure_of_a_file_that_is_gone_is_forgotten() -> None:
    """The store was mended: what its files say now counts."""
    rows = {"a": _row("a"), "b": _row("b"), "gone": _row("gone", "failed", reason="x")}

    assert _confirm(rows).failures == ()


def test_what_a_file_that_is_gone_had_sent_counts() -> None:
    """It is on the topic and in the archive."""
    rows = {"a": _row("a"), "b": _row("b"), "gone": _row("gone", rows=2)}

    assert _confirm(rows, archived=2).failures == ()


def test_a_file_without_a_row_has_not_been_done() -> None:
    """The run was cut off before it, or the file cannot be read."""
    assert _confirm({"a": _row("a")}).failures == ("It has not run on b.",)
    assert _confirm({}).failures == ("It has not run on a and 1 more file.",)


def test_what_an_older_version_sent_is_done() -> None:
    """What it failed on is not."""
    old = LedgerRow("sent", "identity of a", "1")
    failed = LedgerRow("failed", "identity of b", "1", reason="x")

    assert _confirm({"a": old, "b": failed}).failures == (
        "x (in b)",
        "It has not run on b.",
    )


def test_what_was_set_aside_is_a_failure() -> None:
    """Some alert that the filter kept is on no topic."""
    rows = {"a": _row("a", rows=1, set_aside=2), "b": _row("b", set_aside=1)}

    (failure,) = _confirm(rows, archived=1).failures

    assert failure.startswith("3 alerts cannot be sent")


def test_a_filter_that_cannot_be_loaded() -> None:
    """Why is all there is to say."""
    confirmed = _confirm({}, broken={"bright": "SyntaxError: line 3"})

    assert confirmed == Confirmation("bright", (), 0, ("SyntaxError: line 3",))


def test_a_filter_that_has_left_the_catalogue() -> None:
    """What it had sent is confirmed; it is not expected on other files."""
    confirmed = _confirm({"a": _row("a", rows=2)}, archived=2, known=False)

    assert confirmed.failures == ()

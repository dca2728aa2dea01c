"""One unit on its way: what is sent, set aside, archived and remembered."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

import tasks.parcel
from archive.kinds import MATCHES_SCHEMA, SET_ASIDE_SCHEMA
from ledger.deliveries import Deliveries
from ledger.transaction import MAX_MESSAGE_BYTES
from nightmail import AlertError, Filter
from store.path import StorePath
from store.unit import Unit
from tasks.outbox import Outbox
from tasks.parcel import Parcel, digest_of
from tasks.select_alerts import Selection

UNIT = Unit(
    "part-0.parquet", StorePath("/somewhere/part-0.parquet"), "abcd", (0,), 9, 1000
)


def _filter(name: str, version: str = "1") -> Filter:
    return Filter(
        name, "ztf", f"{name}.", "a@example.org", ("magpsf",), None, "", version
    )


def _selection() -> Selection:
    """Alerts 11, 12, 13: bright keeps the first two, faint the last, none nothing."""
    return Selection(
        rows=np.array([0, 4, 8]),
        ids=np.array([11, 12, 13]),
        objects=[0, 1, 2],
        classes=["Star", "QSO", "Star"],
        masks={
            "bright": np.array([True, True, False]),
            "faint": np.array([False, False, True]),
            "none": np.zeros(3, bool),
        },
        failures={"picky": "ValueError: one row is odd"},
        seconds=dict.fromkeys(("bright", "faint", "none", "picky"), 0.5),
        nulls={"faint": ("anomaly_score",)},
        read=9,
        duplicates=0,
        missing={"picky": ("magpfs",)},
    )


@pytest.fixture
def parcel() -> Iterator[Parcel]:
    filters = {n: _filter(n) for n in ("bright", "faint", "none", "picky")}
    topics = {name: f"fink_{name}_ztf" for name in filters}
    with Outbox(b"key", []) as outbox:
        yield Parcel(UNIT, filters, topics, _selection(), outbox, {})


@dataclass(frozen=True)
class _Message:
    """What a delivery report tells of a message."""

    _offset: int
    _size: int

    def offset(self) -> int:
        return self._offset

    def __len__(self) -> int:
        return self._size


def _sent() -> Deliveries:
    sent = Deliveries()
    for partition, size in ((1, 70), (0, 7)):
        sent.listener("fink_bright_ztf", partition)(None, _Message(5, size))
    return sent


def test_all_that_fits_is_sent(parcel: Parcel) -> None:
    """The outbox has each alert with the filters that want it."""
    sent = parcel.pack(slice(0, 3), [b"a", b"bc", b"def"])

    assert sent.tolist() == [True, True, True]
    partitions = {f"fink_{n}_ztf": 1 for n in ("bright", "faint")}
    records = list(
        parcel.outbox.records(parcel.topics, partitions=partitions, generations={})
    )
    assert [(r.topic, r.value) for r in records] == [
        ("fink_bright_ztf", b"a"),
        ("fink_bright_ztf", b"bc"),
        ("fink_faint_ztf", b"def"),
    ]


def test_what_cannot_be_sent_is_set_aside(parcel: Parcel) -> None:
    """Too large, or not to be encoded: counted with each filter that wants it."""
    sent = parcel.pack(slice(0, 1), [bytes(MAX_MESSAGE_BYTES)]).tolist()
    sent += parcel.pack(
        slice(1, 3), [b"x", AlertError("It has a map with one key twice.")]
    ).tolist()

    assert sent == [False, True, False]
    rows = [parcel.row(n, "007-a", _sent()) for n in ("bright", "faint")]
    assert [(r.rows, r.set_aside) for r in rows] == [(1, 1), (0, 1)]
    assert parcel.matches().column("id").to_pylist() == [12]
    left = parcel.left_over()
    assert left.schema == SET_ASIDE_SCHEMA
    assert left.column("filter").to_pylist() == ["bright", "faint"]
    assert left.column("row").to_pylist() == [0, 8]
    too_large, twice = map(str, left.column("reason").to_pylist())
    assert "too large: 4,000,000 bytes" in too_large
    assert twice == "It has a map with one key twice."


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_RECORDS", 1), ("MAX_BYTES", 10), ("MAX_PARTITIONS", 15)]
)
def test_one_transaction_is_bounded(
    parcel: Parcel, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    """Too many records, bytes or partitions for one: but a single topic stays whole."""
    partitions = dict.fromkeys(parcel.topics.values(), 4)
    parcel.pack(slice(0, 3), [b"abc", b"abc", b"abc"])
    assert not parcel.is_too_much(partitions)
    monkeypatch.setattr(tasks.parcel, limit, value)

    assert parcel.is_too_much(partitions)
    parcel.topics = {"bright": "fink_bright_ztf"}
    assert not parcel.is_too_much(partitions)


def test_the_largest_message_is_sent(parcel: Parcel) -> None:
    """Room is left for key and headers, and no more than that."""
    sent = parcel.pack(slice(0, 1), [bytes(MAX_MESSAGE_BYTES - 3000)])

    assert sent.tolist() == [True]


def test_matches_say_who_wanted_what(parcel: Parcel) -> None:
    """A row for each filter and alert, in the archive's schema."""
    matches = parcel.matches()

    assert matches.schema == MATCHES_SCHEMA
    assert matches.column("id").to_pylist() == [11, 12, 13]
    assert matches.column("filter").to_pylist() == ["bright", "bright", "faint"]
    assert matches.to_pylist()[1] == {
        "id": 12,
        "filter": "bright",
        "topic": "fink_bright_ztf",
        "class": "QSO",
        "generation": 0,
        "file": "part-0.parquet",
    }


def test_what_was_sent_is_remembered(parcel: Parcel) -> None:
    """The row has counts, ids, classes, offsets and the slice."""
    row = parcel.row("bright", "007-a", _sent())

    assert (row.outcome, row.identity, row.filter_version) == ("sent", "abcd", "1")
    assert (row.rows, row.read, row.size, row.seconds) == (2, 9, 77, 0.5)
    assert row.digest == digest_of([11, 12])
    assert row.classes == {"Star": 1, "QSO": 1}
    assert [p.partition for p in row.partitions] == [0, 1]
    assert row.archive_slice == "007-a"


def test_a_filter_that_keeps_nothing_is_remembered_too(parcel: Parcel) -> None:
    """It is done, though no slice of the archive has anything of it."""
    row = parcel.row("none", "007-a", _sent())

    assert (row.outcome, row.rows, row.archive_slice) == ("sent", 0, None)
    assert row.partitions == ()


def test_a_failure_is_remembered(parcel: Parcel) -> None:
    """With its reason, and the columns that are missing."""
    row = parcel.row("picky", "007-a", _sent())

    assert (row.outcome, row.rows, row.archive_slice) == ("failed", 0, None)
    assert row.reason == "ValueError: one row is odd"
    assert row.nulls == ("magpfs",)


def test_columns_taken_as_null_are_remembered(parcel: Parcel) -> None:
    """So that it can be told later which alerts a filter saw incompletely."""
    assert parcel.row("faint", "007-a", _sent()).nulls == ("anomaly_score",)


def test_the_digest_is_of_all_that_decides(parcel: Parcel) -> None:
    """File, generation, filters and their versions, not the filters' order."""
    digest = parcel.digest()
    changed = [
        replace(parcel, unit=replace(UNIT, name="part-1.parquet")),
        replace(parcel, unit=replace(UNIT, identity="ef01")),
        replace(parcel, generations={"fink_bright_ztf": 1}),
        replace(parcel, filters={**parcel.filters, "bright": _filter("bright", "2")}),
        replace(parcel, filters={"bright": parcel.filters["bright"]}),
    ]
    turned = replace(
        parcel,
        filters={n: parcel.filters[n] for n in sorted(parcel.filters, reverse=True)},
    )

    assert len({digest, *(other.digest() for other in changed)}) == 6
    assert turned.digest() == digest


def test_the_digest_of_ids_has_no_order() -> None:
    """It is of the set, and stays the same in every version: it is in the ledger."""
    assert digest_of([3, 1, 2]) == digest_of([1, 2, 3]) == "ad53e8806d17c82d"
    assert digest_of([]) == "e3b0c44298fc1c14"
    assert digest_of([12]) != digest_of([1, 2])

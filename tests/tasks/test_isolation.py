"""One topic or one alert that fails: the others are delivered, and it is named."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

import tasks.parcel
from archive.views import open_archive
from cluster.access import KafkaAccess
from cluster.topics import ensure_topics
from settings.errors import SettingsError
from settings.model import Settings
from settings.names import LEDGER_TOPIC, PUBLISHER
from tests.tasks.conftest import BRIGHT, FAINT, find_alerts, make_filter

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Night = Callable[..., Path]

STAMPED = pa.schema(
    [
        ("candid", pa.int64()),
        ("candidate", pa.struct([("magpsf", pa.float64())])),
        ("stats", pa.map_(pa.string(), pa.float64())),
        ("stamp", pa.binary()),
    ]
)
"""Alerts that can be made too large, or impossible to encode."""


@contextmanager
def _denied(
    access: KafkaAccess, topic: str, right: AclOperation = AclOperation.WRITE
) -> Iterator[None]:
    """Deny the publisher a right on a topic for a while."""
    admin = AdminClient(dict(access.admin))
    fields = (
        ResourceType.TOPIC,
        topic,
        ResourcePatternType.LITERAL,
        f"User:{PUBLISHER}",
        "*",
        right,
        AclPermissionType.DENY,
    )
    for future in admin.create_acls([AclBinding(*fields)]).values():
        future.result()
    try:
        yield
    finally:
        for future in admin.delete_acls([AclBindingFilter(*fields)]).values():
            future.result()


def _limit(access: KafkaAccess, topic: str, size: int) -> None:
    """Set the size of the batches that a topic takes [byte]."""
    admin = AdminClient(dict(access.admin))
    entry = ConfigEntry(
        "max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET
    )
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result()


@pytest.fixture
def topics(settings: Settings, access: KafkaAccess) -> list[str]:
    """Make the topics of BRIGHT and FAINT."""
    names = [f"{settings.topics.prefix}{n}_ztf" for n in ("bright", "faint")]
    ensure_topics(access, settings, names)
    return names


@pytest.fixture
def stamped_night(settings: Settings) -> Callable[..., None]:
    """Put a night of six alerts into the store, with stamps of these sizes [byte]."""

    def put(sizes: dict[int, int], twice: int | None = None) -> None:
        rows = [
            {
                "candid": number,
                "candidate": {"magpsf": 15.0 if number < 5 else 19.0},
                "stats": [("m0", 1.0), ("m0" if number == twice else "m1", 2.0)],
                "stamp": Random(number).randbytes(sizes.get(number, 10)),
            }
            for number in range(1, 7)
        ]
        folder = settings.store_root("ztf") / "science" / "20260301"
        folder.mkdir(parents=True)
        table = pa.Table.from_pylist(rows, schema=STAMPED)
        pq.write_table(table, folder / "a.parquet")

    return put


def _remaining(walked: Any) -> set[str]:
    """Tell which filters the run had work for."""
    return {n for ws in walked.plan.work.values() for w in ws for n in w.filters}


def _deny(access: KafkaAccess, topic: str) -> Any:
    return _denied(access, topic)


def _shrink(access: KafkaAccess, topic: str) -> Any:
    @contextmanager
    def small() -> Iterator[None]:
        _limit(access, topic, 1000)
        yield
        _limit(access, topic, 4_194_304)

    return small()


@pytest.mark.parametrize(
    ("ill", "says"),
    [(_deny, "grant it Write"), (_shrink, "max.message.bytes to 4194304")],
    ids=["denied", "too small"],
)
def test_a_topic_that_would_refuse_is_known_beforehand(  # noqa: PLR0913, PLR0917
    access: KafkaAccess,
    topics: list[str],
    simulated_night: Night,
    walk: Any,
    agree: Any,
    ill: Any,
    says: str,
) -> None:
    """It is named, nothing is tried on it, and mended it is all that comes next."""
    simulated_night()

    with ill(access, topics[1]):
        walked = walk(filters=[BRIGHT, FAINT])
        again = walk(filters=[BRIGHT, FAINT])
    mended = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "failed"
    assert set(walked.failures) == {"faint"}
    assert topics[1] in walked.failures["faint"][0]
    assert says in walked.failures["faint"][0]
    assert _remaining(walked) == {"bright"}
    assert again.plan.work == {}
    assert again.failures == walked.failures
    assert walked.delivered["faint"] == 0 < walked.delivered["bright"]
    assert _remaining(mended) == {"faint"}
    assert mended.summary.status == "complete"
    agree(mended)


def test_a_refusing_topic_that_has_all_is_no_failure(
    access: KafkaAccess, topics: list[str], simulated_night: Night, walk: Any
) -> None:
    """A right that is gone after the night was sent does not matter to it."""
    simulated_night()
    walk(filters=[BRIGHT, FAINT])

    with _denied(access, topics[1]):
        walked = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == "complete"


def test_a_ledger_that_cannot_be_written_stops_the_night(
    access: KafkaAccess, simulated_night: Night, walk: Any
) -> None:
    """Without the ledger nothing may be sent at all."""
    simulated_night(alerts=20)

    with (
        _denied(access, LEDGER_TOPIC),
        pytest.raises(SettingsError, match=f"may not write {LEDGER_TOPIC}: grant"),
    ):
        walk(filters=[BRIGHT, FAINT])


def test_a_topic_that_cannot_be_made(
    settings: Settings, access: KafkaAccess, simulated_night: Night, walk: Any
) -> None:
    """A missing topic is its filter's failure; the others are delivered."""
    simulated_night()
    walk(filters=[BRIGHT])
    missing = f"{settings.topics.prefix}faint_ztf"
    makes_none = replace(access, admin=access.publisher)
    other = make_filter(lambda candidate_magpsf: candidate_magpsf < 17, name="bright2")
    ensure_topics(access, settings, [f"{settings.topics.prefix}bright2_ztf"])

    walked = walk(filters=[other, FAINT], access=makes_none)

    assert f"There is no topic {missing}" in walked.failures["faint"][0]
    assert set(walked.failures) == {"faint"}
    assert walked.delivered["bright2"] > 0


@pytest.mark.parametrize("point", ["owned", "produce"])
def test_a_topic_that_is_denied_meanwhile(  # noqa: PLR0913, PLR0917
    access: KafkaAccess,
    topics: list[str],
    simulated_night: Night,
    walk: Any,
    agree: Any,
    point: str,
) -> None:
    """A right that is taken in mid-run is found, though no report names the topic."""
    simulated_night(alerts=60, rows_per_file=60)
    denials: list[Any] = []

    def deny(where: str) -> None:
        if where == point and not denials:
            denials.append(_denied(access, topics[1]))
            denials[0].__enter__()

    walked = walk(filters=[BRIGHT, FAINT], at=deny)
    denials[0].__exit__(None, None, None)
    assert walked.summary.status == "failed"
    assert topics[1] in " ".join(walked.summary.failures)
    assert walked.delivered["faint"] == 0 < walked.delivered["bright"]

    mended = walk(filters=[BRIGHT, FAINT])
    assert _remaining(mended) == {"faint"}
    assert mended.summary.status == "complete"
    agree(mended)


def test_an_alert_that_its_topic_finds_too_large(
    access: KafkaAccess, topics: list[str], stamped_night: Any, walk: Any, agree: Any
) -> None:
    """A topic may take less than we send: it is named when the broker says so."""
    stamped_night({6: 2_000_000})
    _limit(access, topics[1], 1_100_000)

    walked = walk(filters=[BRIGHT, FAINT])
    assert topics[1] in " ".join(walked.summary.failures)
    assert walked.delivered == {"bright": 4, "faint": 0}

    _limit(access, topics[1], 4_194_304)
    mended = walk(filters=[BRIGHT, FAINT])
    assert _remaining(mended) == {"faint"}
    assert mended.delivered == {"bright": 4, "faint": 2}
    agree(mended)


def test_an_alert_that_cannot_be_sent_is_set_aside(
    settings: Settings, stamped_night: Any, walk: Any, agree: Any
) -> None:
    """Too large, or a map with one key twice: kept aside, the others delivered."""
    stamped_night({4: 4_100_000}, twice=3)

    walked = walk(filters=[BRIGHT, FAINT])
    again = walk(filters=[BRIGHT, FAINT])

    assert walked.summary.status == again.summary.status == "failed"
    assert set(walked.failures) == {"bright"}
    assert walked.failures["bright"][0].startswith("2 alerts cannot be sent")
    assert again.plan.work == {}
    topic, _ = walked.summary.topics
    assert (topic.kept, topic.set_aside, topic.delivered) == (4, 2, 2)
    assert set(find_alerts(settings)) == {1, 2, 5, 6}
    agree(walked)
    with open_archive(settings.archive_root(), "ztf") as archive:
        rows = archive.execute(
            "select id, filter, file, row, night, reason from set_aside order by id"
        ).fetchall()
    assert [row[:5] for row in rows] == [
        (3, "bright", "a.parquet", 2, "20260301"),
        (4, "bright", "a.parquet", 3, "20260301"),
    ]
    assert "twice" in rows[0][5]
    assert "too large: 4,100," in rows[1][5]


def test_a_unit_of_nothing_but_what_cannot_be_sent(
    settings: Settings, stamped_night: Any, walk: Any
) -> None:
    """It is set aside in an archive that has no alert at all."""
    stamped_night(dict.fromkeys((5, 6), 4_100_000))

    walked = walk(filters=[FAINT])

    assert (walked.summary.status, walked.summary.kept) == ("failed", 0)
    with open_archive(settings.archive_root(), "ztf") as archive:
        rows = archive.execute("select id, class from set_aside").fetchall()
        assert archive.execute("select count(*) from alerts").fetchone() == (0,)
    assert sorted(one for one, _ in rows) == [5, 6]


def test_more_than_one_transaction_holds(
    simulated_night: Night, walk: Any, agree: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Topics that are too much together are sent one after the other."""
    simulated_night(alerts=60, rows_per_file=60)
    everything = [
        make_filter(lambda candidate_magpsf: candidate_magpsf > 0, name=f"all_{n}")
        for n in range(4)
    ]
    monkeypatch.setattr(tasks.parcel, "MAX_RECORDS", 130)
    begun = []

    walked = walk(
        filters=everything, at=lambda where: begun.extend([where] * (where == "begin"))
    )

    assert len(begun) == 2
    assert set(walked.delivered.values()) == {60}
    assert walked.summary.status == "complete"
    agree(walked)

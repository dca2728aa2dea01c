"""Following the ledger: only what is committed, and only from now on."""

import time
from typing import Any

import pytest

from cluster.access import KafkaAccess
from ledger.follow import LedgerFollower
from ledger.record import Record
from ledger.row import LedgerKey, LedgerRow
from ledger.transaction import Transactor
from settings.model import Settings
from settings.names import LEDGER_TOPIC, transactional_id

pytestmark = pytest.mark.kafka

NIGHT = "20260301"
PATIENCE_S = 20.0


def _remember(prefix: str, night: str, unit: str) -> Any:
    key = LedgerKey(prefix, "ztf", night, unit, f"{prefix}any_ztf")
    row = LedgerRow("sent", "identity", "version", rows=3)
    return lambda _: [Record(LEDGER_TOPIC, 1, key.encode(), row.encode())]


def test_what_is_committed_from_now_on(settings: Settings, access: KafkaAccess) -> None:
    """Neither what was there before, nor other nights, nor what was not committed."""
    prefix = settings.topics.prefix
    owner = transactional_id(prefix, "ztf", NIGHT, 1)
    producer = Transactor(access.publisher, owner)
    producer.send([], _remember(prefix, NIGHT, "before"))
    night = (prefix, "ztf", NIGHT)
    found: dict[str, int] = {}

    with LedgerFollower(access.publisher, 2, night=night) as follower:
        # It stands at the end once it has been asked and had nothing to tell.
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            assert list(follower.read_new()) == []
        producer.send([], _remember(prefix, "20260302", "elsewhere"))
        producer.send([], _remember(prefix, NIGHT, "now"))
        deadline = time.monotonic() + PATIENCE_S
        while not found and time.monotonic() < deadline:
            found |= {key.unit: row.rows for key, row in follower.read_new()}

    assert found == {"now": 3}

"""A Kafka without network, for tests of the reader."""

import pytest

from client.tests.fake_kafka import CONFIG, FakeBroker
from nightmail import AlertConsumer, _feed


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> FakeBroker:
    """Give a broker without network."""
    broker = FakeBroker()
    monkeypatch.setattr(_feed, "Consumer", broker)
    return broker


@pytest.fixture
def consumer(broker: FakeBroker) -> AlertConsumer:
    """Give a consumer of that broker."""
    assert not broker.closed
    return AlertConsumer(["fink_x_ztf"], CONFIG)

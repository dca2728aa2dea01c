"""What Kafka answers, in our words."""

from concurrent.futures import Future

import pytest
from confluent_kafka import KafkaError, KafkaException

from cluster.access import KafkaAccess
from cluster.answers import wait_for
from settings.errors import (
    BrokerUnavailableError,
    ClusterError,
    NightmailError,
    SettingsError,
)

ACCESS = KafkaAccess("a:1", None, local=False, publisher={}, admin={})


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        (
            KafkaError.CLUSTER_AUTHORIZATION_FAILED,
            SettingsError,
            "user ANONYMOUS may not grant rights at a:1: grant it Alter",
        ),
        (KafkaError.INVALID_CONFIG, SettingsError, "a:1 will not grant rights: why"),
        (KafkaError._TRANSPORT, BrokerUnavailableError, "a:1 does not answer"),
        (KafkaError.REQUEST_TIMED_OUT, BrokerUnavailableError, "a:1 does not answer"),
        (KafkaError.UNKNOWN, ClusterError, "a:1 could not grant rights: why"),
    ],
)
def test_each_kind_has_its_sentence(
    code: int, kind: type[NightmailError], told: str
) -> None:
    """The error tells what to do next, and keeps its cause."""
    answer: Future[None] = Future()
    answer.set_exception(KafkaException(KafkaError(code, "why")))

    with pytest.raises(kind, match=told) as refused:
        wait_for([answer], ACCESS, deed="grant rights", right="Alter")

    assert isinstance(refused.value.__cause__, KafkaException)

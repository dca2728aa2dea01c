"""What is asked again, and for how long."""

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

from cluster.reading import NO_LEADER, once_led


def _answering(*codes: int) -> Callable[[], str]:
    """Make a question that Kafka first answers with these errors."""
    left = list(codes)

    def ask() -> str:
        if left:
            raise KafkaException(KafkaError(left.pop(0)))
        return "an offset"

    return ask


@pytest.mark.parametrize("code", sorted(NO_LEADER))
def test_a_partition_without_a_leader_is_asked_again(code: int) -> None:
    """One just made has none, and one just elected does not know its end."""
    assert once_led(_answering(code, code)) == "an offset"


def test_it_is_not_asked_for_ever() -> None:
    """What stays so is told, with Kafka's own code."""
    forever = _answering(*[KafkaError.OFFSET_NOT_AVAILABLE] * 100)

    with pytest.raises(KafkaException) as told:
        once_led(forever, patience_s=0.2)
    assert told.value.args[0].code() == KafkaError.OFFSET_NOT_AVAILABLE


def test_a_refusal_is_told_at_once() -> None:
    """Nothing changes it."""
    refused = _answering(KafkaError.TOPIC_AUTHORIZATION_FAILED)

    with pytest.raises(KafkaException):
        once_led(refused)
    assert refused() == "an offset"

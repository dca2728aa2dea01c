"""A record for a topic, and the sending of a single one outside of any transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException, Producer

from nightmail.silence import silent_logger
from settings.errors import BrokerUnavailableError


@dataclass(frozen=True, slots=True)
class Record:
    """One record on its way to a topic."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


def send_record(config: Mapping[str, Any], record: Record) -> None:
    """Send one record outside of any transaction, and wait until the broker has it.

    Raises
    ------
    BrokerUnavailableError
        The broker refused it or did not answer.
    """
    refusals: list[str] = []

    def note(error: Any, _: object) -> None:
        if error is not None:
            refusals.append(error.str())

    try:
        producer = Producer(
            dict(config) | {"enable.idempotence": True, "message.timeout.ms": 30_000},
            logger=silent_logger(),
        )
        producer.produce(
            record.topic,
            record.value,
            record.key,
            record.partition,
            headers=list(record.headers),
            on_delivery=note,
        )
        producer.flush()
    except KafkaException as error:
        refusals.append(error.args[0].str())
    if refusals:
        raise BrokerUnavailableError(f"{record.topic} was not written: {refusals[0]}.")

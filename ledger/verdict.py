"""What to do about each error that Kafka gives a transactional producer.

Decided by the error's flags in the order of this table, not by its code alone:
_TIMED_OUT comes both retriable and abortable.

====================================  ========================  ======================
test, in this order                   seen as                   verdict
====================================  ========================  ======================
a newer producer has the id           _FENCED, PRODUCER_FENCED, STOP: someone newer
                                      INVALID_PRODUCER_EPOCH    works here
we may not use the id                 TRANSACTIONAL_ID_...      DENIED: a right is
                                      _AUTHORIZATION_FAILED     missing
fatal()                               INVALID_TXN_STATE         RESTART: new producer,
                                                                ledger again
txn_requires_abort(), blames a topic  MSG_SIZE_TOO_LARGE,       BLAME: leave the topic
                                      TOPIC_AUTHORIZATION_...   out, or halve
txn_requires_abort()                  _INCONSISTENT, _TIMED_OUT RESTART
retriable()                           _TIMED_OUT                AGAIN: the same call
no flag, blames a topic               _UNKNOWN_TOPIC,           BLAME
                                      _UNKNOWN_PARTITION
anything else                                                   RESTART
====================================  ========================  ======================

`produce()` hides the cause of a dead producer behind _FATAL, and that of a dead
transaction behind _STATE; `true_cause` asks for it.
"""

from enum import Enum

from confluent_kafka import KafkaError, KafkaException, Producer


class Verdict(Enum):
    """What happens next."""

    STOP = "someone newer works here"
    DENIED = "a right is missing"
    BLAME = "one topic refuses; the others go on without it"
    RESTART = "a new producer, and the ledger again"
    AGAIN = "the same call once more"


FENCED = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - librdkafka's own codes begin so
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
    }
)
"""Codes that mean that a newer producer has taken the id."""

BLAMES_TOPIC = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.RECORD_LIST_TOO_LARGE,
    }
)
"""Codes that are one topic's fault, not the cluster's."""


def judge(error: KafkaError) -> Verdict:
    """Decide what to do about an error, see the table of this module."""
    if error.code() in FENCED:
        return Verdict.STOP
    if error.code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        return Verdict.DENIED
    if error.fatal():
        return Verdict.RESTART
    if error.code() in BLAMES_TOPIC:
        return Verdict.BLAME
    if error.txn_requires_abort():
        return Verdict.RESTART
    return Verdict.AGAIN if error.retriable() else Verdict.RESTART


def true_cause(error: KafkaError, producer: Producer) -> KafkaError:
    """Ask the producer for the cause that `produce()` hides."""
    asks = {
        KafkaError._FATAL: producer.abort_transaction,  # noqa: SLF001
        # Nothing can be committed in this state: the call only tells why.
        KafkaError._STATE: producer.commit_transaction,  # noqa: SLF001
    }
    if error.code() not in asks:
        return error
    try:
        asks[error.code()](1)
    except KafkaException as hidden:
        cause: KafkaError = hidden.args[0]
        return cause
    return error

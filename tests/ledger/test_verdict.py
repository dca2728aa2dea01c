"""What is done about each error, decided by its flags in their order."""

import pytest
from confluent_kafka import KafkaError

from ledger.verdict import Verdict, judge

FATAL = {"fatal": True}
ABORT = {"txn_requires_abort": True}
LATE = {"retriable": True}


@pytest.mark.parametrize(
    ("code", "flags", "verdict"),
    [
        (KafkaError._FENCED, FATAL, Verdict.STOP),
        (KafkaError.PRODUCER_FENCED, {}, Verdict.STOP),
        (KafkaError.INVALID_PRODUCER_EPOCH, ABORT, Verdict.STOP),
        (KafkaError.INVALID_TXN_STATE, FATAL, Verdict.RESTART),
        (KafkaError.MSG_SIZE_TOO_LARGE, ABORT, Verdict.BLAME),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, ABORT, Verdict.BLAME),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, FATAL, Verdict.RESTART),
        (KafkaError._INCONSISTENT, ABORT, Verdict.RESTART),
        (KafkaError._TIMED_OUT, ABORT, Verdict.RESTART),
        (KafkaError._TIMED_OUT, LATE, Verdict.AGAIN),
        (KafkaError._TIMED_OUT, ABORT | LATE, Verdict.RESTART),
        (KafkaError._UNKNOWN_TOPIC, {}, Verdict.BLAME),
        (KafkaError._UNKNOWN_PARTITION, {}, Verdict.BLAME),
        (KafkaError.MSG_SIZE_TOO_LARGE, {}, Verdict.BLAME),
        (KafkaError.COORDINATOR_NOT_AVAILABLE, {}, Verdict.RESTART),
    ],
)
def test_the_first_flag_that_fits_decides(
    code: int, flags: dict[str, bool], verdict: Verdict
) -> None:
    """The order is: fenced, fatal, blames a topic, abort, retriable, anything else."""
    assert judge(KafkaError(code, "why", **flags)) is verdict

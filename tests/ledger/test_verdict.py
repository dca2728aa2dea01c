"""What is done about each error: one table, of which every row is provoked."""

import pytest
from confluent_kafka import KafkaError

from ledger.verdict import RULES, At, find_rule
from tests.ledger import test_away, test_provoked

FATAL = {"fatal": True}
ABORT = {"txn_requires_abort": True}
LATE = {"retriable": True}


def test_every_rule_is_provoked_on_a_real_broker() -> None:
    """A rule that no test provokes is a guess."""
    provoked = {
        rule
        for module in (test_provoked, test_away)
        for test in vars(module).values()
        for rule in getattr(test, "provokes", ())
    }

    assert provoked == {rule.name for rule in RULES}


def test_every_error_has_a_rule() -> None:
    """The last rule takes what no other does."""
    unknown = KafkaError(KafkaError.OFFSET_METADATA_TOO_LARGE)

    assert {find_rule(unknown, at).name for at in At} == {"anything else"}


def test_every_rule_can_be_shown() -> None:
    """Each has a name of its own and a sentence, for the page that explains them."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.why.endswith(".") and rule.seen_as for rule in RULES)


@pytest.mark.parametrize(
    ("code", "flags", "at", "rule"),
    [
        (KafkaError._FENCED, FATAL, At.COMMIT, "newer run"),
        (KafkaError.PRODUCER_FENCED, {}, At.COMMIT, "newer run"),
        (KafkaError.INVALID_PRODUCER_EPOCH, ABORT, At.COMMIT, "newer run"),
        (KafkaError._FATAL, {}, At.COMMIT, "producer dead, cause hidden"),
        (KafkaError._STATE, {}, At.PRODUCE, "transaction dead, cause hidden"),
        (KafkaError._STATE, {}, At.BEGIN, "anything else"),
        (KafkaError.INVALID_TXN_STATE, FATAL, At.ABORT, "producer dead"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, ABORT, At.COMMIT, "topic denied"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, FATAL, At.COMMIT, "producer dead"),
        (KafkaError._INCONSISTENT, ABORT, At.COMMIT, "transaction dead"),
        (KafkaError._TIMED_OUT, ABORT, At.COMMIT, "transaction dead"),
        (KafkaError._TIMED_OUT, LATE, At.COMMIT, "late"),
        (KafkaError._TIMED_OUT, ABORT | LATE, At.COMMIT, "transaction dead"),
        (KafkaError._TIMED_OUT, LATE, At.OVERDUE, "overdue"),
        (KafkaError._TIMED_OUT, LATE, At.PRODUCE, "anything else"),
        (KafkaError._TIMED_OUT, {}, At.READ, "ledger away"),
        (KafkaError._TRANSPORT, {}, At.READ, "ledger away"),
        (KafkaError._MSG_TIMED_OUT, {}, At.REPORT, "anything else"),
        (
            KafkaError.INVALID_TIMESTAMP,
            {},
            At.REPORT,
            "record against the topic's rules",
        ),
        (KafkaError.COORDINATOR_NOT_AVAILABLE, {}, At.INIT, "anything else"),
    ],
)
def test_the_first_that_fits_decides(
    code: int, flags: dict[str, bool], at: At, rule: str
) -> None:
    """One code can mean several things: where it shows and its flags tell which."""
    assert find_rule(KafkaError(code, "why", **flags), at).name == rule

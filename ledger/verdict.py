"""What to do about each error that Kafka gives to sending and to the ledger's reading.

One table: the first rule that fits decides, by the place where the error shows, its
code and its flags. The flags come first, since one code can mean several things:
_TIMED_OUT comes retriable, abortable, and neither.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from confluent_kafka import KafkaError


class Verdict(Enum):
    """What happens next."""

    ASK = "the producer is asked for the cause, which is judged instead"
    STOP = "this run ends: someone newer works here"
    DENIED = "this run ends: a right is missing"
    BLAME = "one topic refuses: the others again without it"
    RESTART = "a new producer, and the ledger again; after a while the run ends"
    AGAIN = "the same once more, while patience lasts"
    IGNORE = "nothing"


class At(StrEnum):
    """Where an error shows."""

    INIT = "init"
    BEGIN = "begin"
    PRODUCE = "produce()"
    POLL = "poll()"
    REPORT = "delivery report"
    COMMIT = "commit"
    ABORT = "abort"
    OVERDUE = "out of patience"
    """Any of these, once it has been repeated for as long as it may be."""

    READ = "ledger read"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table; what is left empty fits every error."""

    name: str
    verdict: Verdict
    why: str
    """What has happened, as a sentence."""

    at: tuple[At, ...] = ()
    codes: tuple[int, ...] = ()
    flag: str = ""
    """Name of the question to a `KafkaError` that it answers by yes."""

    def fits(self, error: KafkaError, at: At) -> bool:
        """Tell whether this is the rule for an error, if no earlier one is."""
        return (
            (not self.at or at in self.at)
            and (not self.codes or error.code() in self.codes)
            and (not self.flag or getattr(error, self.flag)())
        )

    @property
    def seen_as(self) -> str:
        """Places, codes and flag, in words for a table."""
        names = [KafkaError(code).name() for code in self.codes]
        flag = [f"{self.flag}()"] if self.flag else []
        words = (", ".join(self.at), ", ".join(names), *flag)
        return "; ".join(word for word in words if word) or "any"


RULES = (
    Rule(
        "producer dead, cause hidden",
        Verdict.ASK,
        "The producer can do nothing any more, and does not tell why.",
        codes=(KafkaError._FATAL,),  # noqa: SLF001 - librdkafka's own codes begin so
    ),
    Rule(
        "transaction dead, cause hidden",
        Verdict.ASK,
        "The transaction cannot be committed any more; produce() does not tell why.",
        at=(At.PRODUCE,),
        codes=(KafkaError._STATE,),  # noqa: SLF001
    ),
    Rule(
        "newer run",
        Verdict.STOP,
        "A newer producer has taken the id, or the broker gave up on a transaction that"
        " took too long: nobody can tell these two apart.",
        codes=(
            KafkaError._FENCED,  # noqa: SLF001
            KafkaError.PRODUCER_FENCED,
            KafkaError.INVALID_PRODUCER_EPOCH,
        ),
    ),
    Rule(
        "id denied",
        Verdict.DENIED,
        "The publisher may not use transactional ids of ours.",
        codes=(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,),
    ),
    Rule(
        "producer dead",
        Verdict.RESTART,
        "The producer can do nothing any more.",
        flag="fatal",
    ),
    Rule(
        "topic denied",
        Verdict.BLAME,
        "The transaction may not write some topic. No delivery report says which, so it"
        " is found by halving.",
        codes=(KafkaError.TOPIC_AUTHORIZATION_FAILED,),
        flag="txn_requires_abort",
    ),
    Rule(
        "transaction dead",
        Verdict.RESTART,
        "The transaction cannot be committed any more.",
        flag="txn_requires_abort",
    ),
    Rule(
        "overdue",
        Verdict.RESTART,
        "The outcome is unknown: a new producer decides it, and the ledger tells.",
        at=(At.OVERDUE,),
        flag="retriable",
    ),
    Rule(
        "late",
        Verdict.AGAIN,
        "The broker has not answered yet.",
        at=(At.INIT, At.BEGIN, At.COMMIT),
        flag="retriable",
    ),
    Rule(
        "queue full",
        Verdict.AGAIN,
        "librdkafka holds all that it may: the same record again after poll(). Python"
        " sees a BufferError.",
        at=(At.PRODUCE,),
        codes=(KafkaError._QUEUE_FULL,),  # noqa: SLF001
    ),
    Rule(
        "record too large",
        Verdict.BLAME,
        "The record exceeds the producer's own message.max.bytes.",
        at=(At.PRODUCE,),
        codes=(KafkaError.MSG_SIZE_TOO_LARGE,),
    ),
    Rule(
        "topic known missing",
        Verdict.BLAME,
        "The producer knows already that there is no such topic.",
        at=(At.PRODUCE,),
        codes=(KafkaError._UNKNOWN_TOPIC,),  # noqa: SLF001
    ),
    Rule(
        "partition missing",
        Verdict.BLAME,
        "The topic has fewer partitions.",
        at=(At.PRODUCE, At.REPORT),
        codes=(KafkaError._UNKNOWN_PARTITION,),  # noqa: SLF001
    ),
    Rule(
        "batch too large",
        Verdict.BLAME,
        "Records exceed the topic's max.message.bytes.",
        at=(At.REPORT,),
        codes=(KafkaError.MSG_SIZE_TOO_LARGE,),
    ),
    Rule(
        "topic missing",
        Verdict.BLAME,
        "There is no such topic, and was none for topic.metadata.propagation.max.ms.",
        at=(At.REPORT,),
        codes=(KafkaError.UNKNOWN_TOPIC_OR_PART,),
    ),
    Rule(
        "topic hidden",
        Verdict.BLAME,
        "The publisher may not even see the topic.",
        at=(At.REPORT,),
        codes=(KafkaError.TOPIC_AUTHORIZATION_FAILED,),
    ),
    Rule(
        "record against the topic's rules",
        Verdict.BLAME,
        "The topic is compacted and the record has no key, or its time is not allowed.",
        at=(At.REPORT,),
        codes=(KafkaError.INVALID_RECORD, KafkaError.INVALID_TIMESTAMP),
    ),
    Rule(
        "purged",
        Verdict.IGNORE,
        "The transaction died before this record was sent; why, the next call says.",
        at=(At.REPORT,),
        codes=(KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT),  # noqa: SLF001
    ),
    Rule(
        "ledger away",
        Verdict.AGAIN,
        "The broker does not answer: the ledger again from its beginning.",
        at=(At.READ,),
        codes=(KafkaError._TIMED_OUT, KafkaError._TRANSPORT),  # noqa: SLF001
    ),
    Rule(
        "ledger denied",
        Verdict.DENIED,
        "The publisher may not read the ledger.",
        at=(At.READ,),
        codes=(KafkaError.TOPIC_AUTHORIZATION_FAILED,),
    ),
    Rule(
        "group denied",
        Verdict.IGNORE,
        "librdkafka looks for a group although none is used.",
        at=(At.READ,),
        codes=(KafkaError.GROUP_AUTHORIZATION_FAILED,),
    ),
    Rule(
        "anything else",
        Verdict.RESTART,
        "Only what the ledger says is known.",
    ),
)
"""The table: the first that fits; the last fits always."""


def find_rule(error: KafkaError, at: At) -> Rule:
    """Give the rule for an error."""
    return next(rule for rule in RULES if rule.fits(error, at))


def judge(error: KafkaError, at: At) -> Verdict:
    """Decide what to do about an error."""
    return find_rule(error, at).verdict

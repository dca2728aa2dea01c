"""A reader's rights taken back together, without breaking another of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

from cluster.access import KafkaAccess
from cluster.acls import Rule, list_rules, remove_rules


@dataclass(frozen=True)
class TakenBack:
    """What became of rights that were to be taken back."""

    removed: tuple[Rule, ...]
    kept: tuple[Rule, ...]
    """Groups through which the same user still reads another topic."""


def take_back(access: KafkaAccess, rules: Sequence[Rule]) -> TakenBack:
    """Take back exactly these rights, but no group that another topic is read by.

    Kafka does not know for which topic a group was allowed, so one is kept as long as
    the same user may read any other topic from the same host; alone it gives nothing
    to read. To take back a group all the same, give nothing but its right.

    Raises
    ------
    SettingsError
        The administrator may not, or this Kafka keeps no rights.
    BrokerUnavailableError
        Kafka does not answer.
    """
    asked = set(rules)
    readers = {(r.user, r.host) for r in list_rules(access) if _reads(r) - asked}
    topics = any(one.kind == "topic" for one in asked)
    kept = {
        one
        for one in asked
        if topics and one.kind == "group" and (one.user, one.host) in readers
    }
    removed = remove_rules(access, sorted(asked - kept))
    return TakenBack(tuple(removed), tuple(sorted(kept)))


def _reads(one: Rule) -> set[Rule]:
    """Give a right as a set, empty if it is none to read a topic."""
    may = one.is_allowed and one.kind == "topic" and one.operation in {"READ", "ALL"}
    return {one} if may else set()

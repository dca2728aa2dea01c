"""What the records of nights say about a topic: how many alerts stand where."""

from collections.abc import Mapping, Sequence
from typing import Any

from cluster.reading import list_partitions, open_reader, read_to_end
from nightmail.nights import Count, NightRecords, Nights, Range, count_alerts

__all__ = ["Count", "Nights", "Range", "count_alerts", "read_nights"]


def read_nights(config: Mapping[str, Any], topics: Sequence[str]) -> Nights:
    """Read where the nights' alerts stand, from the topics of nights.

    Parameters
    ----------
    config
        How to reach Kafka.
    topics
        Topics of nights; one that does not exist has nothing to say.

    Raises
    ------
    BrokerUnavailableError
        Kafka does not answer.
    """
    found = NightRecords()
    with open_reader(config, fetch_wait_max_ms=10) as consumer:
        starts = list_partitions(consumer, topics)
        for one in starts:
            one.offset = -2  # librdkafka's name for the beginning
        read_to_end(consumer, starts, found.take)
    return found.nights()

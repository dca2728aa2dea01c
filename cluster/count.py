"""Count what stands on topics, by id."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cluster.contents import read_contents


def count_topics(
    config: Mapping[str, Any], topics: Sequence[str], *, night: str, since: datetime
) -> Counter[tuple[str, int]]:
    """Count committed alerts by topic and id.

    Parameters
    ----------
    config
        How to reach Kafka; an anonymous reader's will do.
    night
        Only alerts whose header names this night.
    since
        Only records that the broker took at or after this moment.

    Returns
    -------
    collections.Counter
        How often each (topic, id) stands there.

    Raises
    ------
    BrokerUnavailableError
        The broker does not answer.
    """
    found = read_contents(config, topics, night=night, since=since)
    return Counter(
        (topic, one) for topic, there in found.items() for one in there.ids.tolist()
    )

"""What Kafka says of topics: their partitions, where these begin and end."""

import difflib
import time
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from nightmail._errors import BrokerUnavailableError, ConfigError
from nightmail.spark.ranges import Place, Range, make_ranges
from nightmail.spark.wish import Wish

__all__ = ["Log", "Trouble", "open_consumer"]

PATIENCE_S = 10.0
"""How long Kafka is given to answer [s]."""

_ONE_TRY_S = 0.5
_BEGINNING, _END = -2, -1
"""Times that ask for the first offset, and for the one behind the last."""

_REFUSALS = {
    KafkaError._AUTHENTICATION: "username and password",  # noqa: SLF001
    KafkaError._SSL: "security.protocol and ssl.ca.location",  # noqa: SLF001
}
"""What is said at once and always, and the options to look at."""

_FORBIDDEN = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)

Answer = TypeVar("Answer")


class Trouble:
    """Hears what goes wrong with connections.

    Parameters
    ----------
    servers
        Where Kafka is, for messages.
    """

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._last: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Note an error; a refusal outlives the others."""
        if self._last is None or self._last.code() not in _REFUSALS:
            self._last = error

    def raise_refusal(self) -> None:
        """Raise ConfigError if Kafka has refused us."""
        if self._last is not None and self._last.code() in _REFUSALS:
            raise ConfigError(
                f"Kafka at {self._servers} refuses you ({self._last.str()}): check"
                f" {_REFUSALS[self._last.code()]}."
            )

    def silence(self) -> BrokerUnavailableError:
        """Make the error for a Kafka that does not answer."""
        why = f" ({self._last.str()})" if self._last else ""
        return BrokerUnavailableError(
            f"Kafka at {self._servers} does not answer{why}; check servers and the"
            " network, then try again."
        )


def open_consumer(wish: Wish, **more: Any) -> tuple[Any, Trouble]:
    """Make a consumer that commits nothing, and what hears of its troubles.

    Parameters
    ----------
    wish
        How to reach Kafka.
    more
        Properties of librdkafka, with _ for dots; the user's win.
    """
    trouble = Trouble(wish.servers)
    properties = wish.properties()
    for name, value in more.items():
        if (dotted := name.replace("_", ".")) not in wish.config:
            properties[dotted] = value
    properties |= {"enable.auto.commit": False, "error_cb": trouble}
    try:
        return Consumer(properties), trouble
    except KafkaException as error:
        reason = error.args[0].str()
        raise ConfigError(f"Kafka's client refuses this: {reason}.") from error


class Log:
    """Offsets of the wished topics; used in `with`.

    Parameters
    ----------
    wish
        Which topics, and how to reach them.
    """

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._consumer, self._trouble = open_consumer(wish)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def ranges(self) -> list[Range]:
        """Give what there is now of the wished time, one range a partition.

        Raises
        ------
        ConfigError
            A topic is missing, or Kafka refuses us.
        BrokerUnavailableError
            Kafka does not answer.
        """
        places = self.places()
        return make_ranges(self.starts(places), self.ends(places))

    def places(self) -> list[Place]:
        """Give all partitions of the topics."""
        known = self._ask(lambda limit: self._consumer.list_topics(timeout=limit))
        found = []
        for name in self._wish.topics:
            if name not in known.topics:
                raise ConfigError(self._missing(name, sorted(known.topics)))
            found += [
                (name, number) for number in sorted(known.topics[name].partitions)
            ]
        return found

    def starts(self, places: Sequence[Place]) -> dict[Place, int]:
        """Give the first offset of each partition, of the wished time."""
        first = self._offsets(places, _BEGINNING)
        if self._wish.since_ms is None:
            return first
        # Where nothing is that late the answer is the end.
        since = self._offsets(places, self._wish.since_ms)
        return {place: max(first[place], since[place]) for place in places}

    def ends(self, places: Sequence[Place]) -> dict[Place, int]:
        """Give the offset behind the last committed record of each partition.

        The wished time does not shorten it: what comes later may be of an earlier time.
        """
        return self._offsets(places, _END)

    def _offsets(self, places: Sequence[Place], moment: int) -> dict[Place, int]:
        asked = [TopicPartition(*place, moment) for place in places]
        if not asked:
            return {}
        answers = self._ask(
            lambda limit: self._look(self._consumer.offsets_for_times(asked, limit))
        )
        found = {(a.topic, a.partition): a.offset for a in answers}
        behind = [place for place in places if found[place] < 0]
        return found | (self._offsets(behind, _END) if behind else {})

    @staticmethod
    def _look(answers: list[Any]) -> list[Any]:
        """Raise what went wrong with one partition of several."""
        for answer in answers:
            if answer.error is not None:
                raise KafkaException(answer.error)
        return answers

    def _ask(self, question: Callable[[float], Answer]) -> Answer:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return question(_ONE_TRY_S)
            except KafkaException as error:
                self._consumer.poll(0)  # the callback is heard in here
                self._trouble.raise_refusal()
                if error.args[0].code() in _FORBIDDEN:
                    raise ConfigError(
                        f"You may not read {', '.join(self._wish.topics)}: ask for"
                        " the right Read on it."
                    ) from error
                if time.monotonic() > end:
                    raise self._trouble.silence() from error

    def _missing(self, name: str, known: Sequence[str]) -> str:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        return (
            f"There is no topic {name} at {self._wish.servers}, or you may not see"
            f" it{hint}."
        )

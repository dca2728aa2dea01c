"""Questions to Kafka: which topics there are, and which offsets a time has."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaException, TopicPartition

from nightmail._errors import ConfigError
from nightmail._messages import Place
from nightmail._refusals import REFUSED
from nightmail._start import LATEST
from nightmail._trouble import Trouble

__all__ = ["Asker"]

_PATIENCE_S = 10.0
"""How long Kafka may take to answer a question [s]."""

_ONE_TRY_S = 1.0


class Asker:
    """Asks Kafka, and says within seconds why there is no answer.

    Parameters
    ----------
    consumer
        Of librdkafka.
    trouble
        Its callback for errors.
    hear
        What has librdkafka call back.
    """

    def __init__(
        self, consumer: Any, trouble: Trouble, hear: Callable[[], object]
    ) -> None:
        self._consumer = consumer
        self._trouble = trouble
        self._hear = hear

    def partitions(self) -> dict[str, list[int]]:
        """Give the numbers of the partitions of all topics that one may read.

        Raises
        ------
        BrokerUnavailableError
            Kafka does not answer.
        ConfigError
            It refuses us.
        """
        found = self._ask(lambda: self._consumer.list_topics(timeout=_ONE_TRY_S))
        return {name: sorted(topic.partitions) for name, topic in found.topics.items()}

    def offsets(self, places: Sequence[Place], moment_ms: int) -> dict[Place, int]:
        """Give the offset of the first message of a time in each partition.

        Parameters
        ----------
        places
            The partitions.
        moment_ms
            Time [ms since 1970, UTC], `EARLIEST` or `LATEST`; where nothing is that
            late, the answer is the end.

        Raises
        ------
        BrokerUnavailableError
            Kafka does not answer.
        ConfigError
            It refuses us.
        """
        asked = [TopicPartition(*place, moment_ms) for place in places]
        if not asked:
            return {}
        answers = self._ask(
            lambda: _look(self._consumer.offsets_for_times(asked, _ONE_TRY_S))
        )
        found = {(a.topic, a.partition): a.offset for a in answers}
        behind = [place for place in places if found[place] < 0]
        return found | (self.offsets(behind, LATEST) if behind else {})

    def _ask(self, question: Callable[[], Any]) -> Any:
        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return question()
            except KafkaException as error:
                self._hear()
                self._trouble.raise_refusal()
                if error.args[0].code() in REFUSED:
                    raise ConfigError(self._trouble.explain(error.args[0])) from error
                if time.monotonic() > end:
                    raise self._trouble.unavailable() from error


def _look(answers: list[Any]) -> list[Any]:
    """Raise what went wrong with one partition of several."""
    for answer in answers:
        if answer.error is not None:
            raise KafkaException(answer.error)
    return answers

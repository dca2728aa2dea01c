"""What goes wrong between a reader and Kafka, heard and said in one sentence."""

import logging
from typing import Any, NoReturn

from confluent_kafka import KafkaError, KafkaException

from nightmail._errors import (
    AlertError,
    BrokerUnavailableError,
    ConfigError,
    NightmailError,
)
from nightmail._refusals import REFUSED, explain_refusal

__all__ = ["Trouble"]

_KNOCK_S = 3.0
"""How long a server that was never reached may take to answer [s]."""

_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)  # noqa: SLF001
_LOGIN = KafkaError._AUTHENTICATION  # noqa: SLF001
_INSECURE = KafkaError._SSL  # noqa: SLF001
_DOWN = (KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE)  # noqa: SLF001
_END = KafkaError._PARTITION_EOF  # noqa: SLF001
_LATE = KafkaError._MAX_POLL_EXCEEDED  # noqa: SLF001

_logger = logging.getLogger("nightmail")


class Trouble:
    """Hears of errors, and raises those that do not pass by themselves.

    Parameters
    ----------
    properties
        Of the consumer, as librdkafka wants them. This puts itself among them.
    """

    def __init__(self, properties: dict[str, Any]) -> None:
        self.servers = properties["bootstrap.servers"]
        self._user = properties.get("sasl.username")
        self._group = properties["group.id"]
        self._last: KafkaError | None = None
        self._reached = False
        self._missing: set[str] = set()
        properties["error_cb"] = self._note

    def note_contact(self, *_: object) -> None:
        """Note that Kafka was reached."""
        self._reached, self._last = True, None

    def is_alert(self, message: Any) -> bool:
        """Tell whether a message is one, or tells of what is to be waited for.

        Raises
        ------
        ConfigError
            Kafka refuses the topic or the group.
        AlertError
            Kafka fails to give messages of a topic.
        """
        error = message.error()
        if error is None:
            self._missing.discard(message.topic())
            return True
        self._hear(error, message.topic())
        return False

    def raise_refusal(self) -> None:
        """Raise what was noted, if Kafka has refused us.

        Raises
        ------
        ConfigError
            Kafka refuses the login, or cannot be trusted.
        """
        if self._last is not None and self._last.code() in (_LOGIN, _INSECURE):
            error, self._last = self._last, None
            self._refuse(error)

    def raise_lasting(self, consumer: Any, *, is_late: bool) -> None:
        """Raise what was noted, unless the servers may come back by themselves.

        Parameters
        ----------
        consumer
            Whose callback this is.
        is_late
            Whether servers that were never reached have had time enough.

        Raises
        ------
        ConfigError
            Kafka refuses the login, or cannot be trusted.
        BrokerUnavailableError
            Kafka does not answer.
        """
        self.raise_refusal()
        if is_late and not self._reached:
            self._knock(consumer)

    def explain(self, error: KafkaError, topic: str | None = None) -> str:
        """Say what Kafka refused, which is in `REFUSED`."""
        is_group = error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED
        name = self._group if is_group else topic or ""
        return explain_refusal(error, servers=self.servers, user=self._user, name=name)

    def failure(self, error: KafkaError) -> NightmailError:
        """Make the error for a question that Kafka did not answer well."""
        if error.code() in REFUSED:
            return ConfigError(self.explain(error))
        return self.unavailable()

    def unavailable(self) -> BrokerUnavailableError:
        """Make the error for a Kafka that does not answer."""
        return BrokerUnavailableError(
            f"Kafka does not answer at {self.servers}; check bootstrap.servers, the"
            " network, and whether this port wants a password or TLS, then try again."
        )

    def _note(self, error: KafkaError) -> None:
        if error.code() in (*_DOWN, _LOGIN, _INSECURE):
            self._last = error

    def _hear(self, error: KafkaError, topic: str | None) -> None:
        code = error.code()
        if code == _END:
            return
        if code in _NO_TOPIC:
            if topic not in self._missing:
                _logger.warning("%s does not exist yet; waiting for it.", topic)
            self._missing.add(str(topic))
        elif code == _LATE:
            _logger.warning(
                "The group %s went on without this reader, which asked for nothing for"
                " longer than max.poll.interval.ms: its last alerts come again.",
                self._group,
            )
        elif error.retriable():
            _logger.debug("Kafka says of %s: %s", topic, error.str())
        elif code in REFUSED:
            raise ConfigError(self.explain(error, topic))
        else:
            raise AlertError(f"Kafka gives no alert of {topic}: {error.str()}.")

    def _refuse(self, error: KafkaError) -> NoReturn:
        if error.code() == _LOGIN:
            raise ConfigError(self.explain(error))
        reason = error.str().partition(" (")[0]
        raise ConfigError(
            f"Kafka at {self.servers} cannot be trusted: {reason}; check"
            " ssl.ca.location."
        )

    def _knock(self, consumer: Any) -> None:
        """Ask the servers for a sign of life.

        One address of several that refuses looks like all of them being down.
        """
        try:
            consumer.list_topics(timeout=_KNOCK_S)
        except KafkaException as error:
            raise self.unavailable() from error
        self.note_contact()

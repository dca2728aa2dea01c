"""Alerts from Kafka topics, each decoded by the schema that comes with it."""

import io
import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, NoReturn, Self

import fastavro
from confluent_kafka import Consumer, KafkaError, KafkaException

from nightmail._connection import connection
from nightmail._errors import AlertError, BrokerUnavailableError, ConfigError
from nightmail._refusals import REFUSED, explain_refusal

__all__ = ["AlertConsumer"]

Received = tuple[str, dict[str, Any], str] | tuple[None, None, None]
"""Topic, alert and schema; or three times None, if nothing came in time."""

_SLICE_S = 0.5
"""Longest time inside librdkafka, where Ctrl-C is not heard [s]."""

_PATIENCE_S = 10.0
"""How long servers that were never reached are waited for [s]."""

_KNOCK_S = 2.0
"""How long such a server may take to answer [s]."""

_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)  # noqa: SLF001
_REFUSED = KafkaError._AUTHENTICATION  # noqa: SLF001
_INSECURE = KafkaError._SSL  # noqa: SLF001
_DOWN = (KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE)  # noqa: SLF001

_logger = logging.getLogger("nightmail")


class AlertConsumer:
    """Reader of alert topics; every alert at least once.

    An alert counts as read when the next one is asked for, or when the consumer is
    closed in good order. If the program fails while it has an alert in hand, the group
    receives that alert again.

    Parameters
    ----------
    topics
        Names of topics; a name that begins with `^` is a regular expression. A topic
        that does not exist is waited for.
    config
        `bootstrap.servers` (or `servers`), `group.id` (or `group_id`, `groupid`),
        `username` with `password` where the broker asks for them, and any property of
        librdkafka.
    survey
        `ztf` or `lsst`. Not needed, since each alert brings its schema; third by
        position because existing scripts pass it so.

    Raises
    ------
    ConfigError
        No topic, or something is missing or wrong in the configuration.

    Examples
    --------
    >>> config = {"bootstrap.servers": "127.0.0.1:9092", "group.id": "my_group"}
    >>> with AlertConsumer(["fink_sn_candidates_ztf"], config) as consumer:
    ...     topic, alert, key = consumer.poll(timeout=0.1)  # doctest: +SKIP
    """

    def __init__(
        self,
        topics: Sequence[str],
        config: Mapping[str, Any] | None = None,
        survey: str | None = None,
    ) -> None:
        if isinstance(topics, str) or not topics:
            raise ConfigError("AlertConsumer wants a list of at least one topic.")
        properties = connection(config or {})
        self.survey = survey
        self._servers = properties["bootstrap.servers"]
        self._user = properties.get("sasl.username")
        self._group = properties["group.id"]
        self._trouble: KafkaError | None = None
        self._reached = False
        self._in_hand: Any = None
        properties["error_cb"] = self._note_trouble
        try:
            self._consumer = Consumer(properties)
            self._consumer.subscribe(list(topics), on_assign=self._note_contact)
        except KafkaException as error:
            reason = error.args[0].str()
            raise ConfigError(f"Kafka's client refuses this: {reason}.") from error

    def poll(self, timeout: float = -1) -> Received:
        """Wait for the next alert; the one before it counts as read now.

        Parameters
        ----------
        timeout
            How long to wait [s]; for ever if negative.

        Returns
        -------
        topic, alert, key
            Where it was, the alert itself, and its schema as JSON. Three times None if
            nothing came in time.

        Raises
        ------
        AlertError
            The message cannot be decoded, or Kafka fails to give it. The next call
            goes past it.
        BrokerUnavailableError
            No server was reached so far.
        ConfigError
            The servers refuse the user name or password, the group, or a topic. It is
            told at once; a topic that is refused keeps nobody from asking for the next
            alert of another.
        """
        self._acknowledge()
        message = self._next_message(timeout)
        if message is None:
            return None, None, None
        self._in_hand = message
        return message.topic(), _decode(message), message.key().decode()

    @property
    def headers(self) -> dict[str, str]:
        """What came with the last alert: night, id, generation, fingerprint."""
        pairs = (self._in_hand.headers() if self._in_hand else None) or ()
        return {name: (value or b"").decode() for name, value in pairs}

    def close(self) -> None:
        """Leave the group. Inside a failing `try` the last alert stays unread."""
        self._close(in_good_order=sys.exc_info()[0] is None)

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any], str]]:
        while True:
            topic, alert, key = self.poll()
            if topic is not None and alert is not None and key is not None:
                yield topic, alert, key

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close(in_good_order=kind is None)

    def _close(self, *, in_good_order: bool) -> None:
        if in_good_order:
            self._acknowledge()
        self._consumer.close()

    def _acknowledge(self) -> None:
        message, self._in_hand = self._in_hand, None
        if message is None:
            return
        try:
            self._consumer.store_offsets(message)
        except KafkaException as error:
            # The partition went to another member of the group, which reads it again.
            if error.args[0].code() != KafkaError._STATE:  # noqa: SLF001
                raise

    def _next_message(self, timeout: float) -> Any:
        start = time.monotonic()
        end = start + timeout if timeout >= 0 else float("inf")
        while True:
            left = max(0.0, end - time.monotonic())
            message = self._consumer.poll(min(left, _SLICE_S))
            if message is not None and self._is_alert(message):
                return message
            is_last = message is None and left <= _SLICE_S
            is_long = time.monotonic() - start > _PATIENCE_S
            self._raise_trouble(is_late=is_last or is_long)
            if is_last:
                return None

    def _is_alert(self, message: Any) -> bool:
        error = message.error()
        if error is None:
            self._note_contact()
            return True
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001
            return False
        if error.code() in _NO_TOPIC:
            _logger.warning("%s does not exist yet; waiting for it.", message.topic())
            return False
        if error.code() in REFUSED:
            raise ConfigError(self._explain(error, message.topic()))
        raise AlertError(f"Kafka gives no alert of {message.topic()}: {error.str()}.")

    def _note_contact(self, *_: Any) -> None:
        self._reached, self._trouble = True, None

    def _note_trouble(self, error: KafkaError) -> None:
        if error.code() in (*_DOWN, _REFUSED, _INSECURE):
            self._trouble = error

    def _raise_trouble(self, *, is_late: bool) -> None:
        """Raise what was noted, unless the servers may come back by themselves."""
        if self._trouble is None:
            return
        if self._trouble.code() == _REFUSED:
            refusal, self._trouble = self._trouble, None
            raise ConfigError(self._explain(refusal))
        if self._trouble.code() == _INSECURE:
            reason, self._trouble = self._trouble.str().partition(" (")[0], None
            raise ConfigError(
                f"Kafka at {self._servers} cannot be trusted: {reason}; check"
                " ssl.ca.location."
            )
        if is_late and not self._reached:
            self._knock()

    def _explain(self, refusal: KafkaError, topic: str | None = None) -> str:
        is_group = refusal.code() == KafkaError.GROUP_AUTHORIZATION_FAILED
        name = self._group if is_group else topic or ""
        return explain_refusal(
            refusal, servers=self._servers, user=self._user, name=name
        )

    def _knock(self) -> None:
        """Ask the servers for a sign of life.

        One address of several that refuses looks like all of them being down.
        """
        try:
            self._consumer.list_topics(timeout=_KNOCK_S)
        except KafkaException as error:
            raise BrokerUnavailableError(
                f"Kafka does not answer at {self._servers}; check bootstrap.servers and"
                " the network, then try again."
            ) from error
        self._note_contact()


def _decode(message: Any) -> dict[str, Any]:
    try:
        schema = _parse(message.key() or b"")
    except Exception as error:  # noqa: BLE001  whatever fastavro makes of any bytes
        _refuse(message, "its key is not the schema of an alert", error)
    try:
        alert: Any = fastavro.schemaless_reader(
            io.BytesIO(message.value() or b""), schema, None
        )
    except Exception as error:  # noqa: BLE001  whatever fastavro makes of any bytes
        _refuse(message, "its value does not fit the schema in its key", error)
    found: dict[str, Any] = alert
    return found


@lru_cache(maxsize=64)
def _parse(key: bytes) -> Any:
    schema = json.loads(key.decode())
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise ValueError("not a record")
    return fastavro.parse_schema(schema)


def _refuse(message: Any, reason: str, error: Exception) -> NoReturn:
    raise AlertError(
        f"The message of {message.topic()}, partition {message.partition()}, offset"
        f" {message.offset()} cannot be decoded: {reason}"
        f" ({type(error).__name__}: {error})."
    ) from error

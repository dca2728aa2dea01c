"""Alerts from Kafka topics, each decoded by the schema that comes with it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from nightmail._arguments import check_topics, patience, read_config
from nightmail._aside import make_aside
from nightmail._columnar import ColumnDecoder, frame_of, receive_batches, table_of
from nightmail._connection import connection
from nightmail._decode import Decoded
from nightmail._errors import ConfigError
from nightmail._hand import Hand
from nightmail._messages import headers_of
from nightmail._save import save_alert
from nightmail._schemas import Schemas, SchemaSource
from nightmail._start import read_start

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["AlertConsumer"]

Alert = tuple[str, dict[str, Any], str]
"""Topic, alert and the text of the message's key, which is the schema."""

Received = Alert | tuple[None, None, None]
"""An alert; or three times None, if nothing came in time."""

_SERVICES = {"datatransfer": "ftransfer_", "xmatch": "fxmatch_", "livestream": ""}
"""How the names of a service's topics begin."""

_HIDDEN = ("__", "ftransfer_", "fxmatch_", "fink_ztf_")
"""How topics begin that are not alerts to be read live; the last count nights."""


class AlertConsumer:
    """Reader of alert topics; every alert at least once.

    An alert counts as read when the next one is asked for, when a `with` block ends
    without an error, or at `commit`. If the program fails while it has an alert in
    hand, the group receives that alert again.

    Parameters
    ----------
    topics
        Names of topics; a name that begins with `^` is a regular expression. A topic
        that does not exist is waited for.
    config
        `bootstrap.servers` (or `servers`), `group.id` (or `group_id`, `groupid`),
        `username` with `password` where the broker asks for them, `maxtimeout` [s], and
        any property of librdkafka. By default what `nightmail register` has written.
    survey
        `ztf` or `lsst`: whose credentials are read where there is no `config`.
    schema
        An Avro schema, or its file, that holds whatever the messages say.
    start_at
        Where the group is to go on, once: `earliest`, `latest`, a night `20260301`, a
        date or time in UTC as `2026-03-01T06:30`, or an age as `-2h`. By default where
        it was; a new group at the earliest.
    on_bad
        What becomes of a message that cannot be decoded: `raise` it as an AlertError,
        or `set_aside` in `bad_folder` and go on.
    bad_folder
        Where such messages are kept, each in a JSON file with the reason.

    Raises
    ------
    ConfigError
        No topic, or something is missing or wrong in the arguments.

    Examples
    --------
    >>> config = {"bootstrap.servers": "127.0.0.1:9092", "group.id": "my_group"}
    >>> with AlertConsumer(["fink_sn_candidates_ztf"], config) as consumer:
    ...     topic, alert, key = consumer.poll(timeout=0.1)  # doctest: +SKIP
    """

    def __init__(  # noqa: PLR0913 - all but three by name
        self,
        topics: Sequence[str],
        config: Mapping[str, Any] | None = None,
        survey: str | None = None,
        *,
        schema: SchemaSource | None = None,
        start_at: str | date | None = None,
        on_bad: str = "raise",
        bad_folder: str | Path | None = None,
    ) -> None:
        # librdkafka, which takes longer to import than all the rest.
        from nightmail._feed import GroupFeed  # noqa: PLC0415

        check_topics(topics)
        settings = read_config(config, survey)
        now = datetime.now(UTC)
        start = None if start_at is None else read_start(start_at, now)
        self.survey = survey
        schemas, aside = Schemas(schema), make_aside(on_bad, bad_folder)
        feed = GroupFeed(topics, connection(settings), start)
        self._hand = Hand(feed, schemas, aside, patience(settings))

    def poll(self, timeout: float | None = None) -> Received:
        """Wait for the next alert; the one before it counts as read now.

        Parameters
        ----------
        timeout
            How long to wait [s]; for ever if negative. By default `maxtimeout` of the
            configuration, else 5.

        Returns
        -------
        topic, alert, key
            Where it was, the alert itself, and its schema as JSON. Three times None if
            nothing came in time.

        Raises
        ------
        AlertError
            The message cannot be decoded, or Kafka fails to give it; `topic`,
            `partition` and `offset` say which. The next call goes past it.
        BrokerUnavailableError
            No server was reached so far.
        ConfigError
            The servers refuse the user name or password, the group, or a topic. It is
            told at once; a topic that is refused keeps nobody from asking for the next
            alert of another.
        FileError
            A bad message cannot be set aside. It comes again.
        """
        found = self._hand.receive(1, timeout)
        return _tell(found[0]) if found else (None, None, None)

    def consume(self, num_alerts: int = 1, timeout: float | None = None) -> list[Alert]:
        """Wait for several alerts; those before them count as read now.

        Where one among them cannot be decoded, those before it come now, and the error
        at the next call.

        Parameters
        ----------
        num_alerts
            How many to wait for.
        timeout
            How long to wait for all of them [s]; see `poll`.

        Returns
        -------
        list of (topic, alert, key)
            At most as many; fewer if no more came in time.

        Raises
        ------
        AlertError, BrokerUnavailableError, ConfigError, FileError
            As `poll` does. No alert is lost by it.
        """
        return [_tell(one) for one in self._hand.receive(num_alerts, timeout)]

    def poll_and_write(
        self,
        outdir: str | Path,
        timeout: float | None = None,
        overwrite: bool = False,  # noqa: FBT001, FBT002 - as existing scripts call it
    ) -> Received:
        """Wait for the next alert and write it as an Avro file, whole or not at all.

        Parameters
        ----------
        outdir
            Folder, made if need be. `save` tells how files are named.
        timeout
            See `poll`.
        overwrite
            Replace a file of the same name, instead of taking another name.

        Returns
        -------
        topic, alert, key
            As `poll` does.

        Raises
        ------
        FileError
            It cannot be written: the disk is full, say. The alert comes again.
        AlertError, BrokerUnavailableError, ConfigError
            As `poll` does.
        """
        received = self.poll(timeout)
        if self._hand.last is not None:
            self.save(outdir, overwrite=overwrite)
        return received

    def save(self, outdir: str | Path, *, overwrite: bool = False) -> Path:
        """Write the last alert of `poll`, which then need not be asked for again.

        The name is `<objectId>_<candid>.avro` for ZTF and `<diaSourceId>.avro` for
        LSST. An alert that is there already is left as it is; another alert of the same
        name gets a digest behind it.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        FileError
            It cannot be written. The next call gives the alert again.
        ConfigError
            There is no alert in hand.
        """
        if self._hand.last is None:
            raise ConfigError("There is no alert in hand to save; call poll first.")
        try:
            return save_alert(outdir, self._hand.last, overwrite=overwrite)
        except BaseException:
            self._hand.drop()
            raise

    def batches(
        self,
        columns: Sequence[str] | None = None,
        max_alerts: int | None = None,
        timeout: float | None = None,
    ) -> Iterator["pa.RecordBatch"]:
        """Give alerts as columns, some hundreds at a time.

        A batch counts as read when the next one is asked for. Needs the extra
        `[arrow]`.

        Parameters
        ----------
        columns
            What is read, nested names joined by dots: `candid`, `candidate.ra`,
            `prv_candidates.magpsf`. Everything if None. They keep the schema's order.
        max_alerts
            After how many it ends; by default when nothing came for `timeout`.
        timeout
            How long to wait for more [s]; see `poll`.

        Yields
        ------
        pyarrow.RecordBatch
            Alerts of one schema, some hundreds at most.

        Raises
        ------
        AlertError
            A message cannot be decoded. Those before it came; the next call goes past.
        ColumnError
            There is no such column.
        SchemaError
            The schema cannot be read by columns.
        BrokerUnavailableError, ConfigError, FileError
            As `poll` does.
        """
        self._hand.acknowledge()
        decoder = ColumnDecoder(self._hand.schemas, columns)
        for batch in receive_batches(self._hand, decoder, max_alerts, timeout):
            yield batch
            self._hand.acknowledge()

    def to_arrow(
        self,
        columns: Sequence[str] | None = None,
        max_alerts: int | None = None,
        timeout: float | None = None,
    ) -> "pa.Table":
        """Give all alerts that come as one table; they count as read at the next call.

        Parameters
        ----------
        columns, max_alerts, timeout
            See `batches`.

        Returns
        -------
        pyarrow.Table
            Alerts of all schemas; what one of them lacks is null.

        Raises
        ------
        AlertError
            A message cannot be decoded. All others come again with the next call.
        ColumnError, SchemaError, BrokerUnavailableError, ConfigError, FileError
            As `batches` does.
        """
        self._hand.acknowledge()
        decoder = ColumnDecoder(self._hand.schemas, columns)
        try:
            found = receive_batches(self._hand, decoder, max_alerts, timeout)
            return table_of(list(found))
        except BaseException:
            self._hand.rewind()
            raise

    def to_pandas(
        self,
        columns: Sequence[str] | None = None,
        max_alerts: int | None = None,
        timeout: float | None = None,
    ) -> "pd.DataFrame":
        """Give all alerts that come as one DataFrame, as `to_arrow` does.

        Fields of records are columns named `candidate.magpsf`; whole numbers are
        pandas' nullable ones, so that ids are exact; histories, maps and cutouts stay
        Arrow's.
        """
        return frame_of(self.to_arrow(columns, max_alerts, timeout))

    def commit(self) -> None:
        """Count all that was handed out as read, and tell Kafka at once."""
        self._hand.acknowledge()
        self._hand.feed.commit()

    def available_topics(self, service: str = "livestream") -> list[str]:
        """Name the topics that one may read.

        Parameters
        ----------
        service
            `livestream`, `datatransfer` or `xmatch`.

        Raises
        ------
        ConfigError
            There is no such service.
        BrokerUnavailableError
            Kafka does not answer.
        """
        if service not in _SERVICES:
            known = ", ".join(_SERVICES)
            raise ConfigError(f"There is no service {service}; there are {known}.")
        names = [
            n for n in self._hand.feed.topics() if n.startswith(_SERVICES[service])
        ]
        hidden = _HIDDEN if service == "livestream" else ("__",)
        return [name for name in names if not name.startswith(hidden)]

    @property
    def headers(self) -> dict[str, str]:
        """What came with the last alert: night, id, generation, fingerprint."""
        return headers_of(self._hand.last.message) if self._hand.last else {}

    @property
    def schema(self) -> dict[str, Any] | None:
        """The Avro schema by which the last alert was read, as JSON gives it."""
        return self._hand.last.schema.avro if self._hand.last else None

    @property
    def last_key(self) -> bytes | None:
        """Key of the last message of `poll`, also of one that cannot be decoded."""
        return self._hand.last_key

    @property
    def set_aside(self) -> int:
        """How many messages were set aside so far."""
        return self._hand.aside.count if self._hand.aside else 0

    def close(self) -> None:
        """Leave the group. Inside a failing `try` the last alert stays unread."""
        self._close(in_good_order=sys.exc_info()[0] is None)

    def __iter__(self) -> Iterator[Alert]:
        while not self._hand.is_over:
            for found in self._hand.receive(1, -1):
                yield _tell(found)

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
            self._hand.acknowledge()
        self._hand.feed.close()


def _tell(found: Decoded) -> Alert:
    message = found.message
    return message.topic(), found.alert, (message.key() or b"").decode(errors="replace")

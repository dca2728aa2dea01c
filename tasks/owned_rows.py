"""Rows of the ledger, in the hands of whoever repairs a night."""

from collections.abc import Callable, Iterable

from cluster.access import KafkaAccess
from ledger.deliveries import Deliveries
from ledger.read import Entries, LedgerReader
from ledger.record import Record
from ledger.row import LedgerKey, LedgerRow
from ledger.transaction import RefusedError, RestartError, Transactor
from settings import Settings
from settings.errors import BrokerUnavailableError, NewerRunError, NightError
from settings.names import LEDGER_TOPIC, stable_hash, transactional_id
from tasks.gather_evidence import Evidence
from tasks.plan_night import NightPlan
from tasks.work import newest_rows


def own_shard(
    settings: Settings, access: KafkaAccess, plan: NightPlan, shard: int
) -> tuple[Transactor, Entries]:
    """Become the owner of a shard, and read its rows; whoever had it is fenced.

    Raises
    ------
    NewerRunError
        A run works on the night.
    BrokerUnavailableError
        Kafka does not answer.
    """
    night = (settings.topics.prefix, plan.survey, plan.night)
    try:
        producer = Transactor(access.publisher, transactional_id(*night, shard))
    except RestartError as error:
        raise BrokerUnavailableError(
            f"Shard {shard} of {plan.night} cannot be repaired ({error}): try once"
            " more."
        ) from error
    with LedgerReader(access.publisher) as reader:
        return producer, reader.read([shard], night)


class OwnedRows:
    """The rows of one file, changed under the id that a run of the night has.

    So whoever else works on the shard is fenced, or fences us.
    """

    def __init__(
        self, settings: Settings, access: KafkaAccess, evidence: Evidence, file: str
    ) -> None:
        plan = evidence.plan
        self.file, self._evidence = file, evidence
        self._settings, self._access = settings, access
        self._night = (settings.topics.prefix, plan.survey, plan.night)
        self._shard = stable_hash(file, plan.shards)
        self._producer: Transactor

    def take(self) -> Entries:
        """Become the owner, and give the file's rows if they are as they were.

        Rows of generations that a later one replaces are given too.

        Raises
        ------
        NewerRunError
            A run works on the night, or has worked on the file since the evidence was
            gathered.
        BrokerUnavailableError
            Kafka does not answer.
        """
        plan, before = self._evidence.plan, self._evidence.ledger
        self._producer, now = own_shard(self._settings, self._access, plan, self._shard)
        rows = {key: row for key, row in now.items() if key[0] == self.file}
        newest = newest_rows(rows, self._evidence.generations)
        if newest != {key: row for key, row in before.items() if key[0] == self.file}:
            raise NewerRunError(
                f"A run has worked on {self.file} meanwhile: verify the night again."
            )
        return rows

    def commit(
        self,
        records: Iterable[Record],
        remember: Callable[[Deliveries], Iterable[Record]],
    ) -> Deliveries:
        """Send records and the file's new rows, all or nothing.

        Raises
        ------
        NewerRunError
            A run works on the night.
        BrokerUnavailableError
            Kafka does not answer.
        NightError
            A topic refuses.
        """
        try:
            return self._producer.send(records, remember)
        except RestartError as error:
            raise BrokerUnavailableError(
                f"{self.file} could not be repaired ({error}): try once more."
            ) from error
        except RefusedError as error:
            why = " ".join(error.topics.values()) or error.why
            raise NightError(f"{self.file} cannot be repaired: {why}.") from error

    def record(self, where: str, row: LedgerRow) -> Record:
        """Make the ledger's record of a row."""
        key = LedgerKey(*self._night, self.file, where)
        return Record(LEDGER_TOPIC, self._shard, key.encode(), row.encode())

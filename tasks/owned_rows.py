"""A file's rows of the ledger, in the hands of whoever repairs it."""

from collections.abc import Callable, Iterable

from cluster.access import KafkaAccess
from ledger.deliveries import Deliveries
from ledger.read import Entries, LedgerReader
from ledger.record import Record
from ledger.row import LedgerKey, LedgerRow
from ledger.transaction import RefusedError, RestartError, Transactor
from settings import Settings
from settings.errors import BrokerUnavailableError, NightError
from settings.names import LEDGER_TOPIC, stable_hash, transactional_id
from tasks.gather_evidence import Evidence


class OwnedRows:
    """The rows of one file, changed under the id that a run of the night has.

    So whoever else works on the shard is fenced, or fences us.
    """

    def __init__(
        self, settings: Settings, access: KafkaAccess, evidence: Evidence, file: str
    ) -> None:
        plan = evidence.plan
        self.file, self._evidence, self._access = file, evidence, access
        self._night = (settings.topics.prefix, plan.survey, plan.night)
        self._shard = stable_hash(file, plan.shards)
        self._producer: Transactor

    def take(self) -> Entries:
        """Become the owner, and give the file's rows if they are as they were.

        Raises
        ------
        NewerRunError
            A run works on the night.
        BrokerUnavailableError
            A run has worked on it since the evidence was gathered, or Kafka does not
            answer.
        """
        owner = transactional_id(*self._night, self._shard)
        try:
            self._producer = Transactor(self._access.publisher, owner)
        except RestartError as error:
            raise self._late(error) from error
        with LedgerReader(self._access.publisher) as reader:
            now = reader.read([self._shard], self._night)
        rows = {key: row for key, row in now.items() if key[0] == self.file}
        before = self._evidence.ledger
        if rows != {key: row for key, row in before.items() if key[0] == self.file}:
            raise BrokerUnavailableError(
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
            raise self._late(error) from error
        except RefusedError as error:
            why = " ".join(error.topics.values()) or error.why
            raise NightError(f"{self.file} cannot be repaired: {why}.") from error

    def record(self, where: str, row: LedgerRow) -> Record:
        """Make the ledger's record of a row."""
        key = LedgerKey(*self._night, self.file, where)
        return Record(LEDGER_TOPIC, self._shard, key.encode(), row.encode())

    def _late(self, error: RestartError) -> BrokerUnavailableError:
        return BrokerUnavailableError(
            f"{self.file} could not be repaired ({error}): try once more."
        )

"""Claiming a night: every older run of it ends, whatever it had planned."""

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ledger.deliveries import Deliveries
from ledger.read import Night
from ledger.record import Record
from ledger.row import CLAIM, LedgerKey
from ledger.transaction import RefusedError, RestartError, Transactor
from settings.errors import BrokerUnavailableError, SettingsError
from settings.names import LEDGER_TOPIC, transactional_id

AT_ONCE = 8
"""Shards whose owners are fenced at a time."""

FIRST = 0
"""The shard whose claim gives the run its number."""


def claim_night(
    config: Mapping[str, Any],
    night: Night,
    shards: int,
    *,
    at: Callable[[str], None] = lambda _: None,
) -> int:
    """Take every shard of a night from whatever run has it.

    A plan leaves out what was sent before. If another run sent something after the
    plan was made, from files that have changed meanwhile, that would be sent twice. So
    a run claims the night, and only then reads what was sent, and plans: whoever
    planned before it is fenced where it is at work, and ends where it would begin,
    since it finds a claim of a higher number than its own.

    All claims are written by the owner of the first shard. A newer run takes that from
    it first of all, so an older one can neither write its claim over a newer one's nor,
    but for an instant, fence the newer one's workers.

    Parameters
    ----------
    at
        Told the name of each point that is passed.

    Returns
    -------
    int
        The run's number: the offset of its claim in the first shard, so that a later
        run has a higher one.

    Raises
    ------
    NewerRunError
        Another run claims the night at the same time.
    BrokerUnavailableError
        Kafka does not answer.
    SettingsError
        The publisher may not write the ledger.
    """
    try:
        claim = _Claim(config, night)
        at("claimed first")
        claim.write(range(FIRST, shards))
        at("claimed")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(claim.fence, range(FIRST + 1, shards)))
    except RestartError as error:
        raise BrokerUnavailableError(
            f"The night {night[2]} cannot be claimed ({error}): try again later."
        ) from error
    except RefusedError as error:
        raise SettingsError(
            f"{LEDGER_TOPIC} cannot be written: {error.why}."
        ) from error
    at("fenced")
    return claim.number


class _Claim:
    """One run's claim, in the hands of the first shard's owner."""

    def __init__(self, config: Mapping[str, Any], night: Night) -> None:
        self._config, self._night = config, night
        self._alone = threading.Lock()
        self._owner = Transactor(config, transactional_id(*night, FIRST))
        self.number = 0
        (place,) = self.write([FIRST]).of(LEDGER_TOPIC)
        self.number = place.last_offset

    def write(self, shards: Iterable[int]) -> Deliveries:
        """Write the claim of some shards, all or none."""
        records = [self._record(shard) for shard in shards]
        return self._owner.send(records, lambda _: ())

    def fence(self, shard: int) -> None:
        """End whoever works on a shard, unless this run was overtaken itself."""
        with self._alone:
            self.write([shard])
        Transactor(self._config, transactional_id(*self._night, shard))

    def _record(self, shard: int) -> Record:
        key = LedgerKey(*self._night, CLAIM, str(shard)).encode()
        return Record(LEDGER_TOPIC, shard, key, str(self.number).encode())

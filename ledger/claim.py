"""Claiming a night: every older run of it ends, whatever it had planned."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ledger.read import Night
from ledger.record import Record
from ledger.row import CLAIM, LedgerKey
from ledger.transaction import RefusedError, RestartError, Transactor
from settings.errors import BrokerUnavailableError, SettingsError
from settings.names import LEDGER_TOPIC, transactional_id

AT_ONCE = 8
"""Shards that are claimed at a time."""

FIRST = 0
"""The shard whose claim gives the run its number."""


def claim_night(config: Mapping[str, Any], night: Night, shards: int) -> int:
    """Take every shard of a night from whatever run has it.

    A plan leaves out what was sent before. If another run sent something after the
    plan was made, from files that have changed meanwhile, that would be sent twice. So
    a run claims the night, and only then reads what was sent, and plans: whoever
    planned before it is fenced where it is at work, and ends where it would begin,
    since it finds a claim of a higher number than its own.

    Returns
    -------
    int
        The run's number: the offset of its claim in the first shard, so that a later
        run has a higher one.

    Raises
    ------
    NewerRunError
        A newer run claims the night at the same time.
    BrokerUnavailableError
        Kafka does not answer.
    SettingsError
        The publisher may not write the ledger.
    """
    number = _claim(config, night, FIRST, None)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        others = range(FIRST + 1, shards)
        list(pool.map(lambda shard: _claim(config, night, shard, number), others))
    return number


def _claim(
    config: Mapping[str, Any], night: Night, shard: int, number: int | None
) -> int:
    """Write a claim, and give its number: by default its own offset."""
    key = LedgerKey(*night, CLAIM, str(shard)).encode()

    def write(owner: Transactor, number: int) -> int:
        record = Record(LEDGER_TOPIC, shard, key, str(number).encode())
        (place,) = owner.send([record], lambda _: ()).of(LEDGER_TOPIC)
        return place.last_offset

    try:
        owner = Transactor(config, transactional_id(*night, shard))
        if number is None:
            number = write(owner, 0)
        write(owner, number)
    except RestartError as error:
        raise BrokerUnavailableError(
            f"The night {night[2]} cannot be claimed ({error}): try again later."
        ) from error
    except RefusedError as error:
        raise SettingsError(
            f"{LEDGER_TOPIC} cannot be written: {error.why}."
        ) from error
    return number

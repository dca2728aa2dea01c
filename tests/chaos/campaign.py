"""The campaign: two lanes at once, each with a Kafka of its own, counted as one."""

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from random import Random
from typing import Any

from tests.chaos.plain import kill_plain, plan_kinds
from tests.chaos.spark import SparkError, kill_in_spark
from tests.chaos.stage import Lane, Stage, WrongError, set_stage
from tests.chaos.tally import BROKER, PLAIN, SPARK, Tally

FIRST_NIGHTS = (dt.date(2026, 1, 1), dt.date(2027, 1, 1))
"""Name of the first night of each lane."""

SHARE = 0.3
"""Part of the plain kills that the lane of Spark does too; so both take as long."""


@dataclass(frozen=True)
class Campaign:
    """How many kills of each kind, and the seed."""

    plain: int
    spark: int
    broker: int
    seed: int

    def run(self) -> Tally:
        """Kill, run again and count; a lane stops at the first alert lost or doubled.

        What waits for the broker leaves the processors to Spark: so both at once.
        """
        kinds = plan_kinds(self.plain, Random(self.seed))
        until = round(len(kinds) * (1 - SHARE * (self.spark > 0)))
        other = _Other(partial(self._run_spark, kinds[until:]))
        try:
            tally = self._run_plain(kinds[:until], other.start)
            other.start()
            tally.add(other.wait())
        finally:
            other.end()
        return tally

    def is_proof(self, tally: Tally) -> bool:
        """Tell whether it was all done, and nothing went wrong."""
        done = (tally.kills(*PLAIN), tally.kills(*SPARK), tally.kills(BROKER))
        asked = (self.plain, self.spark, self.broker)
        return not tally.faults and all(
            d >= a for d, a in zip(done, asked, strict=True)
        )

    def _run_plain(self, kinds: list[str], ready: Callable[[], None]) -> Tally:
        def kill(stage: Stage) -> None:
            ready()
            kill_plain(stage, kinds)
            kill_plain(stage, [BROKER] * self.broker)

        lane = Lane("lane 1", len(kinds) + self.broker, FIRST_NIGHTS[0])
        return _play(lane, self.seed, kill)

    def _run_spark(self, kinds: list[str]) -> Tally:
        def kill(stage: Stage) -> None:
            kill_in_spark(stage, self.spark)
            kill_plain(stage, kinds)

        lane = Lane("lane 2", len(kinds) + self.spark, FIRST_NIGHTS[1])
        return _play(lane, self.seed + 1, kill)


def _play(lane: Lane, seed: int, kill: Callable[[Stage], None]) -> Tally:
    if not lane.kills:
        return Tally()
    with set_stage(lane, seed=seed) as stage:
        try:
            stage.rehearse()
            kill(stage)
            stage.sweep()
        except (WrongError, SparkError) as error:
            stage.tally.faults.append(f"{lane.name} stopped: {error}")
        return stage.tally


class _Other:
    """A lane that is played in a process of its own.

    It is begun when the first one's Kafka has its ports, which both would take.
    """

    def __init__(self, play: Callable[[], Tally]) -> None:
        context = get_context("spawn")
        self._ours, self._theirs = context.Pipe(duplex=False)
        self._process: Any = context.Process(target=_send, args=(play, self._theirs))

    def start(self) -> None:
        """Begin it, unless it has begun."""
        if self._process.pid is None:
            self._process.start()
            self._theirs.close()

    def wait(self) -> Tally:
        """Wait for its end, and give what it has counted."""
        try:
            tally: Tally = self._ours.recv()
        except EOFError:
            tally = Tally(faults=["The other lane ended without a word."])
        self._process.join()
        return tally

    def end(self) -> None:
        """Have it clear up and end, if it still runs."""
        if self._process.pid is not None:
            self._process.terminate()
            self._process.join()


def _send(play: Callable[[], Tally], connection: Any) -> None:
    # Told to end: the one who told it says so.
    with suppress(KeyboardInterrupt):
        connection.send(play())

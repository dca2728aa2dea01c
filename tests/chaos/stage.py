"""Where the campaign plays: one Kafka, one store, one archive, and what is counted."""

import datetime as dt
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from cluster.local import start, status, stop
from settings.errors import NightmailError
from settings.model import Archive, Settings, Store, Topics
from tests.chaos.check import Checker, Verdict, compare
from tests.chaos.conditions import write_plugin
from tests.chaos.nights import Night, place_nights, simulate_pool
from tests.chaos.reader import Offsets, read_topics
from tests.chaos.tally import Tally
from tests.chaos.worker import Errand, begin

PREFIX = "chaos_"
"""Beginning of the topics' names."""

PARTITIONS = 2
"""Of each topic."""

RERUN_S = 240.0
"""How long a process may take that ends by itself [s]; a second or two, usually."""

DONE = frozenset({"complete", "partial"})
"""How a summary calls a night that ended well: with all filters, or those asked for."""

SAY_S = 20.0
"""How often the campaign says how far it is [s]."""

SWEEP = "last reading"
"""Row of what only the reading of all topics at the end has found."""


class WrongError(Exception):
    """An alert was lost or doubled, or the archive is unequal: the campaign stops."""


@dataclass(frozen=True)
class Lane:
    """A part of the campaign, with a Kafka of its own."""

    name: str
    kills: int
    """How many it will be."""

    first: dt.date
    """Name of its first night; no two lanes have one in common."""


@dataclass
class Stage:
    """One campaign."""

    root: Path
    settings: Settings
    checker: Checker
    rng: Random
    nights: Iterator[Night]
    lane: Lane

    tally: Tally = field(default_factory=Tally)
    played: list[Night] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    spoken: float = 0.0
    usual_s: float = 1.0
    """How long a run with work takes [s], as last seen."""

    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def next_night(self) -> tuple[Night, Offsets]:
        """Place a new night, and note where the topics end before it."""
        night = next(self.nights)
        self.played.append(night)
        return night, self.checker.ends()

    def errand(self, night: Night, **ending: Any) -> Errand:
        """Make the errand of running a night now; keywords say where it dies."""
        return Errand(
            self.settings,
            night.name,
            tuple(night.names),
            self.plugin(night.edition),
            self.root / "notes" / f"{next(self._numbers):04d}-{night.name}",
            **ending,
        )

    def plugin(self, edition: int) -> Path:
        """Folder in which an edition of the filters is installed."""
        site = self.root / "plugins" / str(edition)
        return site if site.exists() else write_plugin(site, edition=edition)

    def rehearse(self) -> None:
        """Run one night undisturbed, so that the topics are there."""
        for _ in range(2):
            night, since = self.next_night()
            started = time.monotonic()
            errand = self.errand(night)
            wait(begin(errand), errand)
            self.usual_s = time.monotonic() - started
            self.finish(night, since, "rehearsal")

    def finish(self, night: Night, since: Offsets, kind: str) -> None:
        """Run a night once more, undisturbed, check it, and compare with `verify`.

        Raises
        ------
        WrongError
            Something is lost, doubled or unequal.
        """
        started = time.monotonic()
        errand = self.errand(night, is_verified=True)
        why = wait(begin(errand), errand)
        result = errand.result() or {}
        ran = time.monotonic()
        if why:
            self.tally.fail(kind, f"{errand.notes.name}: {why}")
        verdict = self.checker.check(night, since)
        self.tally.judge(kind, night.name, verdict)
        self._compare(night, kind, verdict, result)
        self.tally.reruns += 1
        self.tally.spend("reruns", ran - started - result.get("verified_s", 0.0))
        self.tally.spend("checks", time.monotonic() - ran)
        self._say_sometimes()
        if not verdict.is_good:
            story = ", ".join(night.story) or "nothing else happened"
            raise WrongError(f"{night.name} ({story}): {'; '.join(verdict.evidence)}")

    def look(self, night: Night, since: Offsets, kind: str) -> None:
        """Check an unfinished night, of which `verify` must not say that all agrees.

        What the reader calls good may still have work to do, without alerts: so that
        is not compared.
        """
        started = time.monotonic()
        verdict = self.checker.check(night, since)
        if not verdict.is_good:
            errand = self.errand(night, is_run=False, is_verified=True)
            if why := wait(begin(errand), errand):
                self.tally.fail(kind, f"{errand.notes.name}: {why}")
            self._compare(night, kind, verdict, errand.result() or {})
        self.tally.spend("looks", time.monotonic() - started)

    def _compare(
        self, night: Night, kind: str, verdict: Verdict, result: dict[str, Any]
    ) -> None:
        """Compare what the reader says of a night with what `verify` says."""
        problems = "; ".join(result.get("problems", ())) or "nothing, not even its end"
        said = "" if result.get("agrees") else problems
        seen = "; ".join(verdict.evidence)
        self.tally.compare(kind, night.name, seen=seen, said=said)
        self.tally.spend("verify", result.get("verified_s", 0.0))

    def sweep(self) -> None:
        """Read all topics from the beginning, and compare every night once more."""
        started = time.monotonic()
        seen = read_topics(self.checker.servers, dict.fromkeys(self.checker.ends(), 0))
        for night in self.played:
            changes = (word for word in night.story if not word.startswith("killed"))
            self.tally.happened.update(changes)
            verdict = compare(seen, night.name, self.checker.wanted(night))
            if not verdict.is_good:
                self.tally.judge(SWEEP, night.name, verdict)
        self.tally.records = sum(found.total() for found in seen.nights.values())
        self.tally.spend("last reading", time.monotonic() - started)

    def _say_sometimes(self) -> None:
        now = time.monotonic()
        if now - self.spoken > SAY_S:
            self.spoken = now
            say(
                f"{self.lane.name}: {self.tally.total('kills')} of"
                f" {self.lane.kills} kills,"
                f" {len(self.played)} nights,"
                f" {now - self.started:.0f} s"
            )


def wait(process: Any, errand: Errand) -> str:
    """Wait for a process to end well; tell why it did not."""
    process.join(RERUN_S)
    if process.exitcode is None:
        process.kill()
        process.join()
        return f"it did not end within {RERUN_S:.0f} s"
    result = errand.result()
    if result is None:
        return f"it ended with {process.exitcode}"
    if result.get("messages") or result.get("status", "complete") not in DONE:
        return f"{result['status']}: {' '.join(result['messages'])}"
    return ""


def say(text: str) -> None:
    """Say how far it is, where it does not mix with the result."""
    sys.stderr.write(f"chaos: {text}\n")
    sys.stderr.flush()


@contextmanager
def set_stage(lane: Lane, *, seed: int) -> Iterator[Stage]:
    """Set up Kafka and a store in a temporary folder, and clear all of it away.

    The folder stays where something is wrong: it is the evidence.

    Parameters
    ----------
    lane
        Which part of the campaign plays here.
    seed
        Of all that is drawn.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    root = Path(tempfile.mkdtemp(prefix="nightmail-chaos-"))
    settings = Settings(
        state_dir=root / "state",
        store=Store(uri=str(root / "store" / "{survey}")),
        archive=Archive(uri=str(root / "archive")),
        topics=Topics(prefix=PREFIX, partitions=PARTITIONS),
    )
    stage: Stage | None = None
    try:
        servers = start(settings).public_servers
        checker = Checker(str(servers), PREFIX, settings.archive_root())
        rng = Random(seed)
        pool = simulate_pool(root / "pool", seed=seed)
        nights = place_nights(
            settings.store_root("ztf"), pool, first=lane.first, rng=rng
        )
        stage = Stage(root, settings, checker, rng, nights, lane)
        yield stage
    finally:
        end_kafka(settings)
        if stage is not None and stage.tally.faults:
            say(f"the evidence is in {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)


def end_kafka(settings: Settings) -> None:
    """Stop the campaign's Kafka, by force if need be."""
    pid = status(settings).pid
    try:
        stop(settings)
    except NightmailError:
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

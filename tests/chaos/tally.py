"""What is counted, by where the kill hit, and the table of it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.chaos.check import Verdict

PLANNING = ("claimed first", "claimed", "fenced", "planned")
"""Every point at which a run can be ended before its shards begin, in its order."""

POINTS = (
    *PLANNING,
    "owned",
    "repaired",
    "selected",
    "archived",
    "begin",
    "produce",
    "before commit",
    "during commit",
    "after commit",
    "published",
)
"""Every point at which a run can be ended, in its order: then those of a shard."""

RANDOM = "random moment"
BESIDE = "beside a second run"
BROKER = "broker"
WORKER, EXECUTOR = "Spark: Python worker", "Spark: executor"
DRIVER, JVM = "Spark: driver", "Spark: driver's Java"

PLAIN = (*POINTS, RANDOM, BESIDE)
SPARK = (WORKER, EXECUTOR, DRIVER, JVM)

COLUMNS = (
    "kills",
    "nights",
    "open",
    "lost",
    "doubled",
    "strange",
    "archive",
    "failed",
    "verify",
)
"""Columns of the table, which its foot explains."""

LONGEST_SAID = 300
"""Where what is wrong is cut, in a sentence on something else [character]."""

FOOT = (
    "open: a transaction stood open after the kill; strange: records of no such filter,"
    " or headers unlike the alert; archive: rows missing, doubled or strange; failed:"
    " reruns that did not end well; verify: times that `nightmail verify` did not say"
    " what the independent reader says."
)


@dataclass
class Row:
    """What came of the kills of one kind."""

    kills: int = 0
    open: int = 0
    lost: int = 0
    doubled: int = 0
    strange: int = 0
    archive: int = 0
    failed: int = 0
    verify: int = 0
    named: set[str] = field(default_factory=set)
    """Nights that they hit."""

    @property
    def nights(self) -> int:
        """How many nights they hit."""
        return len(self.named)

    def values(self) -> list[int]:
        """Give what stands in the table."""
        return [getattr(self, name) for name in COLUMNS]


@dataclass
class Tally:
    """All that is counted."""

    rows: dict[str, Row] = field(default_factory=dict)
    moments: Counter[str] = field(default_factory=Counter)
    """The last point that was passed before a kill at a random moment."""

    others: Counter[str] = field(default_factory=Counter)
    """How the run ended beside which another was killed."""

    under: Counter[str] = field(default_factory=Counter)
    """How the runs ended under which the broker was killed."""

    happened: Counter[str] = field(default_factory=Counter)
    """What happened to nights between a kill and its rerun."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Time spent on each part [s]."""

    faults: list[str] = field(default_factory=list)
    """What went wrong, a sentence each."""

    reruns: int = 0
    verified: int = 0
    """How often `nightmail verify` and the reader were asked the same."""

    records: int = 0
    """Records that the last reading of all topics has found."""

    named: set[str] = field(default_factory=set)
    """All nights."""

    def row(self, kind: str) -> Row:
        """Give the row of a kind of kill."""
        return self.rows.setdefault(kind, Row())

    def kill(self, kind: str, night: str) -> None:
        """Count one kill."""
        self.row(kind).kills += 1
        self.row(kind).named.add(night)
        self.named.add(night)

    def spend(self, part: str, seconds: float) -> None:
        """Note the time that a part has taken [s]."""
        self.seconds[part] = self.seconds.get(part, 0.0) + seconds

    def fail(self, kind: str, why: str) -> None:
        """Count a rerun that did not end well."""
        self.row(kind).failed += 1
        self.faults.append(f"{kind}: {why}")

    def judge(self, kind: str, night: str, verdict: Verdict) -> None:
        """Count what a check has found after a kill."""
        row = self.row(kind)
        row.lost += verdict.lost
        row.doubled += verdict.doubled
        row.strange += verdict.strange
        row.archive += verdict.archive
        self.faults += [f"{kind}, {night}: {line}" for line in verdict.evidence]

    def compare(self, kind: str, night: str, *, seen: str, said: str) -> None:
        """Count what `nightmail verify` says beside what the reader has seen.

        Parameters
        ----------
        seen, said
            What is wrong with the night; empty where nothing is.
        """
        self.verified += 1
        if bool(seen) != bool(said):
            self.row(kind).verify += 1
            self.faults.append(
                f"{kind}, {night}: verify says {_short(said)}; the reader says"
                f" {_short(seen)}"
            )

    def add(self, other: "Tally") -> None:
        """Add what another campaign has counted, of other nights."""
        for kind, theirs in other.rows.items():
            ours = self.row(kind)
            ours.named |= theirs.named
            for name in set(COLUMNS) - {"nights"}:
                setattr(ours, name, getattr(ours, name) + getattr(theirs, name))
        for part, seconds in other.seconds.items():
            self.spend(part, seconds)
        self.moments += other.moments
        self.others += other.others
        self.under += other.under
        self.happened += other.happened
        self.faults += other.faults
        self.reruns += other.reruns
        self.verified += other.verified
        self.records += other.records
        self.named |= other.named

    def total(self, name: str) -> int:
        """Add up a column."""
        return sum(getattr(row, name) for row in self.rows.values())

    def kills(self, *kinds: str) -> int:
        """Add up the kills of some kinds."""
        return sum(row.kills for kind, row in self.rows.items() if kind in kinds)

    def table(self) -> Iterator[str]:
        """Yield the lines of the table."""
        yield f"{'where killed':24}" + "".join(f"{name:>9}" for name in COLUMNS)
        for kind in (*PLAIN, BROKER, *SPARK, *sorted(set(self.rows) - KNOWN)):
            if kind in self.rows:
                yield _line(kind, self.rows[kind].values())
        totals = [self.total(name) for name in COLUMNS]
        totals[COLUMNS.index("nights")] = len(self.named)
        yield _line("in all", totals)

    def notes(self) -> Iterator[str]:
        """Yield what the table does not say."""
        yield FOOT
        if self.moments:
            yield f"Random moments, by the last point passed: {_listed(self.moments)}."
        if self.others:
            yield f"Of two runs, the one not killed ended: {_listed(self.others)}."
        if self.under:
            yield f"Runs under a killed broker ended: {_listed(self.under)}."
        if self.happened:
            yield f"Between kill and rerun: {_listed(self.happened)}."
        yield (
            f"{self.reruns:,} reruns; {self.records:,} records on the topics in the"
            f" last reading of them all; {self.verified:,} comparisons with `nightmail"
            " verify`."
        )
        yield from self.faults

    def figures(self) -> dict[str, int]:
        """Give what it all comes to."""
        return {name: self.total(name) for name in ("kills", "lost", "doubled")}


KNOWN = frozenset({*PLAIN, *SPARK, BROKER})
"""Kinds whose place in the table is fixed."""


def _line(kind: str, values: list[int]) -> str:
    return f"{kind:24}" + "".join(f"{value:9,}" for value in values)


def _short(text: str) -> str:
    return text[:LONGEST_SAID] or "nothing is wrong"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())

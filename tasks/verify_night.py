"""Verify a night: store, ledger, topics and archive must tell the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cluster.contents import Contents, Integers
from ledger.row import LedgerRow
from tasks.gather_evidence import Evidence
from tasks.parcel import digest_of

NOTHING = np.empty(0, np.int64)
"""No ids."""

Archived = dict[tuple[str, int], dict[str, Integers]]
"""Ids by topic and generation, and then by file."""

ABSENT = Contents(NOTHING, NOTHING, NOTHING, NOTHING)
"""What a topic holds that does not exist."""


@dataclass(frozen=True)
class FileCheck:
    """One file's alerts on one topic, counted by each witness."""

    file: str
    topic: str
    generation: int
    ledger: int
    archive: int
    on_topic: int
    expired: int
    """Alerts whose records Kafka has removed by now, so that nobody can count them."""

    set_aside: int
    digest: str
    """Of the ledger: 16 hexadecimal digits of the sha256 of the sorted ids."""


@dataclass(frozen=True)
class Problem:
    """One thing that does not agree."""

    kind: str
    """`unsent`, `failed`, `lost`, `doubled`, `unknown`, `unarchived`, `archive`,
    `hidden` or `store`."""

    text: str
    """One sentence."""

    topic: str = ""
    file: str = ""
    ids: tuple[int, ...] = ()
    """The alerts, where they are known."""

    repairable: bool = False
    """Whether exactly these can be sent, or archived, again."""


@dataclass(frozen=True)
class Verification:
    """What the four witnesses of a night say, and where they disagree."""

    survey: str
    night: str
    files: tuple[FileCheck, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    """What could not be checked, and why."""

    @property
    def agrees(self) -> bool:
        """Whether all say the same."""
        return not self.problems


def verify_night(evidence: Evidence) -> Verification:
    """Reconcile a night by file and topic: counts, digests, and each id.

    A digest of the ledger is compared with the archive's ids, and those, one by one,
    with the topic's; so all three agree where nothing is reported. Records that Kafka
    has removed for their age are no disagreement: what is left is checked.
    """
    checks: list[FileCheck] = []
    replaced = 0
    archived = _group(evidence.matches)
    problems = [*_of_the_store(evidence, archived), *_of_the_archive(evidence)]
    for where in evidence.names:
        check = _TopicCheck(evidence, where, archived)
        problems += check.problems()
        checks += check.files
        replaced += check.replaced
    return Verification(
        survey=evidence.plan.survey,
        night=evidence.plan.night,
        files=tuple(checks),
        problems=tuple(problems),
        notes=tuple(_notes(evidence, checks, replaced)),
    )


class _TopicCheck:
    """One topic of the night."""

    def __init__(self, evidence: Evidence, where: str, archived: Archived) -> None:
        self.where, self.there = where, evidence.topics.get(where, ABSENT)
        self.missing_topic = where not in evidence.topics
        self.generation = evidence.generations.get(where, 0)
        self.rows = {u: r for (u, w), r in evidence.ledger.items() if w == where}
        self.archived = {g: files for (w, g), files in archived.items() if w == where}
        self.units = {unit.name: unit for unit in evidence.plan.units}
        self.stored = evidence.stored
        self.files: list[FileCheck] = []
        self.replaced = 0
        """Alerts of replaced generations that are not on the topic any more."""

    def problems(self) -> Iterator[Problem]:
        yield from self._of_ledger_and_archive()
        on_topic = np.unique(self.there.generations).tolist()
        for generation in sorted({*self.archived, *on_topic, self.generation}):
            yield from self._of_generation(generation)
        if self.there.hidden:
            yield Problem(
                "hidden",
                f"An open transaction hides the end of {self.where}: a run is at work,"
                " or died minutes ago; try again when it is over.",
                self.where,
            )

    def _of_ledger_and_archive(self) -> Iterator[Problem]:
        """Compare count and digest of each file."""
        newest = self.archived.get(self.generation, {})
        for file in sorted({*self.rows, *newest}):
            row, ids = self.rows.get(file), newest.get(file, NOTHING)
            if row is None:
                text = f"{self.where}: the archive has {len(ids)} alerts of {file}, the"
                yield self._problem("unarchived", f"{text} ledger knows of none.", file)
            elif row.outcome == "failed":
                yield self._problem("failed", f"{self.where}: {row.reason}", file)
            elif row.digest != digest_of(ids.tolist()):
                lacking = self._lacking(file, ids, row)
                yield Problem(
                    "unarchived",
                    f"{self.where}: the ledger has {row.rows} alerts of {file}, the"
                    f" archive {len(ids)}"
                    + (", which are others." if row.rows == len(ids) else "."),
                    self.where,
                    file,
                    tuple(lacking.tolist()),
                    repairable=len(lacking) > 0,
                )

    def _lacking(self, file: str, ids: Integers, row: LedgerRow) -> Integers:
        """Find the alerts that the archive lacks, if file and topic tell exactly."""
        unit = self.units.get(file)
        if unit is None or unit.identity != row.identity:
            return NOTHING
        present = self.there.ids[self.there.generations == self.generation]
        lacking = np.setdiff1d(np.intersect1d(present, self.stored[file]), ids)
        whole = [*ids.tolist(), *lacking.tolist()]
        return lacking if digest_of(whole) == row.digest else NOTHING

    def _of_generation(self, generation: int) -> Iterator[Problem]:
        """Compare each id of the archive with the topic."""
        mine = self.there.generations == generation
        ids, counts = np.unique(self.there.ids[mine], return_counts=True)
        files = self.archived.get(generation, {})
        archived = np.concatenate([NOTHING, *files.values()])
        yield from self._some("doubled", ids[counts > 1], "stand there more than once")
        strangers = np.setdiff1d(ids, archived)
        yield from self._some("unknown", strangers, "are not in the archive")
        for file in sorted({*files, *self._sent(generation)}):
            yield from self._of_file(generation, file, files.get(file, NOTHING), ids)

    def _sent(self, generation: int) -> set[str]:
        """Files of which the ledger has a row that counts."""
        if generation != self.generation:
            return set()
        return {file for file, row in self.rows.items() if row.outcome == "sent"}

    def _of_file(
        self, generation: int, file: str, archived: Integers, present: Integers
    ) -> Iterator[Problem]:
        missing = _absent(archived, present)
        row = self.rows.get(file)
        if generation != self.generation or row is None:
            self.replaced += len(missing)
            return
        gone = self._count_expired(row)
        expired = len(missing) if len(missing) <= gone else 0
        found = len(archived) - len(missing)
        self.files.append(self._check(file, row, len(archived), found, expired))
        if len(missing) and not expired:
            exists = "does not exist" if self.missing_topic else "lacks them"
            yield Problem(
                "lost",
                f"{self.where}: {len(missing)} alerts of {file} were sent, and the"
                f" topic {exists}.",
                self.where,
                file,
                tuple(missing.tolist()),
                repairable=not gone and not self.missing_topic,
            )

    def _check(
        self, file: str, row: LedgerRow, archived: int, found: int, expired: int
    ) -> FileCheck:
        return FileCheck(
            file=file,
            topic=self.where,
            generation=row.generation,
            ledger=row.rows,
            archive=archived,
            on_topic=found,
            expired=expired,
            set_aside=row.set_aside,
            digest=row.digest,
        )

    def _count_expired(self, row: LedgerRow) -> int:
        """Count the alerts of a file that Kafka may have removed by now."""
        first = self.there.first
        return sum(
            part.count
            for part in row.partitions
            if part.first_offset < first.get(part.partition, 0)
        )

    def _some(self, kind: str, ids: Integers, what: str) -> Iterator[Problem]:
        if len(ids):
            text = f"{self.where}: {len(ids)} alerts {what}."
            yield Problem(kind, text, self.where, ids=tuple(ids.tolist()))

    def _problem(self, kind: str, text: str, file: str) -> Problem:
        return Problem(kind, text, self.where, file)


def _group(matches: pa.Table) -> Archived:
    """Group the archive's ids by topic and generation, and then by file."""
    keys = ["topic", "generation", "file"]
    found: Archived = {}
    grouped = matches.group_by(keys).aggregate([("id", "list")])
    labels = zip(*(grouped.column(key).to_pylist() for key in keys), strict=True)
    for (where, generation, file), ids in zip(
        labels, grouped.column("id_list"), strict=True
    ):
        found.setdefault((where, generation), {})[file] = ids.values.to_numpy()
    return found


def _absent(ids: Integers, present: Integers) -> Integers:
    """Give the ids that are not among those present, which are sorted."""
    if not len(present):
        return ids
    places = np.searchsorted(present, ids).clip(max=len(present) - 1)
    absent: Integers = ids[present[places] != ids]
    return absent


def _of_the_store(evidence: Evidence, archived: Archived) -> Iterator[Problem]:
    plan = evidence.plan
    for text in plan.failures:
        yield Problem("store", text)
    for name, why in (*plan.broken.items(), *plan.refused.items()):
        yield Problem("failed", f"{name}: {why}")
    for works in plan.work.values():
        for work in works:
            names = ", ".join(work.filters)
            text = f"{work.unit.name} has yet to be run on: {names}."
            yield Problem("unsent", text, file=work.unit.name)
    for (where, generation), files in archived.items():
        if generation != evidence.generations.get(where, 0):
            continue
        for file, ids in files.items():
            strangers = _absent(ids, evidence.stored.get(file, np.unique(ids)))
            if len(strangers):
                text = (
                    f"{where}: {len(strangers)} alerts of {file} are not in that file."
                )
                yield Problem("store", text, where, file, tuple(strangers.tolist()))


def _of_the_archive(evidence: Evidence) -> Iterator[Problem]:
    if evidence.pending:
        count = len(evidence.pending)
        text = f"{count} slices of the archive wait to be shown: run the night again."
        yield Problem("archive", text)
    alerts, counts = np.unique(evidence.alerts, return_counts=True)
    matched = np.unique(evidence.matches.column("id").to_numpy())
    for ids, text in (
        (alerts[counts > 1], "alerts stand in the archive more than once"),
        (np.setdiff1d(matched, alerts), "alerts have matches, but are not archived"),
        (np.setdiff1d(alerts, matched), "alerts are archived without any match"),
    ):
        if len(ids):
            yield Problem("archive", f"{len(ids)} {text}.", ids=tuple(ids.tolist()))
    yield from _of_what_was_set_aside(evidence)


def _of_what_was_set_aside(evidence: Evidence) -> Iterator[Problem]:
    kept = evidence.set_aside.column("topic").to_pylist()
    numbers = evidence.set_aside.column("generation").to_pylist()
    for where in evidence.names:
        newest = evidence.generations.get(where, 0)
        rows = [r for (_, w), r in evidence.ledger.items() if w == where]
        known = sum(row.set_aside for row in rows)
        there = sum(
            t == where and n == newest for t, n in zip(kept, numbers, strict=True)
        )
        if known != there:
            text = f"{where}: the ledger has {known} alerts that were set aside, the"
            yield Problem("archive", f"{text} archive {there}.", where)


def _notes(
    evidence: Evidence, checks: Sequence[FileCheck], replaced: int
) -> Iterator[str]:
    if evidence.plan.folder is None:
        yield "The store does not have the night any more: the rest was checked."
    else:
        there = set(evidence.stored)
        gone = {file for file, _ in evidence.ledger if file not in there}
        if gone:
            yield f"The store does not have {len(gone)} of the files that were sent."
    expired = sum(check.expired for check in checks)
    if expired:
        yield (
            f"{expired} records were removed by Kafka for their age: ledger and archive"
            " were checked."
        )
    if replaced:
        yield f"{replaced} records of replaced generations are not there any more."
    aside = sum(check.set_aside for check in checks)
    if aside:
        yield f"{aside} alerts were kept and cannot be sent: see the view set_aside."


def count_by_topic(verification: Verification) -> Mapping[str, npt.NDArray[np.int64]]:
    """Add up the files of each topic: ledger, archive, on topic, expired, set aside."""
    totals: dict[str, npt.NDArray[np.int64]] = {}
    for f in verification.files:
        mine = np.array([f.ledger, f.archive, f.on_topic, f.expired, f.set_aside])
        totals[f.topic] = totals.get(f.topic, np.zeros(5, np.int64)) + mine
    return totals

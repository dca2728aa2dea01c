"""Verify a night: store, ledger, topics and archive must tell the same."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from cluster.contents import Contents, Integers
from ledger.row import LedgerRow
from tasks.gather_evidence import Evidence
from tasks.parcel import digest_of
from tasks.verification import FileCheck, Problem, Verification

NOTHING = np.empty(0, np.int64)
"""No ids."""

Archived = dict[tuple[str, int], dict[str, Integers]]
"""Ids by topic and generation, and then by file."""

REPEATED = "have more than one match in the archive"
"""What is said of alerts that were archived, and so sent, twice."""

ABSENT = Contents(NOTHING, NOTHING, NOTHING, NOTHING)
"""What a topic holds that does not exist."""


def verify_night(evidence: Evidence) -> Verification:
    """Reconcile a night by file and topic: counts, digests, and each id.

    A digest of the ledger is compared with the archive's ids, and those, one by one,
    with the topic's; so all three agree where nothing is reported. Records that Kafka
    has removed for their age are no disagreement: what is left is checked.
    """
    checks: list[FileCheck] = []
    replaced = 0
    archived, unchanged = _group(evidence.matches), _unchanged(evidence)
    problems = [*_of_the_store(evidence, archived), *_of_the_archive(evidence)]
    for where in evidence.names:
        check = _TopicCheck(evidence, where, archived, unchanged)
        problems += check.problems()
        checks += check.files
        replaced += check.replaced
    return Verification(
        survey=evidence.plan.survey,
        night=evidence.plan.night,
        files=tuple(checks),
        problems=tuple(problems),
        notes=tuple(_notes(evidence, archived, checks, replaced)),
    )


class _TopicCheck:
    """One topic of the night."""

    def __init__(
        self, evidence: Evidence, where: str, archived: Archived, unchanged: set[str]
    ) -> None:
        self.where, self.there = where, evidence.topics.get(where, ABSENT)
        self.missing_topic = where not in evidence.topics
        self.generation = evidence.generations.get(where, 0)
        self.rows = {u: r for (u, w), r in evidence.ledger.items() if w == where}
        self.archived = {g: files for (w, g), files in archived.items() if w == where}
        self.units = {unit.name: unit for unit in evidence.plan.units}
        self.stored, self.unchanged = evidence.stored, unchanged
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
                if file in self.units:
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
        matches = np.concatenate([NOTHING, *files.values()])
        archived, times = np.unique(matches, return_counts=True)
        yield from self._some("doubled", archived[times > 1], REPEATED)
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
        ids = np.unique(archived)
        missing = _absent(ids, present)
        row = self.rows.get(file)
        if generation != self.generation or row is None:
            self.replaced += len(missing)
            return
        expired = min(len(missing), self._count_expired(row, ids, missing))
        found = len(ids) - len(missing)
        self.files.append(self._check(file, row, len(archived), found, expired))
        if len(missing) > expired:
            yield self._lost(file, row, missing, expired)

    def _lost(
        self, file: str, row: LedgerRow, missing: Integers, expired: int
    ) -> Problem:
        exists = "does not exist" if self.missing_topic else "lacks them"
        lost = len(missing) - expired
        text = (
            f"{self.where}: {lost} alerts of {file} were sent, and the topic {exists}."
        )
        known = self._is_unchanged(file, row)
        if expired:
            text += f" {expired} of those named may have been removed for their age."
        elif not known:
            text += (
                " What was sent is not in the store, and the archive may have it of"
                f" another file of that name: send it by --generation"
                f" {self.generation + 1}."
            )
        ids = tuple(missing.tolist())
        can = known and not expired and not self.missing_topic
        return Problem("lost", text, self.where, file, ids, repairable=can)

    def _is_unchanged(self, file: str, row: LedgerRow) -> bool:
        """Tell whether what was sent can still be had, byte for byte."""
        unit = self.units.get(file)
        is_there = unit is not None and unit.identity == row.identity
        return is_there or file in self.unchanged

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

    def _count_expired(self, row: LedgerRow, ids: Integers, missing: Integers) -> int:
        """Count the alerts of a file that Kafka may have removed for their age.

        A partition that still begins where the file does has lost none; any other at
        most those that it lacks, and no more than the offsets that are gone.
        """
        there, count = self.there, 0
        if not len(missing):
            return 0
        mine = np.isin(there.ids, ids) & (there.generations == row.generation)
        for part in row.partitions:
            gone = there.first.get(part.partition, 0) - part.first_offset
            left = np.unique(there.ids[mine & (there.partitions == part.partition)])
            count += max(0, min(gone, part.count - len(left)))
        return count

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


def _unchanged(evidence: Evidence) -> set[str]:
    """Find the files whose alerts the archive has as they were sent to every topic.

    It keeps each alert as it was first archived, and the ledger forgets what a new
    generation replaces: then nobody knows which file of that name that was.
    """
    if any(evidence.generations.values()):
        return set()
    identities: dict[str, set[str]] = {}
    for (file, _), row in evidence.ledger.items():
        if row.outcome == "sent":
            identities.setdefault(file, set()).add(row.identity)
    return {file for file, known in identities.items() if len(known) == 1}


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
    for name in plan.deferred:
        yield Problem("unsent", f"{name} has yet to be run.", file=name)
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
    evidence: Evidence,
    archived: Archived,
    checks: Sequence[FileCheck],
    replaced: int,
) -> Iterator[str]:
    if evidence.plan.folder is None:
        yield "The store does not have the night any more: the rest was checked."
    else:
        there = set(evidence.stored)
        gone = {file for file, _ in evidence.ledger if file not in there}
        if gone:
            yield f"The store does not have {len(gone)} of the files that were sent."
    failed = _count_failed(evidence)
    if failed:
        yield (
            f"{failed} failures were passed over, since the store does not have their"
            " files."
        )
    left = sum(len(_left_behind(evidence, archived, w)) for w in evidence.names)
    if left:
        yield (
            f"{left} alerts of older generations are not in the newest: the store does"
            " not have their files."
        )
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


def _count_failed(evidence: Evidence) -> int:
    """Count the failures on files that nobody can run again."""
    return sum(
        row.outcome == "failed" and file not in evidence.stored
        for (file, _), row in evidence.ledger.items()
    )


def _left_behind(evidence: Evidence, archived: Archived, where: str) -> Integers:
    """Find what older generations had of files that left, and the newest lacks."""
    newest = evidence.generations.get(where, 0)
    mine = {g: files for (w, g), files in archived.items() if w == where}
    older = [
        ids
        for generation, files in mine.items()
        for file, ids in files.items()
        if generation < newest and file not in evidence.stored
    ]
    here = [NOTHING, *mine.get(newest, {}).values()]
    return np.setdiff1d(np.concatenate([NOTHING, *older]), np.concatenate(here))

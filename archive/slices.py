"""Slices of a night: written unseen, shown once Kafka has committed."""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from archive.disk import PENDING_PREFIX, refusals_explained, sync
from archive.kinds import KINDS, SCHEMAS
from archive.slice_writer import SliceWriter
from settings.errors import ArchiveUnavailableError, NightError

_VISIBLE_SUFFIX = ".parquet"

# DuckDB's `*` matches a leading underscore too (2.0.0): hence another ending besides.
_PENDING_SUFFIX = ".pending"


def mark_of(prefix: str) -> str:
    """Give 6 hexadecimal digits by which slices of a prefix of topics are known."""
    return hashlib.sha256(prefix.encode()).hexdigest()[:6]


def shard_of_slice(name: str) -> int:
    """Read the shard that a slice belongs to from its name; -1 where it has none."""
    shard = name.partition("-")[0]
    return int(shard) if shard.isdecimal() else -1


@dataclass(frozen=True)
class NightFolder:
    """One night of one survey in the archive.

    Slices are named by their shard and their prefix's mark, as `007-3ab2c1-1f0c…`.
    """

    root: Path
    """Folder of the archive, of all surveys."""

    survey: str
    """`ztf` or `lsst`."""

    night: str
    """Date of the morning on which the night ends, YYYYMMDD."""

    prefix: str
    """Of the topics: one that is rehearsed under has slices of its own here."""

    def name_slice(self, shard: int, digest: str) -> str:
        """Name a slice: shard, prefix, a digest of what decides it, and this attempt.

        Two attempts never write one file, so a run that was overtaken cannot touch
        what the newer one shows; which attempt counts, the ledger says.
        """
        return f"{shard:03d}-{mark_of(self.prefix)}-{digest}-{uuid.uuid4().hex[:8]}"

    def folder(self, kind: str) -> Path:
        """Folder of this night's `alerts`, `matches` or `set_aside`."""
        return self.root / self.survey / kind / f"night={self.night}"

    def writer(self, name: str) -> SliceWriter:
        """Writer of a slice that nobody sees before it is published.

        Parameters
        ----------
        name
            Name of the slice.

        Raises
        ------
        NightError
            A slice of this name is visible: it is never overwritten.
        """
        if any(self._visible_file(kind, name).exists() for kind in KINDS):
            raise NightError(
                f"The archive already shows slice {name} of {self.survey} {self.night},"
                " which is never overwritten; run the night again, so that the ledger"
                " is read anew."
            )
        return SliceWriter(
            {kind: self._pending_file(kind, name) for kind in KINDS}, name=name
        )

    def publish(self, name: str) -> None:
        """Make a slice visible; nothing happens when it is.

        Raises
        ------
        ArchiveUnavailableError
            The disk refuses, or there is no such slice any more.
        """
        if not any(self._find(kind, name) for kind in KINDS):
            raise ArchiveUnavailableError(
                f"Slice {name} of {self.survey} {self.night} has vanished from the"
                " archive: bring it back, or nightmail verify --repair."
            )
        for kind in KINDS:
            pending = self._pending_file(kind, name)
            with refusals_explained(pending.parent):
                if not pending.exists():
                    continue
                visible = self._visible_file(kind, name)
                if visible.exists():
                    pending.unlink()
                else:
                    pending.rename(visible)
                sync(pending.parent)

    def repair(self, shard: int, committed: Collection[str]) -> tuple[int, int]:
        """Settle what an interrupted run of a shard left unseen.

        Parameters
        ----------
        shard
            The shard; slices of others are left alone.
        committed
            Names of the slices that the ledger knows.

        Returns
        -------
        tuple of int
            How many slices were published, and how many were deleted.

        Raises
        ------
        ArchiveUnavailableError
            The disk refuses.
        """
        own = [name for name in self.pending() if shard_of_slice(name) == shard]
        kept = [name for name in own if name in committed]
        for name in own:
            settle = self.publish if name in committed else self._discard
            settle(name)
        return len(kept), len(own) - len(kept)

    def pending(self) -> list[str]:
        """Names of our prefix's slices that were written and not published, sorted."""
        mine = f"{PENDING_PREFIX}*-{mark_of(self.prefix)}-*{_PENDING_SUFFIX}"
        found = {
            path.name.removeprefix(PENDING_PREFIX).removesuffix(_PENDING_SUFFIX)
            for path in self._files(mine)
        }
        return sorted(found)

    def visible(self) -> set[str]:
        """Names of the slices that readers see."""
        return {path.stem for path in self._files(f"[!_.]*{_VISIBLE_SUFFIX}")}

    def lacking(self, names: Iterable[str]) -> list[str]:
        """Name those slices of which there are no matches, sorted."""
        return sorted(name for name in names if not self._find("matches", name))

    def ids(self, names: Iterable[str], id_column: str) -> npt.NDArray[np.int64]:
        """Ids of the alerts in visible slices.

        Parameters
        ----------
        names
            Slices to read; one that has no alerts, or is not visible, is passed over.
        id_column
            Column that names an alert, int64.

        Returns
        -------
        numpy.ndarray of int64, shape (n,)
            The ids, in the order of the names.

        Raises
        ------
        ArchiveUnavailableError
            A slice cannot be read.
        """
        files = [self._visible_file("alerts", name) for name in names]
        with refusals_explained(self.folder("alerts")):
            parts = [_read_ids(file, id_column) for file in files if file.exists()]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def sent(
        self, committed: Collection[str], generations: Mapping[str, int]
    ) -> dict[str, npt.NDArray[np.int64]]:
        """Ids of the matches that the archive has, by topic.

        Parameters
        ----------
        committed
            Names of the slices that the ledger knows: those that are still pending
            count too.
        generations
            Of each topic; what was sent under a lower one does not count.

        Raises
        ------
        ArchiveUnavailableError
            A slice cannot be read.
        """
        tables = self._read("matches", committed, ["id", "topic", "generation"])
        if not tables:
            return {}
        together = pa.concat_tables(tables)
        topics = np.asarray(together.column("topic").to_pylist())
        ids = together.column("id").to_numpy()
        numbers = together.column("generation").to_numpy()
        return {
            str(topic): ids[(topics == topic) & (numbers >= generations.get(topic, 0))]
            for topic in np.unique(topics)
        }

    def archived(
        self, committed: Collection[str], id_column: str
    ) -> npt.NDArray[np.int64]:
        """Ids of the alerts that the archive has, pending ones of the ledger included.

        Raises
        ------
        ArchiveUnavailableError
            A slice cannot be read.
        """
        tables = self._read("alerts", committed, [id_column])
        parts = [table.column(id_column).to_numpy() for table in tables]
        return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))

    def rows(self, kind: str, columns: list[str]) -> pa.Table:
        """Rows of `matches` or `set_aside` that readers see.

        Raises
        ------
        ArchiveUnavailableError
            A slice cannot be read.
        """
        names = pa.schema([SCHEMAS[kind].field(name) for name in columns])
        return pa.concat_tables([names.empty_table(), *self._read(kind, (), columns)])

    def _read(
        self, kind: str, committed: Collection[str], columns: list[str]
    ) -> list[pa.Table]:
        visible = {path.stem for path in self.folder(kind).glob("[!_.]*.parquet")}
        with refusals_explained(self.folder(kind)):
            return [
                pq.ParquetFile(file).read(columns=columns)
                for name in sorted({*visible, *committed})
                if (file := self._find(kind, name))
            ]

    def _find(self, kind: str, name: str) -> Path | None:
        """Find a slice that may be shown at this very moment."""
        shown = self._visible_file(kind, name)
        places = (shown, self._pending_file(kind, name), shown)
        return next((place for place in places if place.exists()), None)

    def _discard(self, name: str) -> None:
        for kind in KINDS:
            with refusals_explained(self.folder(kind)):
                self._pending_file(kind, name).unlink(missing_ok=True)

    def _files(self, pattern: str) -> Iterator[Path]:
        for kind in KINDS:
            yield from self.folder(kind).glob(pattern)

    def _visible_file(self, kind: str, name: str) -> Path:
        return self.folder(kind) / f"{name}{_VISIBLE_SUFFIX}"

    def _pending_file(self, kind: str, name: str) -> Path:
        return self.folder(kind) / f"{PENDING_PREFIX}{name}{_PENDING_SUFFIX}"


def _read_ids(file: Path, id_column: str) -> npt.NDArray[np.int64]:
    # Not read_table: it would take the folder's night=… for a column.
    with pq.ParquetFile(file) as slice_file:
        column = slice_file.read(columns=[id_column]).column(id_column)
    ids: npt.NDArray[np.int64] = column.drop_null().cast(pa.int64()).to_numpy()
    return ids

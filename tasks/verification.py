"""What a verification tells: files, problems, notes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


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


def count_by_topic(verification: Verification) -> Mapping[str, npt.NDArray[np.int64]]:
    """Add up the files of each topic: ledger, archive, on topic, expired, set aside."""
    totals: dict[str, npt.NDArray[np.int64]] = {}
    for f in verification.files:
        mine = np.array([f.ledger, f.archive, f.on_topic, f.expired, f.set_aside])
        totals[f.topic] = totals.get(f.topic, np.zeros(5, np.int64)) + mine
    return totals

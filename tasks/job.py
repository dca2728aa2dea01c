"""What every task of a night's Spark job knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa


@dataclass(frozen=True)
class Job:
    """One night, as its workers see it."""

    survey: str
    night: str
    prefix: str
    partitions: Mapping[str, int]
    """Partitions of every topic."""

    archive: Path
    kafka: Mapping[str, Any] = field(repr=False)
    """Configuration of the publisher."""

    types: Mapping[str, pa.DataType]
    """Type of each column that some file of the night has."""

    run: int | None
    """Number of the run, see `ledger.claim`; None for one that claimed nothing."""

    generations: Mapping[str, int] = field(default_factory=dict)
    """Generation of each topic; 0 where it was never sent again on purpose."""

    without_cutouts: frozenset[str] = frozenset()
    """Filters whose topics get alerts without cutouts."""

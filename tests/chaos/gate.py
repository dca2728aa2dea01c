"""Plug-in that stops a Spark worker where it is to be killed; copied beside filters."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ledger import transaction
from ledger.record import Record

LONGEST_S = 30.0
"""How long a worker waits for its end [s]; then it goes on."""

PAUSE_S = 0.005
"""Time between two looks [s]."""


class Gate:
    """Where workers wait to be killed.

    `<night>.order` names a point and at which passing of it; the first worker there
    renames it to `<night>.<pid>`, and waits while that file is there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.passed: Counter[tuple[str, str]] = Counter()

    def pass_point(self, night: str, point: str) -> None:
        """Pass a point, or wait there."""
        self.passed[night, point] += 1
        order = self.folder / f"{night}.order"
        with suppress(OSError):
            wanted, nth = order.read_text().split(":")
            if wanted == point and self.passed[night, point] >= int(nth):
                self._wait(order)

    def _wait(self, order: Path) -> None:
        claim = order.with_name(f"{order.stem}.{os.getpid()}")
        order.rename(claim)
        deadline = time.monotonic() + LONGEST_S
        while claim.exists() and time.monotonic() < deadline:
            time.sleep(PAUSE_S)


class GatedTransactor(transaction.Transactor):
    """A producer whose every point leads through the gate."""

    gate: Gate

    def __init__(self, config: Mapping[str, Any], transactional_id: str) -> None:
        super().__init__(config, transactional_id)
        self.night = transactional_id.split(".")[-2]
        self.gate.pass_point(self.night, "owned")

    def send(
        self,
        records: Iterable[Record],
        remember: Callable[[Any], Iterable[Record]],
        *,
        at: Callable[[str], None] = lambda _: None,
    ) -> Any:
        """Send as always, and stop where it is ordered."""

        def passing(point: str) -> None:
            at(point)
            self.gate.pass_point(self.night, point)

        return super().send(records, remember, at=passing)


def install(folder: str) -> None:
    """Have every producer made from now on pass through the gate in a folder."""
    GatedTransactor.gate = Gate(Path(folder))
    if "tasks.distribute_shard" in sys.modules:
        sys.modules["tasks.distribute_shard"].__dict__["Transactor"] = GatedTransactor

"""Processes as the system shows them: who descends from whom, who lives."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PAUSE_S = 0.02
"""Time between two looks [s]."""


@dataclass(frozen=True)
class Process:
    """A process, told from any later one with its number."""

    pid: int
    begun: str
    """When the system began it [clock ticks]."""

    def is_alive(self) -> bool:
        """Tell whether it lives; one that has ended unmourned does not."""
        stat = _stat(self.pid)
        return bool(stat) and stat[0] != "Z" and stat[19] == self.begun

    def kill(self) -> bool:
        """Kill it, wait for its end, and tell whether it lived until then."""
        if not self.is_alive():
            return False
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        while self.is_alive():
            time.sleep(PAUSE_S)
        return True

    def command(self) -> str:
        """Give its command."""
        with suppress(OSError):
            words = Path(f"/proc/{self.pid}/cmdline").read_bytes()
            return words.replace(b"\0", b" ").decode(errors="replace")
        return ""

    def parent(self) -> "Process | None":
        """Give the process that began it."""
        stat = _stat(self.pid)
        return find_process(int(stat[1])) if stat else None


def find_process(pid: int) -> Process | None:
    """Find the process that has a number now."""
    stat = _stat(pid)
    return Process(pid, stat[19]) if stat else None


def ancestors(process: Process) -> Iterator[Process]:
    """Yield its parent, the parent's parent, and so on."""
    parent = process.parent()
    while parent is not None and parent.pid > 1:
        yield parent
        parent = parent.parent()


def in_session(leader: int) -> list[Process]:
    """List everybody in a session, those whose parent has ended too."""
    numbers = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]
    members = [n for n in numbers if _stat(n)[3:4] == [str(leader)]]
    return [found for number in members if (found := find_process(number))]


def _stat(pid: int) -> list[str]:
    """Read what /proc tells, from the state on."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []

"""CPU time and memory of a process and of all that it starts, as /proc tells them.

Spark's Python daemon ignores the signal of a worker's end, so that Linux adds the CPU
time of a dead worker to nobody's: what was seen last of it is counted instead.
"""

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

INTERVAL_S = 0.1
"""Time between two looks, by which a dead worker is counted short at most [s]."""

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
DEAF_TO_CHILDREN = 1 << 16
"""Bit of SIGCHLD, number 17, in /proc's masks of signals."""

LOOKS = 5
"""Times to look for two moments between which nothing was started or ended."""


@dataclass(frozen=True)
class Usage:
    """What a piece of work took."""

    cpu_s: float
    """User and system time of the whole tree [s]."""

    jvm_mb: float
    """Largest resident set of the Java processes, added up [MB]."""

    python_mb: float
    """The same of the Python processes; what forks share counts in each [MB]."""


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    started: int
    """When, in ticks since the machine's: with the pid it names a process for ever."""

    name: str
    own: int
    """CPU time of its own [tick]."""

    waited: int
    """CPU time of children that ended and that it has waited for [tick]."""

    pages: int
    """Resident pages."""


class Tree:
    """A process and its descendants, looked at by a thread.

    Parameters
    ----------
    pid
        The process at the top, a child of ours.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._last: dict[tuple[int, int], _Process] = {}
        self._deaf: set[int] = set()
        self._lost = 0
        self._peaks: dict[str, int] = {}
        self._lock = threading.Lock()

    def cpu_s(self) -> float:
        """CPU time of all that ever belonged to the tree [s]."""
        before = self._look()
        for _ in range(LOOKS):
            now = self._look()
            if now == before:
                break
            before = now
        with self._lock:
            alive = sum(p.own + p.waited for p in self._last.values())
            return (alive + self._lost) / TICKS_PER_S

    def ended_cpu_s(self, usage: resource.struct_rusage) -> float:
        """CPU time of the tree whose top has ended and was waited for [s].

        Parameters
        ----------
        usage
            What `os.wait4` told of the top.
        """
        self._look()
        return usage.ru_utime + usage.ru_stime + self._lost / TICKS_PER_S

    @contextmanager
    def watched(self) -> Iterator[list[Usage]]:
        """Look at the tree while the block runs; its usage is in the list at the end.

        The top must live as long as the block.
        """
        told: list[Usage] = []
        begun = self.cpu_s()
        with self.looked_at():
            yield told
        spent = self.cpu_s() - begun
        told.append(Usage(spent, self.peak_mb("java"), self.peak_mb("python")))

    @contextmanager
    def looked_at(self) -> Iterator[None]:
        """Look at the tree while the block runs, and find its peaks anew."""
        with self._lock:
            self._peaks = {}
        stop = threading.Event()
        thread = threading.Thread(target=self._look_until, args=(stop,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self._look()

    def peak_mb(self, name: str) -> float:
        """Largest resident set of processes whose name begins so, added up [MB]."""
        return self._peaks.get(name, 0) * PAGE_MB

    def _look_until(self, stop: threading.Event) -> None:
        while not stop.wait(INTERVAL_S):
            self._look()

    def _look(self) -> set[tuple[int, int]]:
        """Note what lives, and what of the vanished is counted nowhere else."""
        with self._lock:
            family = {(p.pid, p.started): p for p in _family(self.pid)}
            for key, process in self._last.items():
                if key not in family and process.parent in self._deaf:
                    self._lost += process.own + process.waited
            self._last = family
            parents = {p.parent for p in family.values()}
            self._deaf |= {parent for parent in parents if _is_deaf(parent)}
            for name in ("java", "python"):
                pages = sum(p.pages for p in family.values() if p.name.startswith(name))
                self._peaks[name] = max(self._peaks.get(name, 0), pages)
            return set(family)


@dataclass
class _Kin:
    """Processes by their parent."""

    of: dict[int, list[_Process]] = field(default_factory=dict)

    def below(self, pid: int) -> Iterator[_Process]:
        for child in self.of.get(pid, ()):
            yield child
            yield from self.below(child.pid)


def _family(top: int) -> Iterator[_Process]:
    kin = _Kin()
    for entry in os.listdir("/proc"):  # noqa: PTH208 - ten times a second
        if entry.isdigit():
            process = _read(int(entry))
            if process and process.pid == top:
                yield process
            elif process:
                kin.of.setdefault(process.parent, []).append(process)
    yield from kin.below(top)


def _read(pid: int) -> _Process | None:
    """Read a process's line, whose fields `man 5 proc` numbers; None if it ended."""
    try:
        line = Path(f"/proc/{pid}/stat").read_bytes().decode(errors="replace")
    except OSError:
        return None
    name = line[line.index("(") + 1 : line.rindex(")")]
    fields = line[line.rindex(")") + 2 :].split()
    return _Process(
        pid=pid,
        parent=int(fields[1]),
        started=int(fields[19]),
        name=name,
        own=int(fields[11]) + int(fields[12]),
        waited=int(fields[13]) + int(fields[14]),
        pages=int(fields[21]),
    )


def _is_deaf(pid: int) -> bool:
    """Tell whether a process ignores that its children end."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    [ignored] = [line.split()[1] for line in lines if line.startswith("SigIgn")]
    return bool(int(ignored, 16) & DEAF_TO_CHILDREN)

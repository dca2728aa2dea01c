"""CPU time and memory of a process and of all that it starts."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from benchmarks._tree import Tree

pytestmark = pytest.mark.slow

BURN = "import time\nwhile time.process_time() < 0.6: pass"
"""Takes 0.6 s of CPU."""

HOLD = "kept = bytearray(200_000_000)\nkept[::4096] = bytes(len(kept[::4096]))"
"""Takes 200 MB."""

DEAF = "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
"""Ignores that children end."""

PARENT = """
import signal, subprocess, sys
{before}
child = subprocess.Popen([sys.executable, "-c", {code!r}])
child.wait()
print("done", flush=True)
sys.stdin.readline()
"""
"""Runs a child to its end, and goes on living until it is told."""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start parents of a child that runs some code."""
    processes = []

    def begin(code: str, before: str = "") -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT.format(before=before, code=code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.wait()
        for pipe in filter(None, (process.stdin, process.stdout)):
            pipe.close()


def _read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("before", ["", DEAF])
def test_a_child_that_has_ended_counts(start: Start, before: str) -> None:
    """Also where its parent does not hear of its end, as Spark's daemon does not."""
    process = start(BURN, before)

    with Tree(process.pid).watched() as told:
        _read_line(process)

    assert 0.45 <= told[0].cpu_s < 5


def test_a_tree_that_has_ended_has_its_time(start: Start) -> None:
    """A command's time is known after its end, that of unheard children included."""
    process = start(BURN, DEAF)
    tree = Tree(process.pid)

    with tree.looked_at():
        _read_line(process)
        assert process.stdin is not None
        process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)

    assert 0.45 <= tree.ended_cpu_s(usage) < 5


def test_the_peak_of_a_child_that_has_ended_is_known(start: Start) -> None:
    """Memory that was let go of counts, if it was held for a moment."""
    process = start(f"{HOLD}\n{BURN}")

    with Tree(process.pid).watched() as told:
        _read_line(process)

    assert 200 <= told[0].python_mb < 400
    assert told[0].jvm_mb == 0

"""Locks that end with whoever holds them."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster.locks import hold, is_held

SLEEP = "import time; time.sleep(60)"


def test_it_is_held_while_held(tmp_path: Path) -> None:
    """Held within the block, and neither before nor after."""
    lock = tmp_path / "lock"

    assert not is_held(lock)
    with hold(lock, wait_s=0):
        assert is_held(lock)
    assert not is_held(lock)


def test_a_second_holder_is_refused(tmp_path: Path) -> None:
    """Whoever wants it alone waits as long as was said, then fails."""
    lock = tmp_path / "lock"
    begun = time.monotonic()

    with (
        hold(lock, wait_s=0),
        pytest.raises(TimeoutError),
        hold(lock, wait_s=0.2),
    ):
        pass

    assert 0.2 <= time.monotonic() - begun < 2


def test_many_hold_it_together(tmp_path: Path) -> None:
    """Shared holders do not exclude each other, only whoever wants it alone."""
    lock = tmp_path / "lock"

    with hold(lock, wait_s=0, shared=True), hold(lock, wait_s=0, shared=True):
        assert not is_held(lock)
        with pytest.raises(TimeoutError), hold(lock, wait_s=0):
            pass


def test_a_child_keeps_it_until_it_is_killed(tmp_path: Path) -> None:
    """The lock lives as long as the process that inherited it, and no longer."""
    lock = tmp_path / "lock"
    with hold(lock, wait_s=0) as descriptor:
        child = subprocess.Popen([sys.executable, "-c", SLEEP], pass_fds=(descriptor,))

    held = is_held(lock)
    child.kill()
    child.wait()

    assert held
    assert not is_held(lock)

"""Freed memory is kept, where the C library can, and by Arrow."""

import os
import platform
import subprocess
import sys

import pyarrow as pa

from runtime.memory import KEPT_BY_ARROW, keep_freed_memory


def test_freed_memory_is_kept() -> None:
    """It is glibc's to do; another C library goes on as it does."""
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")


def test_arrow_knows_the_setting() -> None:
    """The allocator that Arrow comes with reads it, by the name that we give."""
    script = "import pyarrow as pa; pa.allocate_buffer(1 << 20)"
    told = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | KEPT_BY_ARROW | {"MIMALLOC_VERBOSE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert pa.default_memory_pool().backend_name == "mimalloc"
    assert "option 'purge_delay': 10000" in told.stderr

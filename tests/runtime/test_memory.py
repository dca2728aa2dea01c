"""Freed memory is kept, where the C library can."""

import platform

from runtime.memory import keep_freed_memory


def test_freed_memory_is_kept() -> None:
    """It is glibc's to do; another C library goes on as it does."""
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")

"""Memory of a worker: what one file has freed, the next one uses."""

import ctypes
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names of glibc's settings, as <malloc.h> has them."""

KEPT_BYTES = 128 << 20
"""Freed memory above which some is given back to the system [byte]."""

LARGE_BYTES = 8 << 20
"""Size of a piece that is asked of the system by itself, and given back [byte]."""

KEPT_BY_ARROW = {"MIMALLOC_PURGE_DELAY": "10000"}
"""Environment by which Arrow's allocator keeps what is freed for so long [ms].

By default memory goes back after a second, in which few batches are done: of a
night of 20,000 alerts 45,000 pages came anew, of which 22,000 are left (minor faults of
one process by getrusage, on the store `real` of `benchmarks/night.py`), for 8 % more
resident memory. The same variable in the driver's environment goes before this.
"""


@cache
def keep_freed_memory() -> bool:
    """Have the C library keep what is freed; tell whether it can.

    Each commit empties librdkafka's queue of 64 MB. glibc gives that back to the system
    and asks for it again, page by page: a fifth of a publisher's CPU time
    (`benchmarks/exactly_once.py`), for about 30 MB less at its peak.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES) and mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
    )

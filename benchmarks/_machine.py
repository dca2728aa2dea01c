"""The machine and the versions that figures were measured with."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "pyspark",
    "pyarrow",
    "numba",
    "numpy",
    "pandas",
    "confluent-kafka",
    "fastavro",
)


def describe_machine() -> list[str]:
    """Say in a few lines what runs here, and how busy it is."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return [
        (
            f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB,"
            f" {platform.system()} {platform.release()}; load {load}."
        ),
        f"Python {platform.python_version()}, {packages}.",
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

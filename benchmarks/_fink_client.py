"""Environments of the field's client, fink-client: made once by pip, and kept."""

import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.locks import hold
from nightmail import NightmailError
from runtime.cache import cache_dir

NEWEST = "12.3.0"
"""The version that we are compared with."""

ALSO: Mapping[str, Sequence[str]] = {"8.2": ["psutil"]}
"""What a version needs and does not ask for."""

MAKE_S = 900.0
"""Longest that pip may take [s]."""


class NoEnvironmentError(NightmailError):
    """An environment cannot be had here; the text says why."""


def fink_client(version: str = NEWEST) -> Path:
    """Give the folder of an environment with fink-client, making it if need be.

    Two that make it at once do not fight: the second waits and finds it there.

    Parameters
    ----------
    version
        Such as `12.3.0`.

    Returns
    -------
    pathlib.Path
        Its programs are in `bin`.

    Raises
    ------
    NoEnvironmentError
        pip reaches no registry, or has no such version for this Python.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache_dir() / f"fink-client-{version}-python{python}"
    made = folder / "made"
    with hold(folder.with_name(f"{folder.name}.lock"), wait_s=2 * MAKE_S):
        if not made.exists():
            install(folder, [f"fink-client=={version}", *ALSO.get(version, ())])
            made.touch()
    return folder


def install(folder: Path, wishes: Sequence[str]) -> None:
    """Make an environment anew, with packages in it.

    Parameters
    ----------
    folder
        What is in it goes.
    wishes
        As pip understands them.

    Raises
    ------
    NoEnvironmentError
        pip reaches no registry, or does not find there what is wished.
    """
    venv.create(folder, clear=True, with_pip=True)
    done = subprocess.run(  # noqa: S603 - our own environment
        [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *wishes],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=MAKE_S,
        env=outside(),
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1]
        raise NoEnvironmentError(f"pip does not install {wishes[0]}: {last}")


def outside() -> dict[str, str]:
    """Give the variables of a process that sees nothing of this environment."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}

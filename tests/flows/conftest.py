"""The command, run as a user runs it: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from settings.model import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """Environment in which the command finds the test's store, archive and Kafka."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    return clean | {
        "NIGHTMAIL_STATE_DIR": str(settings.state_dir),
        "NIGHTMAIL_STORE__URI": settings.store.uri,
        "NIGHTMAIL_ARCHIVE__URI": settings.archive.uri,
        "NIGHTMAIL_TOPICS__PREFIX": settings.topics.prefix,
        "NIGHTMAIL_SPARK__MASTER": "local[2]",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run `python -m …`; keywords are further variables."""
    stand = tmp_path / "some folder"
    stand.mkdir()

    def command(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=stand,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return command


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[[str], str]:
    """Install a package of filters: PYTHONPATH under which it is found."""

    def install(code: str) -> str:
        site = tmp_path / "site of others"
        info = site / "theirs-1.0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n"
        )
        names = [
            line.removeprefix("def ").partition("(")[0]
            for line in code.splitlines()
            if line.startswith("def ")
        ]
        points = "\n".join(f"{name} = theirs:{name}" for name in names)
        (info / "entry_points.txt").write_text(f"[nightmail.filters]\n{points}\n")
        (site / "theirs.py").write_text(code)
        return str(site)

    return install

"""What travels to Spark's workers."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from runtime.shipping import ROOMS, code_digest, pack

ASK = """
import importlib
from runtime.shipping import ROOMS, code_digest
for room in ROOMS:
    print(importlib.import_module(room).__file__)
print(code_digest())
"""
"""What a worker says of the code that it finds."""


def _ask(place: Path, folder: Path) -> list[str]:
    """Run a Python that finds our code in a zip before it finds the checkout."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASK],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(place), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_same_code_makes_the_same_zip(tmp_path: Path) -> None:
    """Byte for byte, wherever and whenever it is packed."""
    one, other = pack(tmp_path / "one"), pack(tmp_path / "another folder")

    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.path.name == f"nightmail-{code_digest()}.zip"


def test_it_is_packed_once(tmp_path: Path) -> None:
    """A zip that is there stays as it is."""
    packed = pack(tmp_path).path
    before = packed.stat()

    pack(tmp_path)

    assert packed.stat() == before
    assert list(tmp_path.iterdir()) == [packed]


def test_it_holds_all_that_workers_read(tmp_path: Path) -> None:
    """Code, SQL filters and schemas of a worker's rooms, and nothing else."""
    with zipfile.ZipFile(pack(tmp_path).path) as packed:
        names = packed.namelist()

    assert {
        "filters/ztf/sso_ztf_candidates.sql",
        "nightmail/avro/encode.py",
        "schemas/ledger.avsc",
        "tasks/distribute_shard.py",
    } <= set(names)
    assert {name.partition("/")[0] for name in names} == set(ROOMS)
    assert {Path(name).suffix for name in names} == {".py", ".sql", ".avsc"}
    assert len(names) == len(set(names))


def test_a_worker_runs_the_zip(tmp_path: Path) -> None:
    """Each room comes from the zip, and its code has the driver's digest."""
    stand = tmp_path / "where someone stands"
    (stand / "filters").mkdir(parents=True)
    (stand / "filters" / "__init__.py").write_text("raise ImportError('a decoy')")
    packed = pack(tmp_path / "code with space").path

    *places, digest = _ask(packed, stand)

    assert digest == code_digest()
    assert places == [f"{packed}/{room}/__init__.py" for room in ROOMS]


@pytest.mark.parametrize("name", ["filters/ztf/another.sql", "tasks/another.py"])
def test_other_code_has_another_digest(tmp_path: Path, name: str) -> None:
    """One more file, of code or of what code reads, shows."""
    packed = pack(tmp_path).path
    with zipfile.ZipFile(packed, "a") as more:
        more.writestr(name, "")

    assert _ask(packed, tmp_path)[-1] != code_digest()

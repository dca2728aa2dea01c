"""The frame: what `make` offers, what is pinned, what CI runs."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""

TARGETS = (
    *("help", ".venv", "demo", "test", "smoke", "chaos", "fuzz"),
    *("lint", "types", "docs", "bench", "clean"),
)
"""What `make` offers, in the order in which it says so."""

OURS = frozenset({"nightmail", "nightmail-pipeline"})
"""Distributions that are installed from the checkout."""

needs_make = pytest.mark.skipif(not shutil.which("make"), reason="make is not there")


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run make, and keep what it says; the make that runs the tests has no say."""
    outer = {"ARGS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON"}
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in outer},
        capture_output=True,
        text=True,
        check=False,
    )


def pins() -> dict[str, list[Requirement]]:
    """Lines of constraints.txt by distribution; several where Pythons differ."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def wanted() -> list[Requirement]:
    """Everything that the two pyproject files ask for."""
    root, client = (project(ROOT), project(ROOT / "client"))
    lines = [
        *root["project"]["dependencies"],
        *root["dependency-groups"]["dev"],
        *root["build-system"]["requires"],
        *client["project"]["dependencies"],
        *(r for e in client["project"]["optional-dependencies"].values() for r in e),
    ]
    requirements = [Requirement(line) for line in lines]
    return [r for r in requirements if canonicalize_name(r.name) not in OURS]


def project(folder: Path) -> dict[str, Any]:
    """Content of a pyproject file."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


@needs_make
def test_make_alone_prints_help() -> None:
    """`make` without a word lists every target with a line of what it does."""
    done = make()

    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert [line[1] for line in lines if line[0] == "make"] == list(TARGETS)
    assert all(len(line) > len(("make", "target")) for line in lines)


@needs_make
@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_a_recipe(target: str) -> None:
    """Make knows what to do for each, from a folder with a space in its name too."""
    done = make("-n", target)

    assert done.returncode == 0, done.stderr


@needs_make
def test_a_path_with_spaces_is_a_path(tmp_path: Path) -> None:
    """In a checkout under a path with spaces, make finds its files and Python."""
    checkout = tmp_path / "my night mail"
    (checkout / "client").mkdir(parents=True)
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout / name)
    shutil.copy(ROOT / "client" / "pyproject.toml", checkout / "client")

    done = make("-n", "test", "PYTHON=/opt/my python/bin/python3", folder=checkout)

    first, second = done.stdout.splitlines()
    assert first == "PYTHON='/opt/my python/bin/python3' sh .ci/bootstrap", done.stderr
    assert second.startswith(".venv/bin/python -m pytest --ignore=tests/smoke ")


def bootstrap(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script that makes .venv, in a folder that has nothing else."""
    script = checkout / ".ci" / "bootstrap"
    script.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / ".ci" / "bootstrap", script)
    return subprocess.run(
        ["sh", str(script)],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A PYTHON that does not exist ends with a sentence, and makes no environment."""
    done = bootstrap(tmp_path, PYTHON="no-such-python")

    assert done.returncode == 2
    assert done.stderr == "nightmail: there is no PYTHON=no-such-python.\n"
    assert not (tmp_path / ".venv").exists()


@pytest.mark.slow
def test_a_failed_installation_is_not_ready(tmp_path: Path) -> None:
    """Without a package index it fails, shows its log, and starts anew next time."""
    checkout = tmp_path / "my night mail"

    done = bootstrap(checkout, PYTHON=sys.executable, PIP_NO_INDEX="1")

    assert done.returncode == 1
    assert "the end of .venv/install.log" in done.stderr
    assert not (checkout / ".venv" / "ready").exists()


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_everything_wanted_is_pinned_in_range(requirement: Requirement) -> None:
    """What a pyproject file asks for has an exact version, and it is one it allows."""
    found = pins()[canonicalize_name(requirement.name)]

    versions = [next(iter(pin.specifier)).version for pin in found]

    assert versions
    assert all(requirement.specifier.contains(version) for version in versions)


def test_pins_are_exact() -> None:
    """Every line is one version of one distribution, and nothing else."""
    inexact = [
        str(pin)
        for found in pins().values()
        for pin in found
        if pin.url or pin.extras or [s.operator for s in pin.specifier] != ["=="]
    ]

    assert inexact == []


def test_two_pins_of_one_name_are_for_different_pythons() -> None:
    """A distribution has two versions only where a marker tells them apart."""
    doubled = {name: found for name, found in pins().items() if len(found) > 1}

    unmarked = [
        name for name, found in doubled.items() if not all(pin.marker for pin in found)
    ]

    assert unmarked == []


def test_rooms_are_named_the_same_everywhere() -> None:
    """What is installed, what ruff calls ours, and what is there are the same."""
    rooms = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
    tool = project(ROOT)["tool"]

    assert tool["hatch"]["build"]["targets"]["wheel"]["packages"] == rooms
    first_party = tool["ruff"]["lint"]["isort"]["known-first-party"]
    assert first_party == sorted([*rooms, "nightmail"])


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """The README tells how to test in a line that .ci/run finds."""
    command = re.compile(r"^[$ ]*make test( *#.*)?$", re.MULTILINE)

    assert command.search((ROOT / "README.md").read_text(encoding="utf-8"))


def test_changes_are_whole_sentences() -> None:
    """Each fragment of the changelog speaks to users in whole sentences."""
    fragments = list((ROOT / "changes").glob("*.md"))
    entries = [
        " ".join(entry.split())
        for path in fragments
        for entry in path.read_text(encoding="utf-8").split("\n- ")
    ]

    broken = [e for e in entries if not re.fullmatch(r"(- )?[A-Z`].*\.", e)]
    assert broken == []

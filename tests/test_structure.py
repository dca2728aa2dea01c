"""The house keeps its shape: who imports whom, whose names they are, how big."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""

CLIENT = ROOT / "client" / "src" / "nightmail"
"""The client's source: the lowest room."""

SHARED = frozenset({"archive", "cluster", "filters", "ledger", "runtime", "store"})
"""Rooms that steps draw on, beside each other on one level."""

WORDS = frozenset({"nightmail", "schemas", "settings"})
"""What every room of the pipeline may import."""

MAY_IMPORT: dict[str, frozenset[str]] = {
    "nightmail": frozenset(),
    "settings": frozenset({"nightmail"}),
    "schemas": frozenset({"nightmail"}),
    "simulator": frozenset({"nightmail"}),
    **dict.fromkeys(SHARED, WORDS),
    "news": WORDS | {"archive"},
    "tasks": WORDS | SHARED | {"news"},
    "flows": WORDS | SHARED | {"news", "tasks"},
    "commands": WORDS | SHARED | {"news", "tasks", "flows", "simulator"},
}
"""Which rooms each room may import; it points one way."""

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("cluster", "runtime"): "the broker runs on the Java that runtime finds",
}
"""What goes sideways between rooms of one level, each with its reason."""

PREFECT_ROOMS = frozenset({"flows", "tasks"})
"""The rooms that know Prefect."""

VAGUE = frozenset({"utils", "util", "helpers", "common", "manager", "process", "data"})
"""Names that say nothing about what is inside."""

MAX_MODULE_LINES = 400
"""Longest module [lines]."""

MAX_FUNCTION_LINES = 60
"""Longest body of a function, signature and docstring aside [lines]."""

MAX_TRACKED_BYTES = 2**20
"""Largest file in the repository [B]; larger nights come from the simulator."""

REGISTRY = re.compile(
    r"index[-_]url|registry\s*=\s*\"?http|https?://[^ ]*/(?:simple|maven2?)/"
)
"""What names the host of a package registry."""


def rooms() -> list[str]:
    """Names of the top-level packages of the pipeline."""
    return sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


def modules(room: str) -> list[Path]:
    """Source files of one room, or of the client."""
    folder = CLIENT if room == "nightmail" else ROOT / room
    return sorted(folder.rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Top-level name and line of everything that a module imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0], node.lineno


def imports_of(room: str) -> list[tuple[str, str]]:
    """List the name and the place of every import in a room."""
    return [
        (name, f"{path.relative_to(ROOT)}:{line}")
        for path in modules(room)
        for name, line in imported(path)
    ]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function; signature and docstring are as long as need be."""
    documented = ast.get_docstring(function, clean=False) is not None
    body = function.body[1:] if documented else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def kept_files() -> list[Path]:
    """Files that are tracked or would be, as git sees them."""
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("this is no git checkout, so nothing is tracked")
    paths = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_every_room_has_its_place() -> None:
    """Every top-level package stands in the table of who may import whom."""
    assert set(rooms()) == set(MAY_IMPORT) - {"nightmail"}


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_imports_point_one_way(room: str) -> None:
    """A room imports only what lies below it, but for the exceptions with a reason."""
    allowed = MAY_IMPORT[room] | {to for source, to in EXCEPTIONS if source == room}

    wrong = [
        f"{place}: {room} imports {name}"
        for name, place in imports_of(room)
        if name in MAY_IMPORT and name != room and name not in allowed
    ]

    assert wrong == []


@pytest.mark.parametrize(("room", "other"), sorted(EXCEPTIONS))
def test_every_exception_is_used(room: str, other: str) -> None:
    """An exception that no import needs any more has left the table."""
    assert other in {name for name, _ in imports_of(room)}


@pytest.mark.parametrize("room", sorted(set(MAY_IMPORT) - PREFECT_ROOMS))
def test_only_flows_and_tasks_know_prefect(room: str) -> None:
    """Prefect is imported where order and steps are, and nowhere else."""
    wrong = [place for name, place in imports_of(room) if name == "prefect"]

    assert wrong == []


def test_our_names_are_ours_from_another_folder(tmp_path: Path) -> None:
    """Beside folders of the same names, the installed command still takes ours."""
    for room in rooms():
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("raise SystemExit(9)\n")
    code = f"import {', '.join(rooms())}\n" + "\n".join(
        f"print({room}.__file__)" for room in rooms()
    )

    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    expected = [str(ROOT / room / "__init__.py") for room in rooms()]
    assert done.stdout.splitlines() == expected, done.stderr


def test_the_command_is_ours_from_another_folder(tmp_path: Path) -> None:
    """`nightmail` started beside a folder named `commands` offers our commands."""
    (tmp_path / "commands").mkdir()
    (tmp_path / "commands" / "__init__.py").write_text("raise SystemExit(9)\n")
    command = Path(sysconfig.get_path("scripts")) / "nightmail"

    done = subprocess.run(
        [str(command), "settings", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_nothing_installed_has_our_names() -> None:
    """No installed distribution puts a package of one of our names beside ours."""
    owners = importlib.metadata.packages_distributions()
    ours = {"nightmail", "nightmail-pipeline"}

    taken = {room: owners[room] for room in rooms() if set(owners.get(room, [])) - ours}

    assert taken == {}


def test_no_room_has_a_vague_name() -> None:
    """A folder or module is named after what is inside it."""
    paths = [path for room in MAY_IMPORT for path in modules(room)]

    vague = {path for path in paths if {path.stem, path.parent.name} & VAGUE}

    assert vague == set()


def test_modules_are_short() -> None:
    """No module of ours is longer than one reads in one go."""
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for room in MAY_IMPORT
        for path in modules(room)
    }

    assert {path: n for path, n in lines.items() if n > MAX_MODULE_LINES} == {}


def test_functions_are_short() -> None:
    """No function of ours is longer than a screen."""
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for room in MAY_IMPORT
        for path in modules(room)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and body_lines(node) > MAX_FUNCTION_LINES
    ]

    assert long == []


def test_no_kept_file_is_large() -> None:
    """Data does not live in the repository."""
    large = [path for path in kept_files() if path.stat().st_size > MAX_TRACKED_BYTES]

    assert large == []


def test_no_kept_file_names_a_registry_or_a_lock_of_one() -> None:
    """Where packages come from is the machine's to say, not the repository's."""
    named = [
        path
        for path in kept_files()
        if REGISTRY.search(path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert named == []
    assert [path for path in kept_files() if path.name == "uv.lock"] == []

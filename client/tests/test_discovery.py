"""Filters are found in folders, zips and packages, and none takes the others down."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FAINT = '''"""Faint alerts."""

from nightmail import alert_filter

from stars.night._limits import LIMIT


@alert_filter(owner="me")
def faint(magpsf):
    """Faint alerts."""
    return magpsf > LIMIT
'''

SQL = "-- owner: me\n-- summary: Bright alerts.\ncandidate.magpsf < 18\n"

SHOW = """
import json, sys
from nightmail.discovery import read_catalogue
found = read_catalogue("stars.night", "ztf")
print(json.dumps({
    "filters": {n: [f.survey, f.summary, f.version] for n, f in found.filters.items()},
    "broken": found.broken,
    "keeps": [n for n, f in found.filters.items() if f.keep and f.keep(30.0)],
}))
"""

Tree = dict[str, str]
Show = Callable[..., Any]


@pytest.fixture
def tree() -> Tree:
    """Return a folder of two filters, and of words that they share."""
    return {
        "stars/__init__.py": "",
        "stars/_units.py": "MAG = 1.0\n",
        "stars/other.py": "",
        "stars/night/__init__.py": "",
        "stars/night/_limits.py": "from .. import _units\nLIMIT = 20 * _units.MAG\n",
        "stars/night/faint.py": FAINT,
        "stars/night/bright.sql": SQL,
        "stars/night/_not.sql": "not read",
    }


@pytest.fixture
def show(tmp_path: Path) -> Show:
    """Return what another Python finds on a path that holds these files."""

    def run(files: Tree, *, zipped: bool = False) -> Any:
        folder = tmp_path / "with space" / "tree"
        shutil.rmtree(folder.parent, ignore_errors=True)
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        place = folder
        if zipped:
            place = folder.with_suffix(".zip")
            with zipfile.ZipFile(place, "w") as archive:
                for name, text in files.items():
                    archive.writestr(name, text)
        code = f"import sys; sys.path.insert(0, {str(place)!r}){SHOW}"
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            capture_output=True,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return run


def plugin(name: str, module: str, code: str) -> Tree:
    """Files of an installed package that offers a module of filters."""
    return {
        f"{module}.py": code,
        f"{name}-1.0.dist-info/METADATA": f"Name: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/entry_points.txt": (
            f"[nightmail.filters]\n{name} = {module}\n"
        ),
    }


def test_a_zip_is_a_folder(tree: Tree, show: Show) -> None:
    """The same filters with the same versions come from a folder and from a zip."""
    found = show(tree)

    assert sorted(found["filters"]) == ["bright", "faint"]
    assert found["filters"]["bright"][:2] == ["ztf", "Bright alerts."]
    assert found["filters"]["faint"][:2] == ["ztf", "Faint alerts."]
    assert found["keeps"] == ["faint"]
    assert found["broken"] == {}
    assert show(tree, zipped=True) == found


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("stars/night/faint.py", ["faint"]),
        ("stars/night/_limits.py", ["faint"]),
        ("stars/_units.py", ["faint"]),
        ("stars/night/bright.sql", ["bright"]),
        ("stars/other.py", []),
    ],
)
@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
def test_version_is_that_of_the_source(
    tree: Tree, show: Show, file: str, changes: list[str], *, zipped: bool
) -> None:
    """A change in a filter, or in what it imports of its own package, is a version."""
    before = show(tree, zipped=zipped)["filters"]
    comment = "-- a word\n" if file.endswith(".sql") else "# a word\n"
    after = show(tree | {file: tree[file] + comment}, zipped=zipped)["filters"]

    assert [n for n in before if before[n] != after[n]] == changes
    assert all(len(version) == 8 for *_, version in after.values())


@pytest.mark.parametrize(
    ("files", "broken", "says"),
    [
        ({"stars/night/bad.py": "import nowhere"}, "bad", "No module named 'nowhere'"),
        ({"stars/night/bad.py": "def ("}, "bad", "stars.night.bad: SyntaxError"),
        ({"stars/night/bad.py": "raise SystemExit(2)"}, "bad", "SystemExit: 2"),
        ({"stars/night/bad.sql": "x < 3"}, "bad", "no line `-- owner"),
        ({"stars/night/ztf_a.sql": SQL}, "ztf_a", "cannot be called ztf_a"),
        (
            {
                "stars/night/bad.py": FAINT.replace(
                    'owner="me"', 'owner="", survey="lsst"'
                )
            },
            "bad",
            "says survey='lsst', but stands among those of ztf",
        ),
        (
            {"stars/night/second.py": FAINT},
            "second",
            "faint is defined in stars.night.faint and again in stars.night.second",
        ),
        (
            {"stars/night/faint.sql": SQL},
            "faint (stars.night.faint)",
            "faint is defined in stars.night.faint and again",
        ),
        (plugin("extra", "extra_filters", "1 / 0"), "extra", "ZeroDivisionError"),
        (plugin("extra", "extra_filters", ""), "extra", "no module that has one"),
        (
            plugin("extra", "extra_filters", FAINT.replace("faint(", "other(")),
            "extra",
            "other has no survey: write @alert_filter(owner=…, survey=…)",
        ),
        (
            plugin("extra", "x_f", FAINT.replace('"me"', '"me", survey="ztf"')),
            "extra",
            "faint is defined in stars.night.faint and again in entry point x_f",
        ),
    ],
)
def test_a_broken_file_is_named(
    tree: Tree, show: Show, files: Tree, broken: str, says: str
) -> None:
    """What cannot be read is told, and the others are there."""
    found = show(tree | files)

    assert sorted(found["filters"]) == ["bright", "faint"]
    assert list(found["broken"]) == [broken]
    assert says in found["broken"][broken]


def test_a_package_brings_filters(tree: Tree, show: Show) -> None:
    """Of an installed package come the filters of the survey, with a version."""
    own = FAINT.replace("from stars.night._limits import LIMIT", "LIMIT = 20")
    ztf = own.replace('"me"', '"me", survey="ztf"').replace("faint(", "theirs(")
    lsst = ztf.replace("ztf", "lsst").replace("theirs(", "rubin(")

    found = show(tree | plugin("extra", "extra_filters", ztf + lsst))

    assert sorted(found["filters"]) == ["bright", "faint", "theirs"]
    assert found["broken"] == {}
    assert len(found["filters"]["theirs"][2]) == 8

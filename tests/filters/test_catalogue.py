"""The filters that the house has, as they stand and as they travel."""

import inspect
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import filters
import nightmail
from filters import load_catalogue, load_filters
from settings.errors import NothingThereError

ROOT = Path(filters.__file__).resolve().parents[1]

NAMES = {
    "ztf": [
        "early_sn_candidates",
        "kn_candidates",
        "microlensing_candidates",
        "sn_candidates",
        "sso_ztf_candidates",
    ],
    "lsst": [
        "extragalactic_new_candidate",
        "hostless_candidate",
        "in_tns",
        "is_solar_system",
        "sn_near_galaxy_candidate",
    ],
}
"""The topics of the field that our users have subscribed to."""


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_all_are_there(survey: str) -> None:
    """The field's topics exist, each with all that describes it."""
    found = load_catalogue(survey)

    assert found.broken == {}
    assert list(found.filters) == NAMES[survey]
    for one in found.filters.values():
        assert one.survey == survey
        assert one.summary.endswith(".")
        assert "@" in one.owner
        assert len(one.version) == 8


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_one_a_file(survey: str) -> None:
    """A filter stands in the file of its name."""
    for name, one in load_filters(survey).items():
        file = ROOT / "filters" / survey / f"{name}.{'py' if one.keep else 'sql'}"

        assert file.exists()
        if one.keep:
            assert Path(inspect.getfile(one.keep)) == file


def test_unknown_survey() -> None:
    """A survey that we do not know is no survey."""
    with pytest.raises(NothingThereError, match="no survey des"):
        load_catalogue("des")


def test_travels_in_a_zip(tmp_path: Path) -> None:
    """From the zip that workers get come the same filters of the same versions."""
    place = tmp_path / "code with space.zip"
    rooms = {ROOT / "filters": ROOT, ROOT / "settings": ROOT}
    client = Path(nightmail.__file__).parent
    with zipfile.ZipFile(place, "w") as archive:
        for room, base in (rooms | {client: client.parent}).items():
            for file in [*room.rglob("*.py"), *room.rglob("*.sql")]:
                archive.write(file, file.relative_to(base))
    code = (
        f"import sys; sys.path.insert(0, {str(place)!r})\n"
        "import filters, nightmail\n"
        f"assert filters.__file__.startswith({str(place)!r}), filters.__file__\n"
        f"assert nightmail.__file__.startswith({str(place)!r}), nightmail.__file__\n"
        "for survey in ('ztf', 'lsst'):\n"
        "    found = filters.load_catalogue(survey)\n"
        "    print(survey, found.broken)\n"
        "    for name, one in found.filters.items(): print(name, one.version)\n"
    )

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
    expected = []
    for survey in ("ztf", "lsst"):
        expected += [f"{survey} {{}}"]
        expected += [f"{n} {f.version}" for n, f in load_filters(survey).items()]
    assert done.stdout.decode().splitlines() == expected

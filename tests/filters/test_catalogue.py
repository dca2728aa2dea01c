"""The filters that the house has, as they stand and as they travel."""

import inspect
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import filters
import nightmail
from filters import choose_filters, load_catalogue, load_filters
from nightmail.testing import check_filter
from settings.errors import NothingThereError, SettingsError
from settings.names import ID_COLUMN

ROOT = Path(filters.__file__).resolve().parents[1]

NAMES = {
    "ztf": [
        "early_sn_candidates",
        "everything",
        "kn_candidates",
        "microlensing_candidates",
        "sn_candidates",
        "sso_ztf_candidates",
    ],
    "lsst": [
        "everything",
        "extragalactic_new_candidate",
        "hostless_candidate",
        "in_tns",
        "is_solar_system",
        "sn_near_galaxy_candidate",
    ],
}
"""The topics of the field that our users have subscribed to, and the whole stream."""


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


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_only_the_whole_stream_is_off(survey: str) -> None:
    """By default all filters run but that of everything, which can be turned on."""
    catalogue = load_catalogue(survey)

    off = set(catalogue.filters) - set(choose_filters(catalogue))

    assert off == {"everything"}
    assert choose_filters(catalogue, also=["everything"]) == catalogue.filters


def test_what_is_turned_on_must_be_there() -> None:
    """A name that no survey knows is refused; one of the other survey is not."""
    catalogue = load_catalogue("ztf")

    assert choose_filters(catalogue, also=["in_tns"]) == choose_filters(catalogue)
    with pytest.raises(SettingsError, match=r"filters\.also names everthing"):
        choose_filters(catalogue, also=["everthing"])


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_everything_keeps_all(survey: str) -> None:
    """Every alert that has its id is kept, and the contract holds."""
    one = load_filters(survey)["everything"]
    alerts = pd.DataFrame({ID_COLUMN[survey]: pd.array([3, None, 2**62], "Int64")})

    check_filter(one, alerts)

    assert one.keep
    assert one.keep(alerts[ID_COLUMN[survey]]).tolist() == [True, False, True]


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

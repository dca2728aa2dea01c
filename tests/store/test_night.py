"""Finding the files of a night."""

from pathlib import Path

import pytest

from settings.errors import NothingThereError, StoreUnavailableError
from store.night import find_folder, list_files, list_nights
from store.path import StorePath


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_finds_the_online_layout(tmp_path: Path) -> None:
    """A night is a folder named by its date."""
    _touch(tmp_path, "science/20260301/a.parquet")

    found = find_folder(StorePath(str(tmp_path)), "20260301")

    assert str(found) == f"{tmp_path}/science/20260301"


def test_finds_the_aggregated_layout(tmp_path: Path) -> None:
    """A night is a folder of year, month and day."""
    _touch(tmp_path, "science/year=2026/month=03/day=01/a.parquet")

    root = StorePath(str(tmp_path))

    found = find_folder(root, "20260301")

    assert found == root / "science" / "year=2026" / "month=03" / "day=01"
    assert list(list_nights(root)) == ["20260301"]


def test_a_missing_night_names_those_that_are_there(tmp_path: Path) -> None:
    """Whoever mistypes a night sees which there are."""
    _touch(tmp_path, "science/20260301/a.parquet", "science/20260304/a.parquet")

    with pytest.raises(NothingThereError, match="20260301 to 20260304") as caught:
        find_folder(StorePath(str(tmp_path)), "20260302")

    assert caught.value.exit_code == 3


def test_a_missing_store_is_another_error(tmp_path: Path) -> None:
    """A store that is not mounted may be there later."""
    with pytest.raises(StoreUnavailableError, match=r"store\.uri") as caught:
        find_folder(StorePath(f"{tmp_path}/nowhere"), "20260302")

    assert caught.value.exit_code == 5


def test_hidden_files_do_not_count(tmp_path: Path) -> None:
    """What a writer has not finished begins with an underscore or a dot."""
    _touch(
        tmp_path,
        "b.parquet",
        "a.parquet",
        "_part.parquet",
        ".c.parquet",
        "_temporary/0/d.parquet",
        "notes.txt",
    )

    assert list_files(StorePath(str(tmp_path))) == ("a.parquet", "b.parquet")

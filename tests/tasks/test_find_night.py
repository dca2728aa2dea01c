"""What is refused before anything is started."""

from pathlib import Path

import pytest

from filters import load_catalogue
from nightmail import NightmailError
from nightmail.discovery import Catalogue
from settings.errors import (
    NothingThereError,
    SettingsError,
    StoreUnavailableError,
)
from settings.model import Filters, Settings, Store, Topics
from tasks.find_night import FoundNight, find_night


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path, store=Store(uri=str(tmp_path / "{survey}")))


@pytest.fixture
def folder(settings: Settings) -> Path:
    """Make a night."""
    folder = settings.store_root("ztf") / "science" / "20260301"
    folder.mkdir(parents=True)
    return folder


def test_a_night_is_found_with_all_filters(settings: Settings, folder: Path) -> None:
    """Without names, every filter of the survey runs."""
    found = find_night(settings, survey="ztf", night="20260301")

    assert str(found.folder) == str(folder)
    assert found.filters == found.catalogue
    assert "sn_candidates" in found.filters
    assert found.broken == {}


def test_only_the_filters_that_were_named_run(settings: Settings, folder: Path) -> None:
    """The catalogue stays whole: all topics are made."""
    found = find_night(
        settings, survey="ztf", night="20260301", names=["kn_candidates"]
    )

    assert (list(found.filters), str(found.folder)) == (["kn_candidates"], str(folder))
    assert len(found.catalogue) > 1


@pytest.mark.usefixtures("folder")
def test_a_filter_that_is_off_runs_where_it_is_asked_for(settings: Settings) -> None:
    """By its name, or by the settings, in which case its topic is made too."""
    also = settings.model_copy(update={"filters": Filters(also=("everything",))})

    def find(settings: Settings, names: list[str] | None = None) -> FoundNight:
        return find_night(settings, survey="ztf", night="20260301", names=names)

    assert "everything" not in find(settings).catalogue
    assert list(find(settings, ["everything"]).filters) == ["everything"]
    assert "everything" in find(also).filters
    assert "everything" in find(also).catalogue


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "kind", "says"),
    [
        ({"survey": "sdss"}, NothingThereError, "ztf and lsst"),
        ({"night": "tonight"}, SettingsError, "20260301"),
        ({"night": "20260230"}, SettingsError, "not a night"),
        ({"night": "20260302"}, NothingThereError, "20260301 to 20260301"),
        ({"names": ["sn"]}, NothingThereError, "sn_candidates"),
        ({"survey": "lsst"}, StoreUnavailableError, "store.uri"),
    ],
)
def test_what_is_not_there_is_named(
    settings: Settings, words: dict[str, object], kind: type[NightmailError], says: str
) -> None:
    """One sentence, with what there is instead."""
    asked = {"survey": "ztf", "night": "20260301"} | words

    with pytest.raises(kind, match=says):
        find_night(settings, **asked)  # type: ignore[arg-type]


@pytest.mark.usefixtures("folder")
def test_a_setting_names_filters_that_there_are(settings: Settings) -> None:
    """Of any survey; a name that was mistyped is refused with those that there are."""

    def find(*names: str) -> None:
        topics = Topics(without_cutouts=names)
        changed = settings.model_copy(update={"topics": topics})
        find_night(changed, survey="ztf", night="20260301")

    find("kn_candidates", "hostless_candidate")
    with pytest.raises(SettingsError, match=r"without_cutouts: .* kn; .*kn_candidates"):
        find("kn")


@pytest.mark.usefixtures("folder")
def test_by_schedule_a_night_may_be_missing(settings: Settings) -> None:
    """Clouds are no failure; a store that is not there is one."""
    missing = find_night(settings, survey="ztf", night="20260302", must_exist=False)
    assert missing.folder is None

    with pytest.raises(StoreUnavailableError):
        find_night(settings, survey="lsst", night="20260302", must_exist=False)


@pytest.mark.usefixtures("folder")
def test_a_filter_that_cannot_be_loaded_is_known_by_name(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for, it is no stranger; not asked for, it is not this run's matter."""
    whole = load_catalogue("ztf")
    torn = Catalogue(whole.filters, {"odd": "SyntaxError: line 3"})
    monkeypatch.setattr("tasks.find_night.load_catalogue", lambda _: torn)

    def broken(*names: str) -> dict[str, str]:
        found = find_night(settings, survey="ztf", night="20260301", names=names)
        return dict(found.broken)

    assert broken() == broken("odd") == {"odd": "SyntaxError: line 3"}
    assert broken("kn_candidates") == {}

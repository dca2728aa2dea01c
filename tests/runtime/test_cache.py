"""Where the cache is."""

from pathlib import Path

import pytest

from runtime.cache import cache_dir
from settings.errors import SettingsError


def test_the_user_s_choice_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XDG_CACHE_HOME says where it is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert cache_dir() == tmp_path / "nightmail"


@pytest.mark.parametrize("named", ["", "relative"])
def test_the_home_s_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """Without an absolute XDG_CACHE_HOME it is ~/.cache/nightmail."""
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert cache_dir() == tmp_path / ".cache" / "nightmail"


def test_one_that_cannot_be_written_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without another folder to take, the sentence names the setting."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")

    with pytest.raises(SettingsError, match="/proc/none/nightmail cannot be written"):
        cache_dir()

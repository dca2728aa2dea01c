"""Where downloads and other things that can be made again are kept."""

import os
from pathlib import Path

from settings.errors import SettingsError

FOLDER = "nightmail"
"""Our folder within the user's cache."""


def cache_dir(fallback: Path | None = None) -> Path:
    """Give the folder for what can be made again, making it if need be.

    Parameters
    ----------
    fallback
        Folder to take where the user's cache cannot be written, say one under the
        state folder.

    Returns
    -------
    Path
        $XDG_CACHE_HOME/nightmail, by default ~/.cache/nightmail; else `fallback`.

    Raises
    ------
    SettingsError
        Neither can be written.
    """
    wished = [_user_cache() / FOLDER, *([fallback] if fallback else [])]
    for folder in wished:
        if _can_write(folder):
            return folder
    raise SettingsError(
        f"The cache folder {wished[-1]} cannot be written: set XDG_CACHE_HOME to one"
        " that can."
    )


def _user_cache() -> Path:
    named = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG base directory specification has relative paths ignored.
    if Path(named).is_absolute():
        return Path(named)
    return Path(os.path.expanduser("~")) / ".cache"  # noqa: PTH111 - never raises


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)

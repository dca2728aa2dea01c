"""What an astronomer is given to read alerts: kept in one file, for several surveys.

Files of the three existing clients are read too, where they lie: `credentials.yml`,
`ztf_credentials.yml` and `lsst_credentials.yml` in `~/.finkclient`.
"""

import logging
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nightmail._errors import ConfigError

__all__ = ["SURVEYS", "Credentials", "default_file", "load", "save"]

SURVEYS = ("ztf", "lsst")
"""Surveys that one may register for."""

_SPELLINGS = {
    "bootstrap.servers": ("bootstrap.servers", "servers"),
    "group.id": ("group.id", "group_id", "groupid", "group"),
    "username": ("username",),
    "password": ("password",),
    "topics": ("topics", "mytopics"),
    "maxtimeout": ("maxtimeout",),
}
"""Our name of each value, and what the files and options of others call it."""

_SECRETS = ("password", "sasl.password", "ssl.key.password", "sasl.oauthbearer.config")
"""Values that are not shown."""

_FIRST_FORM = "ztf"
"""Survey of a file of the oldest form, which names none: there was one only."""

_logger = logging.getLogger("nightmail")


class Credentials(dict[str, Any]):
    """A configuration for `AlertConsumer`; its `repr` shows no secret."""

    def shown(self) -> dict[str, Any]:
        """Give the values that may be seen; in the place of a secret stands `***`."""
        return {k: "***" if k in _SECRETS else v for k, v in self.items()}

    def __repr__(self) -> str:
        return f"Credentials({self.shown()!r})"


def load(survey: str | None = None, path: str | Path | None = None) -> Credentials:
    """Read the credentials for a survey.

    Parameters
    ----------
    survey
        `ztf` or `lsst`; None where there is one only.
    path
        A file of any form; by default ours, then those of the existing clients.

    Returns
    -------
    Credentials
        `bootstrap.servers`, `group.id`, `survey`, and where they were given `username`,
        `password`, `topics` (a list), `maxtimeout` [s] and properties of librdkafka.

    Raises
    ------
    ConfigError
        There are none, there are several and no survey is said, or the file cannot be
        read.
    """
    _check(survey)
    places = [Path(path)] if path is not None else list(_places())
    found: dict[str, tuple[Credentials, Path]] = {}
    for place in places:
        if path is not None or place.is_file():
            for name, values in _read(place).items():
                found.setdefault(name, (values, place))
    if survey is None and len(found) > 1:
        raise ConfigError(
            f"You are registered for {' and '.join(sorted(found))}; say which one:"
            " --survey, or survey= in Python."
        )
    which = survey or next(iter(found), None)
    if which is None or which not in found:
        raise ConfigError(_nothing(survey, places))
    credentials, place = found[which]
    _warn_of_readers(credentials, place)
    return credentials


def save(
    survey: str | None = None, *, path: str | Path | None = None, **values: Any
) -> Path:
    """Keep credentials, in a file that nobody else can read.

    What was kept for this survey and is not given now stays; so do other surveys.

    Parameters
    ----------
    survey
        `ztf` or `lsst`; None is `ztf`, as in the oldest client.
    path
        Where; by default our own file.
    **values
        In any spelling: `servers`, `group_id` or `groupid`, `username`, `password`,
        `topics` or `mytopics`, `maxtimeout`. None takes a value away. Names with a dot
        go by `**{"ssl.ca.location": …}`.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ConfigError
        A value is unknown or missing, or the file cannot be written.
    """
    import yaml  # noqa: PLC0415

    whose = _check(survey) or _FIRST_FORM
    file = Path(path) if path is not None else default_file()
    kept = _read(file, only_ours=True) if file.is_file() else {}
    merged = {**kept.get(whose, {}), **_normalised(values, keep_empty=True)}
    mine = {k: v for k, v in merged.items() if v is not None}
    for key in ("bootstrap.servers", "group.id"):
        if not mine.get(key):
            raise ConfigError(f"To register for {whose}, {key} is missing; add it.")
    others = {name: _without_survey(one) for name, one in kept.items()}
    text = yaml.safe_dump(others | {whose: _without_survey(mine)}, allow_unicode=True)
    _write(file, text)
    return file


def default_file() -> Path:
    """Name our own file, in the user's folder for configurations.

    Raises
    ------
    ConfigError
        The user has no home folder.
    """
    folder = _config_folder()
    if folder is None:
        raise ConfigError(
            "You have no home folder to keep credentials in; name a file:"
            " --credentials, or path= in Python."
        )
    return folder / "nightmail" / "credentials.yml"


def _without_survey(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "survey"}


def _config_folder() -> Path | None:
    named = os.environ.get("APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME")
    if named:
        return Path(named)
    home = _home()
    return home / ".config" if home else None


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # no HOME, and the system does not know the user
        return None


def _places() -> Iterator[Path]:
    folder, home = _config_folder(), _home()
    if folder:
        yield folder / "nightmail" / "credentials.yml"
    if home:
        theirs = home / ".finkclient"
        yield from (theirs / f"{survey}_credentials.yml" for survey in SURVEYS)
        yield theirs / "credentials.yml"


def _read(file: Path, *, only_ours: bool = False) -> dict[str, Credentials]:
    """Read a file of any form: the credentials in it, by survey."""
    import yaml  # noqa: PLC0415

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The credentials in {file} cannot be read: {_reason(error)}; register"
            " again, or name another file."
        ) from error
    except yaml.YAMLError:
        # Its message quotes the line, which may be the one with the password.
        content = None
    if not isinstance(content, Mapping):
        raise ConfigError(f"{file} holds no credentials; register again.")
    if content and set(content) <= set(SURVEYS):
        forms = {name: one for name, one in content.items() if isinstance(one, Mapping)}
    elif only_ours and content:
        raise ConfigError(f"{file} is another client's; name a file of its own.")
    else:
        forms = {_survey_of(content, file): content}
    return {
        name: Credentials(_normalised(one, keep_empty=False), survey=name)
        for name, one in forms.items()
    }


def _survey_of(content: Mapping[str, Any], file: Path) -> str:
    named = content.get("survey") or file.name.partition("_")[0]
    return str(named) if named in SURVEYS else _FIRST_FORM


def _normalised(values: Mapping[str, Any], *, keep_empty: bool) -> dict[str, Any]:
    """Put values under our names.

    One file may hold the spellings of two versions side by side, one of them empty.
    """
    known = {alias: ours for ours, names in _SPELLINGS.items() for alias in names}
    found: dict[str, Any] = {}
    for key, value in values.items():
        if key == "survey":
            continue
        if keep_empty and key not in known and "." not in key:
            valid = ", ".join(sorted(known))
            raise ConfigError(f"The credential {key} is unknown; valid: {valid}.")
        ours = known.get(key, key)
        if ours not in _SPELLINGS and "." not in ours:
            continue
        shaped = _shaped(ours, value)
        if shaped is not None or (keep_empty and ours not in found):
            found[ours] = shaped
    return found


def _shaped(key: str, value: Any) -> Any:
    """Give a value its type; None where an empty one was written."""
    if value in (None, "", [], {}) or (key == "bootstrap.servers" and value == "."):
        return None
    if key == "topics":
        # The newest of the existing clients keeps its bots' settings by topic.
        names = value.split() if isinstance(value, str) else list(value)
        return [str(name) for name in names]
    if key == "bootstrap.servers" and not isinstance(value, str):
        return ",".join(str(one) for one in value)
    if key == "maxtimeout":
        try:
            return float(value) if float(value) % 1 else int(float(value))
        except (TypeError, ValueError, OverflowError) as error:
            raise ConfigError(
                f"maxtimeout must be a number of seconds, not {value!r}."
            ) from error
    return str(value) if key in ("group.id", "username", "password") else value


def _check(survey: str | None) -> str | None:
    if survey is not None and survey not in SURVEYS:
        raise ConfigError(
            f"There is no survey {survey!r}; valid: {', '.join(SURVEYS)}."
        )
    return survey


def _nothing(survey: str | None, places: list[Path]) -> str:
    which = f" for {survey}" if survey else ""
    where = f" in {', '.join(map(str, places))}" if len(places) == 1 else ""
    return (
        f"There are no credentials{which}{where}; register first:"
        " nightmail register --help."
    )


def _warn_of_readers(credentials: Credentials, file: Path) -> None:
    if os.name == "nt" or not any(credentials.get(name) for name in _SECRETS):
        return
    if file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        _logger.warning("Others can read your password in %s: chmod 600 it.", file)


def _write(file: Path, text: str) -> None:
    """Replace a file at once; the new one is made readable by its owner only."""
    import tempfile  # noqa: PLC0415 - to write only

    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    except OSError as error:
        raise _unwritten(file, error) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise _unwritten(file, error) from error


def _unwritten(file: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{file} cannot be written: {_reason(error)}.")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__

"""Settings from the file, the environment and the defaults, and where each came from."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import EnvSettingsSource

from settings.errors import SettingsError
from settings.model import ENV_PREFIX, Settings

FILE_VARIABLE = "NIGHTMAIL_SETTINGS"
"""Environment variable that names the settings file."""

DEFAULT_FILE = Path("nightmail.toml")
"""Settings file that is read where nothing else is named."""

SLACK_VARIABLE = "SLACK_API_TOKEN"
"""The manual's name for `slack.token`."""


@dataclass(frozen=True)
class Origin:
    """One setting in force."""

    key: str
    """Dotted name, as `kafka.username`."""

    value: Any
    """Its value; a secret is a `SecretStr`, which does not show it."""

    source: str
    """`default`, the path of the file, or the name of the variable."""


def load(file: Path | None = None) -> Settings:
    """Read the settings that are in force.

    Parameters
    ----------
    file
        Settings file; by default what NIGHTMAIL_SETTINGS names, or ./nightmail.toml
        if it is there.

    Raises
    ------
    SettingsError
        The file is missing or not TOML, a key is unknown, a value is wrong.
    """
    return load_with_origins(file)[0]


def load_with_origins(file: Path | None = None) -> tuple[Settings, list[Origin]]:
    """Read the settings, and say where each value came from."""
    from_file, file_name = _read_file(file)
    variables = _variables()
    _refuse_unknown(from_file, variables, file_name)
    from_environment = _read_environment()
    merged = _merge(from_file, from_environment)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise _first_problem(error, variables, file_name) from error
    return settings, list(_origins(settings, from_file, variables, file_name))


def keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Yield the dotted name of every setting, in the order of the model."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _read_file(file: Path | None) -> tuple[dict[str, Any], str]:
    named = file or (Path(p) if (p := os.environ.get(FILE_VARIABLE)) else None)
    path = named or DEFAULT_FILE
    if not path.exists():
        if named:
            raise SettingsError(f"The settings file {path} does not exist.")
        return {}, str(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), str(path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error


def _read_environment() -> dict[str, Any]:
    found = EnvSettingsSource(Settings)()
    slack = found.setdefault("slack", {})
    if SLACK_VARIABLE in os.environ:
        slack.setdefault("token", os.environ[SLACK_VARIABLE])
    return found


def _variables() -> dict[str, str]:
    """Dotted key of every variable of ours that is set, and its name."""
    found = {}
    if SLACK_VARIABLE in os.environ:
        found["slack.token"] = SLACK_VARIABLE
    for name in os.environ:
        if name.upper().startswith(ENV_PREFIX) and name.upper() != FILE_VARIABLE:
            key = name[len(ENV_PREFIX) :].lower().replace("__", ".")
            found[key] = name
    return found


def _refuse_unknown(
    from_file: Mapping[str, Any], variables: Mapping[str, str], file_name: str
) -> None:
    valid = list(keys())
    for key in _leaves(from_file):
        if key not in valid:
            raise SettingsError(f"{file_name}: {_unknown(key, valid)}")
    for key, name in variables.items():
        if key not in valid:
            raise SettingsError(f"{name}: {_unknown(key, valid)}")


def _unknown(key: str, valid: list[str]) -> str:
    near = difflib.get_close_matches(key, valid, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else f"; valid ones: {', '.join(valid)}."
    return f"there is no setting {key}{hint}"


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        if isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = _merge(merged[name], value)
        else:
            merged[name] = value
    return merged


def _first_problem(
    error: ValidationError, variables: Mapping[str, str], file_name: str
) -> SettingsError:
    problem = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(part) for part in problem["loc"])
    source = variables.get(key, file_name)
    return SettingsError(f"{source}: {key} is wrong: {problem['msg']}.")


def _origins(
    settings: Settings,
    from_file: Mapping[str, Any],
    variables: Mapping[str, str],
    file_name: str,
) -> Iterator[Origin]:
    in_file = set(_leaves(from_file))
    for key in keys():
        value: Any = settings
        for part in key.split("."):
            value = getattr(value, part)
        source = variables.get(key) or (file_name if key in in_file else "default")
        yield Origin(key, value, source)


def shown(value: Any) -> str:
    """Text of a value, a secret hidden."""
    if isinstance(value, SecretStr):
        return "(hidden)"
    return "(not set)" if value is None else str(value)

"""Settings from file, environment and defaults, and where each came from."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from settings.errors import SettingsError
from settings.model import ENV_PREFIX, Settings
from settings.uris import has_secret

FILE_VARIABLE = "NIGHTMAIL_SETTINGS"
"""Environment variable that names the settings file."""

HOME_VARIABLE = "NIGHTMAIL_HOME"
"""Where a Prefect worker finds the checkout, see prefect.yaml."""

OTHER_VARIABLES = frozenset({FILE_VARIABLE, HOME_VARIABLE})
"""Variables that begin like settings and are none."""

PATHS = (
    *("state_dir", "store.uri", "archive.uri", "kafka.ca_location"),
    *("cluster.tls_certificate", "cluster.tls_key", "cluster.tls_authority"),
)
"""Settings that name a folder or a file."""

DEFAULT_FILE = Path("nightmail.toml")
"""Settings file that is read where nothing else is named."""

SLACK_VARIABLE = "SLACK_API_TOKEN"
"""The manual's name for `slack.token`; ours wins."""

LIKENESS = 0.5
"""How like an unknown key a valid one must be to be suggested, by difflib's ratio."""


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
    """Read the settings, and say where each value came from.

    Parameters
    ----------
    file
        As for `load`.

    Returns
    -------
    tuple
        The settings, and one origin for each, in the order of the model.

    Raises
    ------
    SettingsError
        As for `load`.
    """
    tables, file_name = _read_file(file)
    from_file = _beside(Path(file_name), dict(_leaves(tables)))
    variables = _variables()
    sources = dict.fromkeys(from_file, file_name) | variables
    for key, source in sources.items():
        _refuse_unknown(key, source)
    from_environment = {key: os.environ[name] for key, name in variables.items()}
    settings = _validated(_nested(from_file | from_environment), sources)
    return settings, [
        Origin(key, _value(settings, key), sources.get(key, "default"))
        for key in keys()
    ]


def keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Yield the dotted name of every setting, in the order of the model."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def shown(value: Any) -> str:
    """Text of a value, a secret hidden."""
    if isinstance(value, SecretStr):
        return "(hidden)"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "(none)"
    return "(not set)" if value is None else str(value)


def _read_file(file: Path | None) -> tuple[dict[str, Any], str]:
    named = file or (Path(p) if (p := os.environ.get(FILE_VARIABLE)) else None)
    path = (named or DEFAULT_FILE).expanduser()
    if not named and not path.exists():
        return {}, str(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), str(path)
    except FileNotFoundError as error:
        raise SettingsError(f"The settings file {path} does not exist.") from error
    except OSError as error:
        raise SettingsError(
            f"The settings file {path} cannot be read: {error.strerror}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error


def _beside(file: Path, values: dict[str, Any]) -> dict[str, Any]:
    """Take a file's relative paths from where the file is, not from where we are.

    From another folder, they would be another Kafka and another ledger.
    """
    return values | {
        key: str(file.absolute().parent / values[key])
        for key in PATHS
        if _is_relative(values.get(key))
    }


def _is_relative(folder: object) -> bool:
    if not isinstance(folder, str) or not folder or "://" in folder:
        return False
    return not folder.startswith(("/", "~", "{"))


def _variables() -> dict[str, str]:
    """Dotted key of every variable of ours that is set, and its name."""
    found = {}
    if os.environ.get(SLACK_VARIABLE):
        found["slack.token"] = SLACK_VARIABLE
    for name in os.environ:
        if name.startswith(ENV_PREFIX) and name not in OTHER_VARIABLES:
            found[name.removeprefix(ENV_PREFIX).lower().replace("__", ".")] = name
    return found


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _nested(leaves: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in leaves.items():
        *tables, name = key.split(".")
        table = nested
        for each in tables:
            table = table.setdefault(each, {})
        table[name] = value
    return nested


def _refuse_unknown(key: str, source: str) -> None:
    valid = list(keys())
    if key in valid:
        return
    within = [each for each in valid if each.startswith(f"{key}.")]
    near = within or difflib.get_close_matches(key, valid, n=1, cutoff=LIKENESS)
    if within:
        hint = f"it is a table, of {', '.join(within)}."
    elif near:
        hint = f"did you mean {_as_in(source, near[0])}?"
    else:
        hint = f"valid ones are {', '.join(_as_in(source, each) for each in valid)}."
    raise SettingsError(f"{source}: there is no setting {key}; {hint}")


def _as_in(source: str, key: str) -> str:
    """Name of a setting where it was looked for: a variable, or a key of the file."""
    if not source.startswith(ENV_PREFIX):
        return key
    return ENV_PREFIX + key.replace(".", "__").upper()


def _validated(tables: dict[str, Any], sources: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(tables)
    except ValidationError as error:
        problem = _first_problem(error, sources)
    # Raised here, so that pydantic's error with all its values does not ride along.
    raise problem


def _first_problem(error: ValidationError, sources: Mapping[str, str]) -> SettingsError:
    problem = error.errors(include_context=False, include_url=False)[0]
    # Within a setting that is a list, the rest says which of its items.
    key = ".".join(str(part) for part in problem["loc"])
    reason = problem["msg"].removeprefix("Value error, ")
    reason = reason[0].lower() + reason[1:]
    setting = next(each for each in keys() if f"{key}.".startswith(f"{each}."))
    hidden = _is_secret(setting) or has_secret(str(problem["input"]))
    value = "" if hidden else f" {problem['input']!r}"
    source = sources.get(setting, "default")
    return SettingsError(f"{source}: {key}{value} is wrong: {reason}.")


def _is_secret(key: str) -> bool:
    *tables, name = key.split(".")
    model: Any = Settings
    for table in tables:
        model = model.model_fields[table].annotation
    return SecretStr in get_args(model.model_fields[name].annotation)


def _value(settings: Settings, key: str) -> Any:
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value

"""A reader's configuration, as librdkafka wants it."""

from collections.abc import Mapping
from typing import Any

from nightmail._errors import ConfigError
from nightmail.silence import silent_logger

__all__ = ["connection"]

_SERVERS = ("bootstrap.servers", "servers")
_GROUP = ("group.id", "group_id", "groupid")
_PLAIN = ("debug", "log_level", "logger")
_FILE_ONLY = ("maxtimeout", "mytopics", "survey", "topics")
"""Keys of the field's credentials files that say nothing about the connection."""

_DEFAULTS = {
    "auto.offset.reset": "earliest",
    "isolation.level": "read_committed",
    "enable.auto.offset.store": False,
}
"""What holds where the user says nothing. Offsets are stored by `AlertConsumer`."""

_MECHANISM = "SCRAM-SHA-512"


def connection(config: Mapping[str, Any]) -> dict[str, Any]:
    """Translate a reader's configuration into that of librdkafka.

    Parameters
    ----------
    config
        `bootstrap.servers` (or `servers`), `group.id` (or `group_id`, `groupid`),
        `username` with `password`, or `sasl.username` with `sasl.password`, for
        SCRAM-SHA-512, and any property of librdkafka, which wins over our defaults.
        What is null counts as not said.

    Returns
    -------
    dict
        Properties for a consumer. It may hold a password: never log it.

    Raises
    ------
    ConfigError
        Servers or group are missing, a password has no user, a key is unknown.
    """
    _refuse_unknown(config)
    found: dict[str, Any] = {
        "bootstrap.servers": _first(config, _SERVERS),
        "group.id": _first(config, _GROUP),
    }
    found |= {
        key: value
        for key, value in config.items()
        if ("." in key or key in _PLAIN) and key not in found and value is not None
    }
    for key, value in (_DEFAULTS | _login(config)).items():
        found.setdefault(key, value)
    found.setdefault("logger", silent_logger())
    return found


def _first(config: Mapping[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = config.get(name)
        if value and not isinstance(value, str):
            value = ",".join(map(str, value))
        if value:
            return str(value)
    raise ConfigError(f"The configuration has no {names[0]}; add it.")


def _login(config: Mapping[str, Any]) -> dict[str, Any]:
    username = config.get("username") or config.get("sasl.username")
    password = config.get("password") or config.get("sasl.password")
    if password and not username:
        raise ConfigError("The configuration has a password but no username; add it.")
    if not (username and password):
        return {}
    encrypted = any(key.startswith("ssl.") for key in config)
    return {
        "security.protocol": "sasl_ssl" if encrypted else "sasl_plaintext",
        "sasl.mechanism": _MECHANISM,
        "sasl.username": username,
        "sasl.password": password,
    }


def _refuse_unknown(config: Mapping[str, Any]) -> None:
    known = (*_SERVERS, *_GROUP, "username", "password", *_PLAIN, *_FILE_ONLY)
    for key in config:
        if key not in known and "." not in key:
            import difflib  # noqa: PLC0415 - for a slip only

            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"valid: {', '.join(known)}."
            raise ConfigError(f"The configuration key {key} is unknown; {hint}")

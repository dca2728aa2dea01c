"""What a reader is told when it is made."""

from collections.abc import Mapping, Sequence
from typing import Any

from nightmail import credentials
from nightmail._errors import ConfigError

__all__ = ["check_topics", "patience", "read_config"]

_PATIENCE_S = 5.0
"""How long an alert is waited for where neither caller nor file says it [s]."""


def check_topics(topics: Sequence[str]) -> None:
    """Refuse what is no list of topics.

    Raises
    ------
    ConfigError
        It is one name, or none, or a name is empty.
    """
    if isinstance(topics, str) or not topics or not all(topics):
        raise ConfigError("AlertConsumer wants a list of at least one topic.")


def read_config(
    config: Mapping[str, Any] | None, survey: str | None
) -> Mapping[str, Any]:
    """Give the configuration, from the credentials file where there is none.

    Raises
    ------
    ConfigError
        There is no such file either, or it cannot be read.
    """
    if config is not None:
        return config
    return credentials.load(survey)


def patience(settings: Mapping[str, Any]) -> float:
    """Give how long to wait where the caller does not say it [s].

    Raises
    ------
    ConfigError
        `maxtimeout` is no number.
    """
    try:
        return float(settings.get("maxtimeout") or _PATIENCE_S)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"maxtimeout is {settings['maxtimeout']!r}; write a number of seconds."
        ) from error

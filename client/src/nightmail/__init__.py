"""Read and filter the night's alerts of a survey telescope."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nightmail._consumer import AlertConsumer
from nightmail._errors import (
    AlertError,
    BrokerUnavailableError,
    ColumnError,
    ConfigError,
    FileError,
    FilterError,
    MessageGoneError,
    NightmailError,
    OutcomeUnknownError,
    RetryableError,
    SchemaError,
    SlackError,
    SlackRefusedError,
    SlackTokenError,
    SlackUnavailableError,
)

if TYPE_CHECKING:
    from nightmail._filters import Filter, alert_filter
    from nightmail._reader import AlertReader
    from nightmail._replay import AlertReplay

__all__ = [
    "AlertConsumer",
    "AlertError",
    "AlertReader",
    "AlertReplay",
    "BrokerUnavailableError",
    "ColumnError",
    "ConfigError",
    "FileError",
    "Filter",
    "FilterError",
    "MessageGoneError",
    "NightmailError",
    "OutcomeUnknownError",
    "RetryableError",
    "SchemaError",
    "SlackError",
    "SlackRefusedError",
    "SlackTokenError",
    "SlackUnavailableError",
    "alert_filter",
]

_LATER = {
    "AlertReader": "_reader",
    "AlertReplay": "_replay",
    "Filter": "_filters",
    "alert_filter": "_filters",
}
"""What is imported when it is first asked for, and from where."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found

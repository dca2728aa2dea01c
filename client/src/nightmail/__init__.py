"""Read and filter the night's alerts of a survey telescope."""

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

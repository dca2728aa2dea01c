"""Read and filter the night's alerts of a survey telescope."""

from nightmail._consumer import AlertConsumer
from nightmail._errors import (
    AlertError,
    BrokerUnavailableError,
    ColumnError,
    ConfigError,
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

__all__ = [
    "AlertConsumer",
    "AlertError",
    "BrokerUnavailableError",
    "ColumnError",
    "ConfigError",
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

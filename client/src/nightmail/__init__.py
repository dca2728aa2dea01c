"""Read and filter the night's alerts of a survey telescope."""

from nightmail._errors import (
    AlertError,
    BrokerUnavailableError,
    ColumnError,
    ConfigError,
    FilterError,
    NightmailError,
    RetryableError,
    SchemaError,
)

__all__ = [
    "AlertError",
    "BrokerUnavailableError",
    "ColumnError",
    "ConfigError",
    "FilterError",
    "NightmailError",
    "RetryableError",
    "SchemaError",
]

"""What can go wrong in the pipeline, grouped by what happens next.

NightmailError            (the client's base)
├── SettingsError         fix and start again; raised before any work
├── QueryError            DuckDB does not take the SQL
├── NothingThereError     no such night, survey or filter
├── NightError            this night stops
│   ├── StoreError        a file of the store cannot be read
│   ├── LedgerError       a row of the ledger cannot be read
│   └── IncompleteNightError  the night ended with failures that are named
├── NewerRunError         someone newer works on this night
├── SlackError            (the client's) Slack does not do what it was asked
│   └── SlackRefusedError     and would refuse it again
└── RetryableError        (the client's) try again later
    ├── BrokerUnavailableError  (the client's)
    ├── ClusterError      the local Kafka cannot be started or stopped
    ├── PrefectUnavailableError
    ├── StoreUnavailableError
    ├── ArchiveUnavailableError  read-only, or no space left
    └── SlackUnavailableError   (the client's, a SlackError too)
"""

from nightmail import (
    BrokerUnavailableError,
    NightmailError,
    RetryableError,
    SlackError,
    SlackRefusedError,
    SlackUnavailableError,
)

__all__ = [
    "ArchiveUnavailableError",
    "BrokerUnavailableError",
    "ClusterError",
    "IncompleteNightError",
    "LedgerError",
    "NewerRunError",
    "NightError",
    "NightmailError",
    "NothingThereError",
    "PrefectUnavailableError",
    "QueryError",
    "RetryableError",
    "SettingsError",
    "SlackError",
    "SlackRefusedError",
    "SlackUnavailableError",
    "StoreError",
    "StoreUnavailableError",
]


class SettingsError(NightmailError):
    """A setting is unknown or has a wrong value."""

    exit_code = 2


class QueryError(NightmailError):
    """DuckDB does not take a query, or stopped in it."""

    exit_code = 2


class NothingThereError(NightmailError):
    """The night, survey or filter that was asked for does not exist."""

    exit_code = 3


class NightError(NightmailError):
    """The night stops."""


class StoreError(NightError):
    """A file of the science store cannot be read."""


class LedgerError(NightError):
    """A row of the ledger cannot be read."""


class IncompleteNightError(NightError):
    """The night ended, and some of it failed."""


class NewerRunError(NightmailError):
    """A newer run works on this night."""

    exit_code = 4


class ClusterError(RetryableError):
    """The local Kafka cannot be started, reached or stopped."""


class PrefectUnavailableError(RetryableError):
    """Prefect's server does not answer."""


class StoreUnavailableError(RetryableError):
    """The science store is not reachable."""


class ArchiveUnavailableError(RetryableError):
    """The archive cannot be written: read-only, or no space left."""

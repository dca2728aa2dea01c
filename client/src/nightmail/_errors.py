"""What can go wrong, grouped by what happens next.

NightmailError
├── AlertError            this alert is set aside and counted
├── ConfigError           fix the configuration and start again
├── FileError             a file of alerts cannot be read or written
├── ColumnError           a filter names a column that is not there, or that fits two
├── FilterError           this filter fails, the others go on
├── SchemaError           a type of the store has no Avro form
├── SlackError            Slack does not do what it was asked
│   ├── SlackRefusedError     and would refuse it again
│   │   ├── MessageGoneError
│   │   └── SlackTokenError
│   └── SlackUnavailableError (a RetryableError too)
│       └── OutcomeUnknownError
└── RetryableError        something outside is not reachable, try again later
    └── BrokerUnavailableError
"""

__all__ = [
    "AlertError",
    "BrokerUnavailableError",
    "ColumnError",
    "ConfigError",
    "FileError",
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
]


class NightmailError(Exception):
    """Base of every error that nightmail raises on purpose."""

    exit_code = 1
    """What a command that ends on this error returns to the shell."""


class AlertError(NightmailError):
    """One alert cannot be read, decoded or encoded."""

    topic: str | None = None
    """Where it is, if it is one message."""

    partition: int | None = None
    offset: int | None = None


class ConfigError(NightmailError):
    """A setting is missing or wrong."""

    exit_code = 2


class FileError(NightmailError, OSError):
    """A file of alerts cannot be read or written."""


class ColumnError(NightmailError):
    """A filter names a column that no file has, or that fits more than one."""


class FilterError(NightmailError):
    """A filter cannot be loaded or run."""


class SchemaError(NightmailError):
    """A column's type cannot be written as Avro."""


class RetryableError(NightmailError):
    """Something outside is not reachable; the same command may work later."""

    exit_code = 5


class BrokerUnavailableError(RetryableError):
    """Kafka does not answer."""


class SlackError(NightmailError):
    """Slack does not do what it was asked."""


class SlackRefusedError(SlackError):
    """Slack refuses, and would again: token, scope, channel, person or message."""


class MessageGoneError(SlackRefusedError):
    """The message that should be changed or answered is no longer there."""


class SlackTokenError(SlackRefusedError):
    """Slack does not take the token, or the token lacks a scope: the fault is ours."""


class SlackUnavailableError(SlackError, RetryableError):
    """Slack does not answer, or asks for more patience than there is."""


class OutcomeUnknownError(SlackUnavailableError):
    """Slack was asked to post and did not answer: it may have done it."""

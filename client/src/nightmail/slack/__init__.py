"""Slack: send messages, and the alerts of a night to the channels of their classes."""

from nightmail._errors import (
    MessageGoneError,
    OutcomeUnknownError,
    SlackError,
    SlackRefusedError,
    SlackUnavailableError,
)
from nightmail.slack.client import Sent, SlackClient
from nightmail.slack.directory import Channel, User
from nightmail.slack.escape import escape

__all__ = [
    "Channel",
    "MessageGoneError",
    "OutcomeUnknownError",
    "Sent",
    "SlackClient",
    "SlackError",
    "SlackRefusedError",
    "SlackUnavailableError",
    "User",
    "escape",
]

"""Slack: send messages, and the alerts of a night to the channels of their classes."""

from nightmail._errors import (
    MessageGoneError,
    OutcomeUnknownError,
    SlackError,
    SlackRefusedError,
    SlackTokenError,
    SlackUnavailableError,
)
from nightmail.slack.alerts import Delivery, send_slack_alerts
from nightmail.slack.client import Sent, SlackClient
from nightmail.slack.connect import get_slack_client
from nightmail.slack.directory import Channel, User
from nightmail.slack.escape import escape

__all__ = [
    "Channel",
    "Delivery",
    "MessageGoneError",
    "OutcomeUnknownError",
    "Sent",
    "SlackClient",
    "SlackError",
    "SlackRefusedError",
    "SlackTokenError",
    "SlackUnavailableError",
    "User",
    "escape",
    "get_slack_client",
    "send_slack_alerts",
]

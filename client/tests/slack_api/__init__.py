"""A local Slack: HTTP on 127.0.0.1 that answers as Slack's Web API does."""

from client.tests.slack_api.faults import Drop, Fault, Hold, RateLimit, Refuse, Status
from client.tests.slack_api.server import Call, SlackApi

__all__ = [
    "Call",
    "Drop",
    "Fault",
    "Hold",
    "RateLimit",
    "Refuse",
    "SlackApi",
    "Status",
]

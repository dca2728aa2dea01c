"""A client of Slack from the environment, as the manual has it."""

import logging
import os

from nightmail.slack.client import SlackClient
from nightmail.slack.reader import BASE_URL

__all__ = ["get_slack_client"]

logger = logging.getLogger("nightmail")

TOKENS = ("NIGHTMAIL_SLACK__TOKEN", "SLACK_API_TOKEN")
"""Variables that hold the bot's token: ours, then the manual's."""

URL = "NIGHTMAIL_SLACK__BASE_URL"
"""Variable that holds another address of Slack's Web API."""


def get_slack_client() -> SlackClient | None:
    """Make a client with the token that the environment holds.

    Returns
    -------
    SlackClient or None
        None where neither `NIGHTMAIL_SLACK__TOKEN` nor `SLACK_API_TOKEN` is set; a
        warning says so. `NIGHTMAIL_SLACK__BASE_URL` names another Web API.
    """
    tokens = [os.environ[name] for name in TOKENS if os.environ.get(name)]
    if not tokens:
        logger.warning("Nothing goes to Slack: SLACK_API_TOKEN is not set.")
        return None
    return SlackClient(tokens[0], base_url=os.environ.get(URL) or BASE_URL)

"""Call Slack's Web API, its errors in our words and its token nowhere."""

import http.client
import logging
import re
import time
import urllib.error
from collections.abc import Callable, Mapping
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from settings.errors import SlackPostError, SlackUnavailableError
from settings.model import Slack

TIMEOUT_S = 30
"""How long Slack may take to answer [s]."""

PATIENCE_S = 30
"""Longest Retry-After that is waited for here, once; beyond it, try later [s]."""

TOO_MANY_REQUESTS = 429
"""HTTP status of a call that comes too soon."""

SERVER_ERROR = 500
"""Least HTTP status that is the server's fault."""

ADVICE = {
    "invalid_auth": "check slack.token",
    "not_authed": "check slack.token",
    "account_inactive": "its user or workspace is gone, so make a new slack.token",
    "token_revoked": "it was revoked, so make a new slack.token",
    "token_expired": "it has expired, so make a new slack.token",
    "missing_scope": "give the token the scope chat:write",
    "channel_not_found": "check slack.channel, and that the bot may see it",
    "not_in_channel": "invite the bot to slack.channel",
    "is_archived": "unarchive slack.channel, or set another",
    "restricted_action": "ask the workspace's owners to let the bot post there",
}
"""What to do, by Slack's error code."""

TRANSIENT = frozenset(
    {"fatal_error", "internal_error", "ratelimited", "request_timeout"}
    | {"service_unavailable", "team_added_to_org"}
)
"""Slack's error codes that go away by themselves."""


class OutcomeUnknownError(SlackUnavailableError):
    """The call was sent and not answered: it may have been carried out."""


class MessageGoneError(SlackPostError):
    """The message that should be changed is no longer there."""


def call_slack(
    slack: Slack,
    method: str,
    *,
    arguments: Mapping[str, Any],
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Call one method of Slack's Web API.

    Parameters
    ----------
    slack
        Token and address.
    method
        As `chat.postMessage`.
    arguments
        Its arguments, sent as JSON.
    pause
        Waits for some seconds, where Slack asks for it.

    Returns
    -------
    dict
        Slack's answer.

    Raises
    ------
    SlackPostError
        Slack refuses, and would again; `MessageGoneError` where a message is gone.
    SlackUnavailableError
        Slack does not answer, or asks for more patience than there is;
        `OutcomeUnknownError` where it may have done what was asked.
    """
    client = _client(slack)
    try:
        return _send(client, method, arguments)
    except SlackApiError as error:
        wait = _retry_after(error)
        if wait is None or wait > PATIENCE_S:
            raise _translated(error, slack, method) from error
    pause(wait)
    try:
        return _send(client, method, arguments)
    except SlackApiError as error:
        raise _translated(error, slack, method) from error


def _client(slack: Slack) -> WebClient:
    token = slack.token.get_secret_value() if slack.token else ""
    # Python's refusal of such a header would quote it.
    if not re.fullmatch(r"[!-~]+", token):
        raise SlackPostError(
            "Slack's token holds characters that no token has; check slack.token."
        )
    client = WebClient(
        token,
        base_url=slack.base_url.rstrip("/") + "/",
        timeout=TIMEOUT_S,
        logger=_silent_logger(),
        retry_handlers=[],
    )
    # Its own reading of the environment passes over NO_PROXY, urllib's does not.
    client.proxy = None
    return client


def _silent_logger() -> logging.Logger:
    """Logger that drops what the library writes of its errors: they are raised."""
    silent = logging.getLogger("nightmail.slack")
    silent.setLevel(logging.CRITICAL + 1)
    return silent


def _send(
    client: WebClient, method: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    try:
        answer = client.api_call(method, json=dict(arguments))
    except urllib.error.URLError as error:
        raise SlackUnavailableError(
            f"Slack is not reachable at {client.base_url}: {error.reason}; the night"
            " itself is done, run it again later to post its summary."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise OutcomeUnknownError(
            f"Slack did not answer ({type(error).__name__}), and may have taken the"
            " message all the same; look into the channel."
        ) from error
    return dict(answer.data) if isinstance(answer.data, dict) else {}


def _retry_after(error: SlackApiError) -> float | None:
    """How long Slack asks to wait [s]; None where it does not."""
    if error.response.status_code != TOO_MANY_REQUESTS:
        return None
    headers = {name.lower(): text for name, text in error.response.headers.items()}
    text = headers.get("retry-after", "")
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else float("inf")


def _translated(
    error: SlackApiError, slack: Slack, method: str
) -> SlackPostError | SlackUnavailableError:
    status = error.response.status_code
    if status == TOO_MANY_REQUESTS:
        return SlackUnavailableError("Slack asks to wait; try again in a few minutes.")
    code = str(error.response.get("error") or f"HTTP status {status}")
    if status >= SERVER_ERROR or code in TRANSIENT:
        reason = f"HTTP status {status}" if status >= SERVER_ERROR else code
        return SlackUnavailableError(f"Slack fails ({reason}); try again later.")
    if code == "message_not_found":
        return MessageGoneError("The message in Slack was deleted.")
    refused = f"Slack refused {method} in {slack.channel}: {' '.join(code.split())}"
    advice = ADVICE.get(code)
    return SlackPostError(f"{refused}; {advice}." if advice else f"{refused}.")

"""What Slack's errors mean, in our words."""

import errno
import re
import socket
from collections.abc import Mapping
from typing import Any

from nightmail._errors import (
    MessageGoneError,
    OutcomeUnknownError,
    SlackError,
    SlackRefusedError,
    SlackTokenError,
    SlackUnavailableError,
)

__all__ = ["is_lasting", "refusal", "unanswered", "unsent"]

TOKEN = "the token (SLACK_API_TOKEN or slack.token)"  # noqa: S105 - its name
"""What is to be checked or made anew."""

ADVICE = {
    "invalid_auth": f"check {TOKEN}",
    "not_authed": f"check {TOKEN}",
    "account_inactive": f"its user or workspace is gone, so make {TOKEN} anew",
    "token_revoked": f"it was revoked, so make {TOKEN} anew",
    "token_expired": f"it has expired, so make {TOKEN} anew",
    "not_allowed_token_type": f"{TOKEN} must be a bot's, xoxb-…",
    "channel_not_found": "check its name, and that the bot may see it",
    "not_in_channel": "invite the bot: type `/invite @` and its name there",
    "is_archived": "unarchive it, or take another",
    "is_inactive": "unarchive it, or take another",
    "no_permission": "invite the bot: type `/invite @` and its name there",
    "restricted_action": "ask the workspace's owners to let the bot post there",
    "restricted_action_read_only_channel": "ask its owners to let the bot post there",
    "users_not_found": "check the address",
    "user_not_found": "check the id",
    "user_disabled": "the account is closed",
    "cannot_dm_bot": "a bot takes no messages",
    "cant_update_message": "another app or person has posted it",
    "edit_window_closed": "the workspace lets nobody change a message of that age",
    "msg_too_long": "cut it",
    "msg_blocks_too_long": "cut it",
    "access_denied": "ask the workspace's owners to let the app do it",
}
"""What to do, by Slack's error code."""

OF_TOKEN = frozenset(
    {"account_inactive", "invalid_auth", "missing_scope", "not_allowed_token_type"}
    | {"not_authed", "token_expired", "token_revoked"}
)
"""Codes that have nothing to do with the channel."""

PASSING = frozenset(
    {"accesslimited", "ratelimited", "rate_limited", "service_unavailable"}
    | {"team_added_to_org"}
)
"""Codes that go away by themselves; nothing was done."""

UNCERTAIN = frozenset(
    {"fatal_error", "internal_error", "request_timeout", "update_failed"}
)
"""Codes that go away, and by Slack's words some of it may have been done."""

GONE = frozenset({"message_not_found", "thread_not_found"})
"""Codes of a message that somebody has deleted."""

UNREACHABLE = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH})
"""Errors of a connection that was never made."""

NO_API = frozenset({400, 401, 403, 404, 405, 407})
"""HTTP statuses of a proxy, or of a server that is not Slack's."""

SERVER_ERROR = 500
"""Least HTTP status that is the server's fault."""


def refusal(
    status: int, answer: Mapping[str, Any], *, what: str, safe: bool
) -> SlackError:
    """Say in one sentence why Slack refused a call.

    Parameters
    ----------
    status
        HTTP status.
    answer
        Slack's answer; `error` is its code, or what slack_sdk says of a page that is
        no JSON.
    what
        The call, as `chat.postMessage in #rrlyr`.
    safe
        Whether the call may be made again, because it does the same twice.

    Returns
    -------
    SlackError
        To be raised; a `SlackUnavailableError` where it may work later.
    """
    code = str(answer.get("error") or "")
    known = re.fullmatch(r"[a-z0-9_]+", code)
    if status in NO_API and not known:
        return SlackRefusedError(
            f"What answers {what} (HTTP status {status}) is not Slack; check"
            " slack.base_url and the proxy."
        )
    if status >= SERVER_ERROR or not known or code in UNCERTAIN:
        reason = code if known else f"HTTP status {status}"
        doubt = "" if safe else " It may have done it all the same."
        failed = SlackUnavailableError if safe else OutcomeUnknownError
        return failed(f"Slack fails at {what} ({reason}); try again later.{doubt}")
    if code in PASSING:
        return SlackUnavailableError(f"Slack is busy ({code}) at {what}; try later.")
    if code in GONE:
        return MessageGoneError(f"Slack refused {what}: the message was deleted.")
    advice = _scope(answer) if code == "missing_scope" else ADVICE.get(code)
    details = _details(answer)
    why = f"{code} ({details})" if details else code
    ending = f"; {advice}." if advice else "."
    kind = SlackTokenError if code in OF_TOKEN else SlackRefusedError
    return kind(f"Slack refused {what}: {why}{ending}")


def unsent(reason: object, *, base_url: str) -> SlackUnavailableError | None:
    """Say that no connection was made; None where it may have been.

    Parameters
    ----------
    reason
        Of urllib's URLError.
    base_url
        Where Slack was looked for.

    Returns
    -------
    SlackUnavailableError or None
        To be raised, where Slack surely has seen nothing.
    """
    sure = isinstance(reason, OSError) and (
        isinstance(reason, socket.gaierror)
        or is_lasting(reason)
        or reason.errno in UNREACHABLE
    )
    if not sure:
        return None
    return SlackUnavailableError(f"Slack is not reachable at {base_url}: {reason}.")


def is_lasting(reason: object) -> bool:
    """Whether trying again soon is in vain: a certificate is not trusted.

    Parameters
    ----------
    reason
        Of urllib's URLError.

    Returns
    -------
    bool
        True for an error of TLS.
    """
    return type(reason).__module__ == "ssl"


def unanswered(error: BaseException, *, what: str, safe: bool) -> SlackUnavailableError:
    """Say that Slack was asked, and that no answer came.

    Parameters
    ----------
    error
        Of the connection; only its kind is said.
    what
        The call, as `chat.postMessage in #rrlyr`.
    safe
        Whether the call may be made again.

    Returns
    -------
    SlackUnavailableError
        To be raised; an `OutcomeUnknownError` where Slack may have posted.
    """
    name = type(error).__name__
    if safe:
        return SlackUnavailableError(
            f"Slack did not answer {what} ({name}); try again later."
        )
    return OutcomeUnknownError(
        f"Slack did not answer {what} ({name}), and may have done it all the same;"
        " look into the channel."
    )


def _scope(answer: Mapping[str, Any]) -> str:
    needed = answer.get("needed") or "another scope"
    provided = answer.get("provided") or "none"
    return (
        f"give the app the scope {needed} and install it again; it has"
        f" {' '.join(str(provided).split(',')) or 'none'}"
    )


def _details(answer: Mapping[str, Any]) -> str:
    """Give what Slack says about invalid blocks or arguments."""
    metadata = answer.get("response_metadata")
    said = metadata.get("messages") if isinstance(metadata, Mapping) else None
    lines = said if isinstance(said, list) else []
    return "; ".join(str(line).removeprefix("[ERROR] ") for line in lines[:3])

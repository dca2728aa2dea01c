"""Calls of Slack's Web API: waits where Slack asks to, repeats what is safe."""

import http.client
import logging
import math
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nightmail._errors import (
    ConfigError,
    SlackError,
    SlackRefusedError,
    SlackTokenError,
    SlackUnavailableError,
)
from nightmail.slack.refusals import TOKEN, is_lasting, refusal, unanswered, unsent

if TYPE_CHECKING:
    from slack_sdk import WebClient

__all__ = ["Answer", "Transport"]

TOO_MANY_REQUESTS = 429
"""HTTP status of a call that comes too soon."""

LEAST_WAIT_S = 1.0
"""Shortest wait before another try [s]; it doubles where Slack does not say."""

REPEATABLE = frozenset(
    {"auth.test", "chat.getPermalink", "chat.update", "files.getUploadURLExternal"}
    | {"conversations.history", "conversations.info", "conversations.join"}
    | {"conversations.list", "conversations.open", "conversations.replies"}
    | {"upload", "users.info", "users.list", "users.lookupByEmail"}
)
"""Methods that do the same when they are called twice; no other is repeated blindly."""

JSON = frozenset({"chat.postMessage", "chat.update"})
"""Methods whose arguments go as JSON; the others take a form."""


@dataclass(frozen=True)
class Answer:
    """What Slack answered."""

    fields: dict[str, Any]
    headers: dict[str, str]
    """By lower-case name."""


@dataclass(frozen=True)
class _Failure:
    """A try that failed; its error is raised outside of any `except`.

    Chained to the error of slack_sdk, it would carry frames that hold the token.
    """

    error: SlackError

    wait: float | None
    """How long to wait before another try [s]; 0: as long as it takes us to guess;
    None: there is no other try."""


class Transport:
    """Makes calls with one token; slack_sdk is imported for the first."""

    def __init__(  # noqa: PLR0913  one place knows how Slack is called
        self,
        token: str,
        *,
        base_url: str,
        timeout: float,
        patience: float,
        say: Callable[[str], None],
        pause: Callable[[float], None],
    ) -> None:
        self.base_url = base_url.rstrip("/") + "/"
        self._token = token
        self._timeout = timeout
        self._patience = patience
        self._say = say
        self._pause = pause
        self._web: WebClient | None = None

    def call(
        self, method: str, arguments: Mapping[str, Any], *, place: str = ""
    ) -> Answer:
        """Call a method, again where Slack asks to wait or where that is safe.

        Parameters
        ----------
        method
            As `chat.postMessage`.
        arguments
            Its arguments; None is left out.
        place
            The channel or person, for what is said when it fails.

        Returns
        -------
        Answer
            Slack's, with `ok` true.

        Raises
        ------
        SlackRefusedError
            Slack refuses, and would again.
        SlackUnavailableError
            Slack does not answer, or not within our patience.
        ConfigError
            slack_sdk is not installed.
        """
        given = {name: each for name, each in arguments.items() if each is not None}
        what = f"{method} in {place}" if place else method
        return self._patiently(lambda: self._try(method, given, what), what)

    def put(self, url: str, content: bytes, *, what: str) -> None:
        """Send the bytes of a file to where Slack wants them; no token goes there.

        Parameters
        ----------
        url
            From files.getUploadURLExternal.
        content
            The file.
        what
            Its name, for what is said when it fails.

        Raises
        ------
        SlackUnavailableError
            They could not be sent.
        """
        self._patiently(lambda: self._try_put(url, content, what), what)

    def _patiently(self, attempt: Callable[[], Answer | _Failure], what: str) -> Answer:
        left, guess = self._patience, LEAST_WAIT_S
        while isinstance(answer := attempt(), _Failure):
            if answer.wait is None:
                raise answer.error
            wait = max(answer.wait, LEAST_WAIT_S) if answer.wait else guess
            if wait > left:
                raise answer.error
            self._say(f"Slack: waiting {wait:g} s before {what} is tried again.")
            self._pause(wait)
            left, guess = left - wait, 2 * guess
        return answer

    def _try(
        self, method: str, arguments: dict[str, Any], what: str
    ) -> Answer | _Failure:
        from slack_sdk.errors import SlackApiError  # noqa: PLC0415  an extra

        safe = method in REPEATABLE
        as_json, as_form = (arguments, None) if method in JSON else (None, arguments)
        web = self._client()
        try:
            answer = web.api_call(method, json=as_json, params=as_form)
        except SlackApiError as error:
            status, headers = error.response.status_code, error.response.headers
            fields = error.response.data
        except (OSError, http.client.HTTPException) as error:
            return self._not_answered(error, what, safe=safe)
        except (AttributeError, ValueError) as error:  # it is no JSON object
            said = unanswered(error, what=what, safe=safe)
            return _Failure(said, 0 if safe else None)
        else:
            fields = answer.data
            if isinstance(fields, dict):
                return Answer(fields, _lower(answer.headers))
            status, headers = answer.status_code, answer.headers
        given = fields if isinstance(fields, dict) else {}
        return _failure(status, _lower(headers), given, what=what, safe=safe)

    def _try_put(self, url: str, content: bytes, what: str) -> Answer | _Failure:
        if not url.startswith(("https://", "http://")):
            error = SlackRefusedError(f"Slack gave no address to upload {what} to.")
            return _Failure(error, None)
        kind = {"Content-Type": "application/octet-stream"}
        request = urllib.request.Request(url, content, kind, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return _failure(error.code, _lower(dict(error.headers)), {}, what=what)
        except (OSError, http.client.HTTPException) as error:
            return self._not_answered(error, what, safe=True)
        return Answer({}, {})

    def _not_answered(self, error: Exception, what: str, *, safe: bool) -> _Failure:
        reason = getattr(error, "reason", error)
        known = unsent(reason, base_url=self.base_url)
        if known:
            return _Failure(known, None if is_lasting(reason) else 0)
        said = unanswered(
            reason if isinstance(reason, Exception) else error, what=what, safe=safe
        )
        return _Failure(said, 0 if safe else None)

    def _client(self) -> "WebClient":
        if self._web is None:
            self._web = _web_client(self._token, self.base_url, self._timeout)
        return self._web


def _failure(
    status: int,
    headers: dict[str, str],
    fields: dict[str, Any],
    *,
    what: str,
    safe: bool = True,
) -> _Failure:
    if status == TOO_MANY_REQUESTS or fields.get("error") == "ratelimited":
        text = headers.get("retry-after", "")
        wait = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0
        asked = f"{wait:g} s" if wait else "a while"
        error = SlackUnavailableError(
            f"Slack asks to wait {asked} before {what}; try again then."
        )
        return _Failure(error, wait)
    said = refusal(status, fields, what=what, safe=safe)
    again = type(said) is SlackUnavailableError
    return _Failure(said, 0 if again else None)


def _web_client(token: str, base_url: str, timeout: float) -> "WebClient":
    try:
        from slack_sdk import WebClient  # noqa: PLC0415  an extra
    except ModuleNotFoundError as error:
        raise ConfigError(
            "slack_sdk is not installed; type pip install 'nightmail[slack]'."
        ) from error
    # Python's refusal of such a header would quote it.
    if not re.fullmatch(r"[!-~]+", token):
        raise SlackTokenError(f"Characters that no token has; check {TOKEN}.")
    client = WebClient(
        token,
        base_url=base_url,
        timeout=math.ceil(timeout),
        logger=_silent_logger(),
        retry_handlers=[],
    )
    # Its own reading of the environment passes over NO_PROXY, urllib's does not.
    client.proxy = None
    return client


def _silent_logger() -> logging.Logger:
    """Logger that drops what slack_sdk writes of its errors: they are raised."""
    silent = logging.getLogger("nightmail.slack_sdk")
    silent.setLevel(logging.CRITICAL + 1)
    return silent


def _lower(headers: Mapping[str, Any]) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}

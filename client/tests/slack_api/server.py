"""The server: one Slack workspace behind HTTP on 127.0.0.1."""

import json
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from client.tests.slack_api.faults import Drop, Fault, Hold, RateLimit, Refuse, Status
from client.tests.slack_api.methods import FORM_ONLY, METHODS, SCOPES
from client.tests.slack_api.workspace import SlackRefusalError, Workspace

TOKEN = "xoxb-1234567890-nightmail-secret"  # noqa: S105 - of no one
"""The token that is taken unless a test chooses another."""

HISTORY = {"C": "channels:history", "D": "im:history"}
"""Scope for what was said, by kind of conversation; `groups:history` if private."""

ALL_SCOPES = frozenset(SCOPES.values()) | {
    *("groups:read", "groups:history", "im:history"),
}
"""Everything an app may be given here."""

HOLD_S = 60
"""Longest time a call is held [s]."""

LENGTH = "Content-Length"


@dataclass(frozen=True)
class Call:
    """One call, as it came."""

    method: str
    """As `chat.postMessage`; `upload` for the bytes of a file."""

    arguments: dict[str, Any]
    """What was asked, form or JSON."""

    token: str
    """The bearer's; empty where none was sent."""

    at: float
    """When it came [s, monotonic]."""


@dataclass
class SlackApi:
    """A local Slack; use it in `with`.

    Examples
    --------
    with SlackApi() as slack:
        slack.add_channel("rrlyr")
        SlackClient(slack.token, base_url=slack.url).send_message("#rrlyr", "Hello")
        slack.posted("rrlyr")
    """

    token: str = TOKEN
    """The token that it takes."""

    token_error: str = ""
    """Answer to this token in place of taking it, as `token_expired`."""

    scopes: set[str] = field(default_factory=lambda: set(ALL_SCOPES))
    """What the token may do."""

    seconds_a_message: float = 0
    """Least time between two messages in one channel [s]; sooner is refused by 429."""

    history_page: int = 999
    """Most messages of a page of history; 15 for some apps since 2025."""

    workspace: Workspace = field(default_factory=Workspace)
    calls: list[Call] = field(default_factory=list)
    """Every call in order."""

    url: str = ""
    """Base of the Web API, to be given to a client."""

    _faults: dict[str, deque[Fault | None]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    _last_post: dict[str, float] = field(default_factory=dict)

    def __enter__(self) -> Self:
        handler = type("OneSlack", (_Handler,), {"slack": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add_channel(
        self,
        name: str,
        *,
        private: bool = False,
        archived: bool = False,
        member: bool = True,
    ) -> str:
        """Make a channel, and give its id; `member` says whether the bot is in it."""
        made = self.workspace.new_id("C")
        self.workspace.channels[made] = {
            "id": made,
            "name": name,
            "is_channel": True,
            "is_private": private,
            "is_archived": archived,
            "is_member": member,
        }
        return made

    def add_user(  # noqa: PLR0913  what Slack knows of a person
        self,
        handle: str,
        *,
        real_name: str = "",
        display_name: str = "",
        email: str = "",
        deleted: bool = False,
        is_bot: bool = False,
    ) -> str:
        """Make a person, and give the id."""
        made = self.workspace.new_id("U")
        profile = {"real_name": real_name, "display_name": display_name}
        self.workspace.users[made] = {
            "id": made,
            "name": handle,
            "deleted": deleted,
            "is_bot": is_bot,
            "real_name": real_name,
            "profile": profile | ({"email": email} if email else {}),
        }
        return made

    def plan(self, method: str, *faults: Fault | None) -> None:
        """Let the next calls of a method go wrong, one after the other; None: well."""
        self._faults[method].extend(faults)

    def posted(
        self, channel: str = "", *, threads: bool = True
    ) -> list[dict[str, Any]]:
        """Messages that stand, in the order of posting; of one channel, or of all.

        Those in which Slack shows a file that was uploaded are not among them.
        """
        ids = {
            i for i, c in self.workspace.channels.items() if c.get("name") == channel
        }
        return [
            message
            for message in self.workspace.messages
            if "files" not in message
            and (not channel or message["channel"] in ids | {channel})
            and (threads or "thread_ts" not in message)
        ]

    def methods(self) -> list[str]:
        """Names of what was called, in order."""
        return [call.method for call in self.calls]

    def answer(
        self, call: Call, fault: Fault | None
    ) -> tuple[int, dict[str, str], str]:
        """Carry a call out, as far as its fault lets it: status, headers, body."""
        with self.workspace.lock:
            if isinstance(fault, RateLimit):
                return _slow_down(fault.retry_after)
            if isinstance(fault, Refuse):
                return _json({"ok": False, "error": fault.error} | fault.also)
            if fault and not fault.done:
                return fault.status if isinstance(fault, Status) else 0, {}, ""
            wait = self._too_soon(call)
            if wait:
                return _slow_down(wait)
            try:
                status, headers, body = _json({"ok": True} | self._work(call))
            except SlackRefusalError as refusal:
                answer = {"ok": False, "error": refusal.error} | refusal.also
                status, headers, body = _json(answer)
        granted = ",".join(sorted(self.scopes))
        return status, headers | {"x-oauth-scopes": granted}, body

    def next_fault(self, method: str) -> Fault | None:
        """Take what a test has planned for this call."""
        with self.workspace.lock:
            planned = self._faults[method]
            return planned.popleft() if planned else None

    def take_bytes(self, file: str, data: bytes) -> bool:
        """Take the bytes of an upload; whether they were awaited."""
        with self.workspace.lock:
            known = self.workspace.files.get(file)
            if known is None or known["length"] != len(data):
                return False
            known["data"] = data
            return True

    def _work(self, call: Call) -> dict[str, Any]:
        self._check_token(call)
        if call.method == "auth.test":
            names = {"team": "Observatory", "user": "nightmail", "team_id": "T0NM"}
            ids = {"user_id": "U0NIGHTMAIL", "bot_id": "B0NIGHTMAIL"}
            return {"url": "https://observatory.slack.com/", **names, **ids}
        if call.method not in METHODS:
            raise SlackRefusalError("unknown_method")
        hidden: dict[str, Any] = {"_uploads": self.url.replace("/api/", "/upload/")}
        hidden |= {"_history_page": self.history_page}
        return METHODS[call.method](self.workspace, call.arguments | hidden)

    def _check_token(self, call: Call) -> None:
        if not call.token:
            raise SlackRefusalError("not_authed")
        if call.token != self.token:
            raise SlackRefusalError("invalid_auth")
        if self.token_error:
            raise SlackRefusalError(self.token_error)
        needed = SCOPES.get(call.method, "")
        if needed == HISTORY["C"]:
            asked = str(call.arguments.get("channel"))
            is_private = self.workspace.channels.get(asked, {}).get("is_private")
            needed = "groups:history" if is_private else HISTORY.get(asked[:1], needed)
        if "private_channel" in str(call.arguments.get("types")):
            needed = needed if needed not in self.scopes else "groups:read"
        if needed and needed not in self.scopes:
            granted = ",".join(sorted(self.scopes))
            raise SlackRefusalError("missing_scope", needed=needed, provided=granted)

    def _too_soon(self, call: Call) -> float:
        """How long to wait before this message [s]."""
        if call.method != "chat.postMessage" or not self.seconds_a_message:
            return 0
        channel = str(call.arguments.get("channel"))
        before = self._last_post.get(channel)
        if before is not None and call.at - before < self.seconds_a_message:
            return self.seconds_a_message
        self._last_post[channel] = call.at
        return 0


def _json(answer: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return 200, kind, json.dumps(answer)


def _slow_down(wait: float | None) -> tuple[int, dict[str, str], str]:
    _, kind, body = _json({"ok": False, "error": "ratelimited"})
    return 429, kind if wait is None else kind | {"Retry-After": f"{wait:g}"}, body


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, has it answered, and lets it go wrong as planned."""

    slack: SlackApi

    def do_POST(self) -> None:
        """Answer a call, or take the bytes of a file."""
        body = self.rfile.read(int(self.headers.get(LENGTH, 0)))
        path = urlsplit(self.path)
        folder, _, name = path.path.rpartition("/")
        if folder == "/upload":
            self._upload(name, body)
            return
        arguments = self._arguments(name, body) | dict(parse_qsl(path.query))
        sent = self.headers.get("Authorization", "").removeprefix("Bearer").strip()
        token = sent or arguments.pop("token", "")
        call = Call(name, arguments, token, time.monotonic())
        self.slack.calls.append(call)
        fault = self.slack.next_fault(name)
        status, headers, text = self.slack.answer(call, fault)
        self._send(fault, status, headers, text)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _upload(self, file: str, data: bytes) -> None:
        token = self.headers.get("Authorization", "")
        at = time.monotonic()
        seen = {"file": file, "length": len(data)}
        self.slack.calls.append(Call("upload", seen, token, at))
        fault = self.slack.next_fault("upload")
        if isinstance(fault, RateLimit):
            self._send(fault, *_slow_down(fault.retry_after))
            return
        if fault is None or getattr(fault, "done", False):
            done = self.slack.take_bytes(file, data)
            self._send(fault, 200 if done else 400, {}, f"OK - {len(data)}")
        else:
            self._send(fault, getattr(fault, "status", 0), {}, "")

    def _send(
        self, fault: Fault | None, status: int, headers: dict[str, str], text: str
    ) -> None:
        if isinstance(fault, Hold):
            fault.reached.set()
            fault.released.wait(HOLD_S)
        if isinstance(fault, Hold | Drop):
            self.close_connection = True
            return
        if isinstance(fault, Status):
            status, headers, text = (
                fault.status,
                {"Content-Type": "text/html"},
                fault.body,
            )
        self.send_response(status)
        payload = text.encode()
        for name, value in (headers | {LENGTH: str(len(payload))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def _arguments(self, method: str, body: bytes) -> dict[str, Any]:
        if self.headers.get_content_type() == "application/json":
            seen = json.loads(body or b"{}")
            return {} if method in FORM_ONLY else seen
        found: dict[str, Any] = dict(parse_qsl(body.decode(), keep_blank_values=True))
        for name in ("blocks", "metadata"):
            if name in found:
                found[name] = json.loads(found[name])
        return found

"""What may go wrong at Slack, to be planned by a test."""

import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Refuse:
    """Slack answers an error, as `Refuse("missing_scope", {"needed": "im:write"})`."""

    error: str
    also: dict[str, Any] = field(default_factory=dict)
    """Further fields of the answer."""


@dataclass(frozen=True)
class RateLimit:
    """HTTP 429; without `retry_after` [s], the header is missing."""

    retry_after: float | None = 1


@dataclass(frozen=True)
class Status:
    """Another HTTP status, with a page in place of JSON."""

    status: int = 503
    body: str = "<html>upstream connect error</html>"
    done: bool = False
    """Whether what was asked is carried out all the same."""


@dataclass(frozen=True)
class Drop:
    """The connection is closed without an answer."""

    done: bool = False
    """Whether what was asked is carried out before."""


@dataclass(frozen=True)
class Hold:
    """Slack does not go on until it is let; a caller can be killed meanwhile."""

    done: bool = False
    """Whether what was asked is carried out before the wait, or not at all."""

    reached: threading.Event = field(default_factory=threading.Event)
    """Set when a call has come as far as this."""

    released: threading.Event = field(default_factory=threading.Event)
    """Set by the test; the connection is then closed without an answer."""


Fault = Refuse | RateLimit | Status | Drop | Hold
"""What a test plans for a call."""

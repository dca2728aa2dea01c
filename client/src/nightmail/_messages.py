"""What a message of Kafka says of itself."""

from typing import Any

from nightmail._errors import AlertError
from nightmail._start import night_of

__all__ = ["Place", "error_of", "headers_of", "night_of_message", "place_of"]

Place = tuple[str, int]
"""Topic and number of a partition."""


def place_of(message: Any) -> Place:
    """Give the partition that a message stands in."""
    return message.topic(), message.partition()


def headers_of(message: Any) -> dict[str, str]:
    """Give the headers as text; what other brokers send may have none."""
    pairs = message.headers() or ()
    return {name: (value or b"").decode(errors="replace") for name, value in pairs}


def night_of_message(message: Any) -> str:
    """Tell the night: by its header, else by the time at which it was sent."""
    night = headers_of(message).get("night")
    return night or night_of(message.topic(), message.timestamp()[1])


def error_of(message: Any, reason: str) -> AlertError:
    """Make the error for a message that cannot be decoded."""
    error = AlertError(
        f"The message of {message.topic()}, partition {message.partition()}, offset"
        f" {message.offset()} cannot be decoded: {reason}."
    )
    error.topic, error.partition = place_of(message)
    error.offset = message.offset()
    return error

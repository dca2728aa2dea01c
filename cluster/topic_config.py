"""What is wished of a topic, in Kafka's words."""

import re
from collections.abc import Sequence

from settings.errors import SettingsError

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
"""Seconds of each unit of time [s]."""

BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
"""Bytes of each unit of size [bytes]."""

COMPRESSIONS = ("producer", "uncompressed", "gzip", "snappy", "lz4", "zstd")
"""How a topic's records may be kept; `producer` keeps them as they come."""

FOREVER = "forever"
"""Retention without an end."""


def topic_config(
    *,
    retention: Sequence[str] = (),
    max_message_bytes: int | None = None,
    compression: str | None = None,
) -> dict[str, str]:
    """Give a topic's settings as Kafka names them; what is not wished is left out.

    Parameters
    ----------
    retention
        Times and sizes, as `read_retention` takes them.
    max_message_bytes
        Largest batch of records [bytes].
    compression
        One of `COMPRESSIONS`.

    Raises
    ------
    SettingsError
        A retention cannot be read.

    Examples
    --------
    >>> topic_config(retention=["4d"], compression="zstd")
    {'retention.ms': '345600000', 'compression.type': 'zstd'}
    """
    wished = [read_retention(each) for each in retention]
    if max_message_bytes is not None:
        wished.append(("max.message.bytes", max_message_bytes))
    if compression is not None:
        wished.append(("compression.type", compression))
    return {key: str(value) for key, value in wished}


def read_retention(text: str) -> tuple[str, int | str]:
    """Read how long, or how much, a topic keeps.

    Parameters
    ----------
    text
        `4d`, `168h`, `forever`; or bytes of each partition: `500MB`, `1000000`.

    Raises
    ------
    SettingsError
        It is none of these.

    Examples
    --------
    >>> read_retention("168h"), read_retention("2GB")
    (('retention.ms', 604800000), ('retention.bytes', 2000000000))
    """
    if text == FOREVER:
        return "retention.ms", -1
    match = re.fullmatch(r"(\d+)\s*([A-Za-z]*)", text)
    number, unit = (int(match[1]), match[2]) if match else (0, "")
    if number and unit in SECONDS:
        return "retention.ms", number * SECONDS[unit] * 1000
    if number and (unit in BYTES or unit in {"", "B"}):
        return "retention.bytes", number * BYTES.get(unit, 1)
    raise SettingsError(
        f"The retention {text!r} is neither a time (4d, 168h, forever) nor a size of"
        " each partition (500MB, 2GB, bytes)."
    )

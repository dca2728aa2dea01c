"""Alerts to the channels of their classes, as the manual has it."""

import csv
import io
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightmail._errors import ConfigError, SlackRefusedError, SlackTokenError
from nightmail.slack.alert_rows import AlertRows, read_rows
from nightmail.slack.channel_names import channel_of, is_classified
from nightmail.slack.client import SlackClient
from nightmail.slack.connect import get_slack_client
from nightmail.slack.text_table import cell, table_parts

if TYPE_CHECKING:
    from nightmail.slack.alert_rows import Alerts

__all__ = ["Delivery", "send_slack_alerts"]

logger = logging.getLogger("nightmail")

MAX_PART = 3500
"""Longest table in one message; Slack advises against more than 4,000 in all
[characters]."""

MAX_ROWS = 200
"""Most alerts of a channel that are posted as tables; all are in a file then."""


@dataclass
class Delivery:
    """What became of alerts."""

    posted: dict[str, int] = field(default_factory=dict)
    """Alerts by channel, in the order of posting."""

    refused: dict[str, str] = field(default_factory=dict)
    """Why nothing, or not all, is in a channel, by channel."""

    not_allowed: dict[str, int] = field(default_factory=dict)
    """Alerts of channels that the list of channels leaves out."""

    unclassified: int = 0
    """Alerts without a class: null, `Unknown`, or a failed cross-match."""


def send_slack_alerts(
    alerts: "Alerts",
    channels_file: str | Path | None = None,
    *,
    client: SlackClient | None = None,
    channels: Mapping[str, str | None] | None = None,
    class_column: str | None = None,
) -> Delivery:
    """Post alerts, each to the channel of its class, as a table per channel.

    The table has object, right ascension, declination and class. What does not fit
    one message goes on in its thread; above 200 alerts, a file there has all of them.

    Parameters
    ----------
    alerts
        A DataFrame of pandas or Spark, or a table or batch of Arrow.
    channels_file
        File that names the channels which may be posted to, one a line, `#` begins a
        remark; without it, all may.
    client
        The bot; without it, that of `get_slack_client`.
    channels
        Channel by class, before the rule of `channel_of`; None: this class is not
        posted.
    class_column
        Column of the class; without it, the first that is known.

    Returns
    -------
    Delivery
        What was posted where. It is empty without a token.

    Raises
    ------
    ColumnError
        A column is missing.
    ConfigError
        The file of channels cannot be read.
    SlackRefusedError
        Slack refuses every channel, or the token. One that is missing, archived or
        without the bot is logged, and the others are posted.
    SlackUnavailableError
        Slack does not answer; the channels after the one that is named have nothing.
    """
    allowed = _allowed(channels_file) if channels_file else None
    read = read_rows(alerts, class_column)
    bot = client or get_slack_client()
    delivery = Delivery()
    if bot is None:
        return delivery
    for channel, rows in _by_channel(read, channels or {}, delivery).items():
        if allowed is not None and channel not in allowed:
            delivery.not_allowed[channel] = len(rows)
            continue
        try:
            _post(bot, channel, read.names, rows, delivery)
        except SlackTokenError:
            raise
        except SlackRefusedError as error:
            logger.warning("%s", error)
            delivery.refused[channel] = str(error)
    if delivery.refused and not delivery.posted:
        raise SlackRefusedError(next(iter(delivery.refused.values())))
    return delivery


def _by_channel(
    read: AlertRows, channels: Mapping[str, str | None], delivery: Delivery
) -> dict[str, list[tuple[Any, ...]]]:
    """Rows by channel, in the order in which the channels appear."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in read.rows:
        if not is_classified(row[-1]):
            delivery.unclassified += 1
            continue
        name = channels[row[-1]] if row[-1] in channels else channel_of(row[-1])
        if name:
            found.setdefault(name.removeprefix("#"), []).append(row)
    return found


def _post(
    bot: SlackClient,
    channel: str,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    delivery: Delivery,
) -> None:
    cells = [[cell(value) for value in row] for row in rows[:MAX_ROWS]]
    parts = list(table_parts(names, cells, longest=MAX_PART))
    target = f"#{channel}"
    first, number = parts[0]
    if number < len(rows):
        first = f"{first}\n{_rest(number, len(cells), len(rows))}"
    lead = bot.send_message(target, first)
    delivery.posted[channel] = len(rows)
    for part, _ in parts[1:]:
        bot.send_message(target, part, thread_ts=lead.ts)
    if len(rows) <= MAX_ROWS:
        return
    title = f"All {len(rows):,} alerts"
    try:
        bot.upload(
            target, f"{channel}.csv", _csv(names, rows), title=title, thread_ts=lead.ts
        )
    except SlackRefusedError as error:
        logger.warning("%s", error)
        delivery.refused[channel] = str(error)
        delivery.posted[channel] = len(cells)
        said = f"The file of all {len(rows):,} alerts could not be added."
        bot.send_message(target, said, thread_ts=lead.ts)


def _rest(number: int, shown: int, total: int) -> str:
    if shown < total:
        return (
            f"{number:,} of {total:,} alerts; {shown:,} are in this thread, and a file"
            " with all of them."
        )
    return f"{number:,} of {total:,} alerts; the others are in this thread."


def _csv(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return text.getvalue().encode()


def _allowed(file: str | Path) -> set[str]:
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(
            f"The channels in {file} cannot be read: {reason}."
        ) from error
    names = (line.partition("#")[0].strip().lower() for line in lines)
    return {name for name in names if name}

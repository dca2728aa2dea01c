"""Save what would be posted of a night: the exact JSON, the table and the pictures."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from settings.errors import SettingsError
from tasks.bulletins import Prepared
from tasks.post_once import Key, digest_of


def save_bulletin(prepared: Prepared, folder: Path) -> Iterator[Path]:
    """Write one channel's bulletin into a folder of its own.

    Parameters
    ----------
    prepared
        What would be posted.
    folder
        Where; it is made.

    Yields
    ------
    Path
        Each file: `0-lead.json` and the parts of the thread in their order, as the
        arguments of chat.postMessage but for the token; then what would be uploaded.

    Raises
    ------
    SettingsError
        The folder cannot be written.
    NightError
        The archive cannot be read.
    """
    share, bulletin = prepared.share, prepared.bulletin
    summary, channel = share.summary, share.channel
    place = folder / channel.lstrip("#@").replace("/", "_")
    key = Key(summary.survey, summary.night, channel, summary.generation)
    messages = [("0-lead.json", bulletin.lead, key.metadata(bulletin.digest))]
    for number, part in enumerate(bulletin.thread, 1):
        mine = replace(key, kind="part", number=number)
        messages.append((f"{number}-part.json", part, mine.metadata(digest_of(part))))
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, message, metadata in messages:
            told = {"channel": channel, **message.arguments(), "metadata": metadata}
            text = json.dumps(told, indent=1, ensure_ascii=False)
            (place / name).write_text(f"{text}\n", encoding="utf-8")
            yield place / name
        for one in prepared.attachments:
            file = place / f"{one.name}.{one.ending}"
            file.write_bytes(one.data)
            yield file
    except OSError as error:
        raise SettingsError(
            f"{place} cannot be written: {error.strerror}; take another with --out."
        ) from error

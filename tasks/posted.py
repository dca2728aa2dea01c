"""What was posted of a night: a small file beside its summary."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from archive.disk import write_whole
from archive.summary import summary_file


@dataclass(frozen=True)
class Posted:
    """One night's message in one channel."""

    channel: str = ""
    """Slack's id of the channel; empty while it is not known whether it was posted."""

    ts: str = ""
    """Slack's id of the message; empty as the other."""

    digest: str = ""
    """Digest of what was posted, or was to be."""

    done: bool = False
    """Whether its thread is complete too."""

    failure: str = ""
    """Why it could not be posted, a sentence; empty where it could."""


Record = Mapping[str, Posted]
"""What was posted, by the name of the channel or notice."""


def record_file(root: Path, survey: str, night: str) -> Path:
    """File that remembers what was posted of a night, by channel."""
    return summary_file(root, survey, night).with_suffix(".slack.json")


def read_record(file: Path) -> dict[str, Posted]:
    """Read what was posted; one that cannot be read counts as none.

    What it does not know is looked for in the channel.
    """
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        # Before there were threads, there was no word of them: such a night is done.
        return {n: Posted(**({"done": True} | each)) for n, each in stored.items()}
    except (AttributeError, OSError, TypeError, ValueError):
        return {}


def remember(file: Path, name: str, posted: Posted) -> None:
    """Write down what became of one channel's message.

    Raises
    ------
    ArchiveUnavailableError
        The disk refuses.
    """
    record = read_record(file) | {name: posted}
    stored = {each: asdict(one) for each, one in sorted(record.items())}
    write_whole(file, json.dumps(stored, indent=1, ensure_ascii=False) + "\n")

"""A night's summary: its record, its file beside the archive, and its tables."""

import json
from pathlib import Path
from typing import Any

from archive.disk import refusals_explained, write_whole
from archive.tables import markdown_table, show_table
from archive.totals import Partition, Status, Summary, TopicSummary
from settings.errors import NightError

__all__ = [
    "Partition",
    "Status",
    "Summary",
    "TopicSummary",
    "from_json",
    "markdown_table",
    "night_record",
    "read_summary",
    "show_table",
    "summary_file",
    "to_json",
    "write_summary",
]


def night_record(summary: Summary) -> dict[str, Any]:
    """Fields of the record on the nights topic, in the order of its schema.

    Parameters
    ----------
    summary
        The night.

    Returns
    -------
    dict
        Plain values that fit schemas/night.avsc; also the form of the JSON file.
    """
    return {
        "survey": summary.survey,
        "night": summary.night,
        "dayObs": summary.day_obs,
        "status": summary.status,
        "files": summary.files,
        "alerts": summary.alerts,
        "kept": summary.kept,
        "generation": summary.generation,
        "failures": list(summary.failures),
        "classes": dict(sorted(summary.classes.items())),
        "topics": [_topic_record(topic) for topic in summary.topics],
    }


def to_json(summary: Summary) -> str:
    """Text of the summary as JSON, the same for the same summary."""
    return json.dumps(night_record(summary), indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Summary:
    """Summary that `to_json` wrote.

    Raises
    ------
    NightError
        The text is not that of a summary.
    """
    try:
        record = json.loads(text)
        topics = tuple(_topic(fields) for fields in record.pop("topics"))
        return Summary(
            day_obs=record.pop("dayObs"),
            failures=tuple(record.pop("failures")),
            topics=topics,
            **record,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NightError(
            f"The summary of a night cannot be read ({error}); delete its file and run"
            " the night again."
        ) from error


def summary_file(root: Path, survey: str, night: str) -> Path:
    """File of a night's summary."""
    return root / survey / "nights" / f"{night}.json"


def write_summary(root: Path, summary: Summary) -> bool:
    """Keep a summary beside the archive, replaced whole.

    Parameters
    ----------
    root
        Folder of the archive.
    summary
        The night.

    Returns
    -------
    bool
        Whether it was written; a file with the same content is left alone.

    Raises
    ------
    ArchiveUnavailableError
        The disk refuses.
    """
    file = summary_file(root, summary.survey, summary.night)
    text = to_json(summary)
    with refusals_explained(file.parent):
        if file.is_file() and file.read_text(encoding="utf-8") == text:
            return False
    write_whole(file, text)
    return True


def read_summary(root: Path, survey: str, night: str) -> Summary | None:
    """Summary of a night; None where there is none.

    Raises
    ------
    NightError
        The file is not a summary.
    """
    file = summary_file(root, survey, night)
    return from_json(file.read_text(encoding="utf-8")) if file.is_file() else None


def _topic_record(topic: TopicSummary) -> dict[str, Any]:
    return {
        "topic": topic.topic,
        "filter": topic.filter,
        "summary": topic.summary,
        "owner": topic.owner,
        "kept": topic.kept,
        "delivered": topic.delivered,
        "archived": topic.archived,
        "set_aside": topic.set_aside,
        "bytes": topic.bytes,
        "seconds": topic.seconds,
        "classes": dict(sorted(topic.classes.items())),
        "failures": list(topic.failures),
        "partitions": [vars(partition) for partition in topic.partitions],
    }


def _topic(fields: dict[str, Any]) -> TopicSummary:
    partitions = tuple(Partition(**values) for values in fields.pop("partitions"))
    failures = tuple(fields.pop("failures"))
    return TopicSummary(partitions=partitions, failures=failures, **fields)

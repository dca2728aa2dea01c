"""A summary survives its file, and is written only when it changed."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from archive.summary import (
    Summary,
    from_json,
    night_record,
    read_summary,
    summary_file,
    to_json,
    write_summary,
)
from settings.errors import ArchiveUnavailableError, NightError


def test_json_keeps_everything(summary: Summary) -> None:
    """What is read from the JSON is equal to what was written."""
    assert from_json(to_json(summary)) == summary


def test_json_does_not_depend_on_the_order_of_classes(summary: Summary) -> None:
    """The same numbers make the same text."""
    turned = replace(summary, classes=dict(reversed(list(summary.classes.items()))))

    assert to_json(turned) == to_json(summary)


def test_record_has_the_fields_of_the_schema(summary: Summary) -> None:
    """Names and nesting are those of the record on the nights topic."""
    record = night_record(summary)

    assert list(record) == [
        "survey",
        "night",
        "dayObs",
        "status",
        "files",
        "alerts",
        "kept",
        "generation",
        "failures",
        "classes",
        "topics",
    ]
    assert record["topics"][1] == {
        "topic": "fink_faint_ztf",
        "filter": "faint",
        "summary": "Faint alerts.",
        "owner": "",
        "kept": 3,
        "delivered": 2,
        "archived": 2,
        "set_aside": 1,
        "bytes": 99_000,
        "seconds": 0.5,
        "classes": {"Unknown": 2},
        "failures": ["1 alert could not be encoded."],
        "partitions": [
            {"partition": 0, "first_offset": 7, "last_offset": 9, "count": 2}
        ],
    }


def test_written_only_when_changed(tmp_path: Path, summary: Summary) -> None:
    """The file of an unchanged summary is not touched."""
    assert write_summary(tmp_path, summary)
    file = summary_file(tmp_path, "ztf", "20260301")
    os.utime(file, (0, 0))

    assert not write_summary(tmp_path, summary)

    assert file.stat().st_mtime == 0
    assert write_summary(tmp_path, replace(summary, alerts=77))
    assert read_summary(tmp_path, "ztf", "20260301") == replace(summary, alerts=77)
    assert [path.name for path in file.parent.iterdir()] == ["20260301.json"]


def test_no_summary_yet(tmp_path: Path) -> None:
    """A night without a summary has none."""
    assert read_summary(tmp_path, "ztf", "20260301") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"survey": "ztf"}', "\x00"])
def test_broken_file_is_named_as_that(text: str) -> None:
    """What is not a summary is refused in a sentence."""
    with pytest.raises(NightError, match="cannot be read"):
        from_json(text)


def test_unwritable_folder(tmp_path: Path, summary: Summary) -> None:
    """A file in place of the folder is the archive's error."""
    (tmp_path / "ztf").write_text("")

    with pytest.raises(ArchiveUnavailableError, match="nights"):
        write_summary(tmp_path, summary)

"""The nights before one are read, as far as they say what is usual."""

from dataclasses import replace
from pathlib import Path

from archive.history import NIGHTS, read_history
from archive.summary import Summary, summary_file, write_summary


def put(root: Path, summary: Summary, **changed: object) -> None:
    """Write the summary of a complete night, changed."""
    night = replace(summary, status="complete", failures=())
    write_summary(root, replace(night, **changed))  # type: ignore[arg-type]


def test_only_complete_nights_before_count(tmp_path: Path, summary: Summary) -> None:
    """Neither a failed nor an empty one, nor one that is newer or another survey's."""
    put(tmp_path, summary, night="20260227")
    put(tmp_path, summary, night="20260226", status="failed")
    put(tmp_path, summary, night="20260225", alerts=0)
    put(tmp_path, summary, night="20260224")
    put(tmp_path, summary, night="20260301")
    put(tmp_path, summary, night="20260223", survey="lsst")
    summary_file(tmp_path, "ztf", "20260222").write_text("{}")

    history = read_history(tmp_path, "ztf", "20260301")

    assert [night.night for night in history] == ["20260227", "20260224"]


def test_so_many_and_no_more(tmp_path: Path, summary: Summary) -> None:
    """The newest of them."""
    for day in range(1, 29):
        put(tmp_path, summary, night=f"202602{day:02d}")

    history = read_history(tmp_path, "ztf", "20260301")

    assert len(history) == NIGHTS
    assert history[0].night == "20260228"


def test_no_archive_has_no_history(tmp_path: Path) -> None:
    """Before the first night there is nothing to compare with."""
    assert read_history(tmp_path / "nowhere", "ztf", "20260301") == ()

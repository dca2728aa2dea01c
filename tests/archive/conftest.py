"""A night whose summary adds up."""

import pytest

from archive.summary import Partition, Summary, TopicSummary


@pytest.fixture
def summary() -> Summary:
    """Two filters, three alerts in the archive, one of them kept by both."""
    bright = TopicSummary(
        topic="fink_bright_ztf",
        filter="bright",
        summary="Bright alerts.",
        owner="a@example.org",
        kept=2,
        delivered=2,
        archived=2,
        set_aside=0,
        bytes=104_000,
        seconds=0.25,
        classes={"SN candidate": 1, "Unknown": 1},
        partitions=(
            Partition(partition=0, first_offset=5, last_offset=5, count=1),
            Partition(partition=2, first_offset=9, last_offset=9, count=1),
        ),
    )
    faint = TopicSummary(
        topic="fink_faint_ztf",
        filter="faint",
        summary="Faint alerts.",
        owner="",
        kept=3,
        delivered=2,
        archived=2,
        set_aside=1,
        bytes=99_000,
        seconds=0.5,
        classes={"Unknown": 2},
        failures=("1 alert could not be encoded.",),
        partitions=(Partition(partition=0, first_offset=7, last_offset=9, count=2),),
    )
    return Summary(
        survey="ztf",
        night="20260301",
        day_obs="20260228",
        status="failed",
        files=2,
        alerts=76,
        kept=3,
        generation=0,
        classes={"Unknown": 2, "SN candidate": 1},
        failures=("part-3.parquet is not a Parquet file.",),
        topics=(bright, faint),
    )

"""The whole stream on one topic, where it is asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.access import KafkaAccess
from cluster.nights import Count
from cluster.topic_facts import describe_topic
from settings.model import Filters, Settings
from settings.names import topic

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Give settings that ask for it."""
    return settings.model_copy(update={"filters": Filters(also=("everything",))})


@pytest.mark.slow
@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_every_alert_is_on_it(
    settings: Settings,
    access: KafkaAccess,
    simulated_night: Callable[..., Path],
    walk: Callable[..., Any],
    survey: str,
) -> None:
    """All of the night are delivered, and its topic says so, as many and no more."""
    simulated_night(survey, alerts=120, rows_per_file=60)

    walked = walk(survey)

    where = topic(settings.topics.prefix, "everything", survey)
    assert walked.summary.status == "complete"
    assert walked.delivered["everything"] == walked.summary.alerts == 120
    facts = describe_topic(access, settings, where)
    assert facts.alerts == Count(120, is_exact=True)
    assert facts.schema

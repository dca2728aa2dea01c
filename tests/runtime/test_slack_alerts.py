"""Alerts go to Slack from Spark, and look there as Spark shows them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client.tests.slack_api import SlackApi
from nightmail.slack import Delivery, SlackClient, send_slack_alerts
from runtime.spark import spark_session
from settings.model import Settings, Spark

pytestmark = [pytest.mark.spark, pytest.mark.slow]

MANUAL = [
    ("ZTF17aabuwws", 697252840615015002, "RRLyr", 12.5901418, -13.2635671),
    ("ZTF17aabuxzj", 697252841215010003, "EB*WUMa", 9.8194532, -12.512629),
    ("ZTF18abosdxh", 697252845515010007, "RRLyr", 13.8237084, -7.6134186),
    ("ZTF18acsbtwe", 697252844515015002, "Unknown", 8.717752, -8.2367741),
    ("ZTF18acsbtwf", 697252844515015003, None, 8.7, -8.2),
]
"""The four alerts of Fink's manual, and one without a class."""

NAMES = [
    *("objectId", "candid", "cross_match_alerts_per_batch"),
    *("candidate_ra", "candidate_dec"),
]
"""Columns of the manual's alerts."""

SHOWN = ["objectId", "candidate_ra", "candidate_dec", "cross_match_alerts_per_batch"]
"""Columns of the manual's messages."""


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a small Spark, ended before other rooms start theirs."""
    state = tmp_path_factory.mktemp("state")
    with spark_session(
        Settings(state_dir=Path(state), spark=Spark(master="local[2]"))
    ) as session:
        yield session


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    """Give a workspace with the manual's two channels."""
    with SlackApi() as server:
        for name in ("rrlyr", "ebwuma", "rrstar"):
            server.add_channel(name)
        yield server


@pytest.fixture
def client(slack: SlackApi) -> SlackClient:
    """Give a bot in it."""
    return SlackClient(slack.token, base_url=slack.url)


def test_the_manuals_example(spark: Any, slack: SlackApi, client: SlackClient) -> None:
    """Each message is the table that Spark itself shows of the class."""
    alerts = spark.createDataFrame(MANUAL, NAMES).coalesce(1)

    delivery = send_slack_alerts(alerts, client=client)

    assert delivery == Delivery({"rrlyr": 2, "ebwuma": 1}, unclassified=1)
    for channel, name in (("rrlyr", "RRLyr"), ("ebwuma", "EB*WUMa")):
        of_class = alerts.where(alerts[NAMES[2]] == name).select(*SHOWN)
        table = of_class._jdf.showString(20, 0, False)  # noqa: FBT003
        (message,) = slack.posted(channel)
        assert message["text"] == f"```\n{table}```"


def test_nested_columns(spark: Any, slack: SlackApi, client: SlackClient) -> None:
    """LSST's alerts as its store has them, ids to the last digit."""
    schema = (
        "diaSource struct<diaObjectId: bigint, ra: double, dec: double>,"
        " xm struct<simbad_otype: string>"
    )
    rows = [((170032915988086813, 52.5, -28.25), ("RR*",)), ((1, 2.0, 3.0), (None,))]
    alerts = spark.createDataFrame(rows, schema)

    send_slack_alerts(alerts, client=client)

    (message,) = slack.posted()
    assert "|170032915988086813   |52.5" in message["text"]
    assert "|xm.simbad_otype|" in message["text"]


def test_one_job(spark: Any, client: SlackClient) -> None:
    """However many classes there are, the alerts are computed once."""
    computed = spark.sparkContext.accumulator(0)
    alerts = spark.createDataFrame(MANUAL, NAMES).rdd.map(
        lambda row: (computed.add(1), row)[1]
    )
    frame = spark.createDataFrame(alerts, spark.createDataFrame(MANUAL, NAMES).schema)

    send_slack_alerts(frame, client=client)

    assert computed.value == len(MANUAL)

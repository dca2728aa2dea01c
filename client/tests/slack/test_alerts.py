"""Alerts go to the channels of their classes, as the manual says."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from client.tests.slack_api import Refuse, SlackApi, Status
from nightmail import (
    ColumnError,
    ConfigError,
    SlackRefusedError,
    SlackTokenError,
    SlackUnavailableError,
)
from nightmail.slack import Delivery, SlackClient, send_slack_alerts

MANUAL = {
    "objectId": ["ZTF17aabuwws", "ZTF17aabuxzj", "ZTF18abosdxh", "ZTF18acsbtwe"],
    "candid": [
        697252840615015002,
        697252841215010003,
        697252845515010007,
        697252844515015002,
    ],
    "cross_match_alerts_per_batch": ["RRLyr", "EB*WUMa", "RRLyr", "Unknown"],
    "candidate_pid": [697252840615, 697252841215, 697252845515, 697252844515],
    "candidate_ra": [12.5901418, 9.8194532, 13.8237084, 8.717752],
    "candidate_dec": [-13.2635671, -12.512629, -7.6134186, -8.2367741],
}
"""The four alerts of Fink's manual."""

RRLYR = """\
```
+------------+------------+-------------+----------------------------+
|objectId    |candidate_ra|candidate_dec|cross_match_alerts_per_batch|
+------------+------------+-------------+----------------------------+
|ZTF17aabuwws|12.5901418  |-13.2635671  |RRLyr                       |
|ZTF18abosdxh|13.8237084  |-7.6134186   |RRLyr                       |
+------------+------------+-------------+----------------------------+
```"""

EBWUMA = """\
```
+------------+------------+-------------+----------------------------+
|objectId    |candidate_ra|candidate_dec|cross_match_alerts_per_batch|
+------------+------------+-------------+----------------------------+
|ZTF17aabuxzj|9.8194532   |-12.512629   |EB*WUMa                     |
+------------+------------+-------------+----------------------------+
```"""


def table(**columns: list[Any]) -> pd.DataFrame:
    """Make alerts of the columns given, with an object and a place each."""
    number = len(next(iter(columns.values())))
    fixed = {
        "objectId": [f"ZTF26a{i:07d}" for i in range(number)],
        "candidate_ra": [float(i % 360) for i in range(number)],
        "candidate_dec": [float(i % 90) for i in range(number)],
    }
    return pd.DataFrame(fixed | columns)


def cells(text: str) -> list[list[str]]:
    """Cells of the tables in a message, heads left out."""
    lines = [line[1:-1].split("|") for line in text.splitlines() if line[:1] == "|"]
    return [[each.strip() for each in line] for line in lines[1:]]


@pytest.mark.parametrize("kind", [pd.DataFrame, pa.table])
def test_the_manuals_example(
    slack: SlackApi, client: SlackClient, kind: Callable[[Any], Any]
) -> None:
    """Four alerts give exactly the two messages that the manual shows."""
    delivery = send_slack_alerts(kind(MANUAL), client=client)

    assert [message["text"] for message in slack.posted()] == [RRLYR, EBWUMA]
    assert [message["text"] for message in slack.posted("rrlyr")] == [RRLYR]
    assert [message["text"] for message in slack.posted("ebwuma")] == [EBWUMA]
    assert delivery == Delivery({"rrlyr": 2, "ebwuma": 1}, unclassified=1)


def test_the_manuals_example_in_its_words(
    slack: SlackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One argument, and the token in SLACK_API_TOKEN."""
    monkeypatch.setenv("SLACK_API_TOKEN", slack.token)
    monkeypatch.setenv("NIGHTMAIL_SLACK__BASE_URL", slack.url)

    send_slack_alerts(pd.DataFrame(MANUAL))

    assert [message["text"] for message in slack.posted()] == [RRLYR, EBWUMA]


def test_a_list_of_channels(
    slack: SlackApi, client: SlackClient, tmp_path: Path
) -> None:
    """The incumbent's second argument: only the channels of the file are posted to."""
    file = tmp_path / "channels.txt"
    file.write_text("# Fink's channels\nebwuma  # binaries\n\n")

    delivery = send_slack_alerts(pd.DataFrame(MANUAL), str(file), client=client)

    assert [message["text"] for message in slack.posted()] == [EBWUMA]
    assert (delivery.posted, delivery.not_allowed) == ({"ebwuma": 1}, {"rrlyr": 2})


def test_a_list_of_channels_that_is_not_there(
    slack: SlackApi, client: SlackClient, tmp_path: Path
) -> None:
    """It is said before anything is posted."""
    with pytest.raises(ConfigError, match="no-such-file cannot be read: No such file"):
        send_slack_alerts(
            pd.DataFrame(MANUAL), tmp_path / "no-such-file", client=client
        )

    assert slack.calls == []


LSST: dict[str, Any] = {
    "diaSource": [
        {"diaObjectId": 170032915988086813, "ra": 52.123456789012, "dec": -28.5},
        {"diaObjectId": None, "ra": 0.000012, "dec": 1.0},
    ],
    "xm": [{"simbad_otype": "RR*"}, {"simbad_otype": "*"}],
}
"""Alerts as LSST's store has them."""


@pytest.mark.parametrize(
    "alerts",
    [
        pd.DataFrame(LSST),
        pa.table(LSST),
        pa.table(LSST).to_batches()[0],
        pa.table(LSST).flatten(),
        pd.DataFrame(
            {
                "diaSource_diaObjectId": pd.array([170032915988086813, None], "Int64"),
                "diaSource_ra": [52.123456789012, 0.000012],
                "diaSource_dec": [-28.5, 1.0],
                "xm_simbad_otype": ["RR*", "*"],
            }
        ),
    ],
    ids=["pandas", "table", "batch", "dotted", "flat"],
)
def test_alerts_of_lsst(slack: SlackApi, client: SlackClient, alerts: Any) -> None:
    """Nested or flat, with every digit of an id and of a coordinate."""
    slack.add_channel("rrstar")
    slack.add_channel("star")

    send_slack_alerts(alerts, client=client)

    shown = {
        channel: cells(slack.posted(channel)[0]["text"])
        for channel in ("rrstar", "star")
    }
    assert shown == {
        "rrstar": [["170032915988086813", "52.123456789012", "-28.5", "RR*"]],
        "star": [["null", "0.000012", "1.0", "*"]],
    }


@pytest.mark.parametrize(
    "column",
    ["cross_match_alerts_per_batch", "cdsxmatch", "finkclass", "simbad_otype"],
)
def test_names_of_the_class(slack: SlackApi, client: SlackClient, column: str) -> None:
    """Old and new ones, under the name that the alerts have."""
    send_slack_alerts(table(**{column: ["RRLyr"]}), client=client)

    assert column in slack.posted("rrlyr")[0]["text"]


def test_the_class_can_be_named(slack: SlackApi, client: SlackClient) -> None:
    """Where there are several columns, or one of another name."""
    alerts = table(cdsxmatch=["RRLyr"], mine=["EB*WUMa"])

    send_slack_alerts(alerts, client=client, class_column="mine")

    assert cells(slack.posted("ebwuma")[0]["text"])[0][-1] == "EB*WUMa"


@pytest.mark.parametrize(
    "columns",
    [["objectId"], ["candidate_ra"], ["cross_match_alerts_per_batch"]],
)
def test_a_column_is_missing(
    slack: SlackApi, client: SlackClient, columns: list[str]
) -> None:
    """It is said which one, and what it may be called; nothing is posted."""
    alerts = pd.DataFrame(MANUAL).drop(columns=columns)

    with pytest.raises(ColumnError, match=f"known: .*{columns[0]}"):
        send_slack_alerts(alerts, client=client)

    assert slack.calls == []


def test_what_is_not_posted(slack: SlackApi, client: SlackClient) -> None:
    """Nulls, Unknown, and where the cross-match failed: Slack is not even asked."""
    classes = [None, float("nan"), "Unknown", "Fail", "Fail 504", "", pd.NA, "nan"]

    delivery = send_slack_alerts(table(cdsxmatch=classes), client=client)

    assert delivery == Delivery(unclassified=8)
    assert slack.calls == []


def test_no_alerts(slack: SlackApi, client: SlackClient) -> None:
    """An empty table posts nothing."""
    delivery = send_slack_alerts(table(cdsxmatch=[]), client=client)

    assert (delivery, slack.calls) == (Delivery(), [])


def test_a_map_of_channels(slack: SlackApi, client: SlackClient) -> None:
    """Classes that are mapped go where the map says, or nowhere; the others go on."""
    slack.add_channel("seyferts")
    alerts = table(cdsxmatch=["Sy1", "Sy2", "Star", "RRLyr"])
    channels = {"Sy1": "#seyferts", "Sy2": "seyferts", "Star": None}

    delivery = send_slack_alerts(alerts, client=client, channels=channels)

    assert delivery.posted == {"seyferts": 2, "rrlyr": 1}
    assert [row[-1] for row in cells(slack.posted("seyferts")[0]["text"])] == [
        "Sy1",
        "Sy2",
    ]


def test_a_long_table_goes_on_in_a_thread(slack: SlackApi, client: SlackClient) -> None:
    """One message in the channel; every alert once, in order, each part a table."""
    alerts = table(cdsxmatch=["RRLyr"] * 150)

    send_slack_alerts(alerts, client=client)

    messages = slack.posted("rrlyr")
    (lead,) = slack.posted("rrlyr", threads=False)
    assert {m.get("thread_ts", lead["ts"]) for m in messages} == {lead["ts"]}
    assert all(len(message["text"]) <= 4000 for message in messages)
    shown = [row[0] for message in messages for row in cells(message["text"])]
    assert shown == alerts["objectId"].tolist()
    first = len(cells(lead["text"]))
    assert lead["text"].endswith(
        f"```\n{first} of 150 alerts; the others are in this thread."
    )


def test_a_night_of_a_hundred_thousand(slack: SlackApi, client: SlackClient) -> None:
    """A few messages, and a file with all of them, of which the message speaks."""
    alerts = table(cdsxmatch=["RRLyr"] * 100_000)

    delivery = send_slack_alerts(alerts, client=client)

    messages = slack.posted("rrlyr")
    (file,) = slack.workspace.files.values()
    lines = file["data"].decode().splitlines()
    assert len(messages) < 8
    assert "of 100,000 alerts; 200 are in this thread" in messages[0]["text"]
    assert (len(lines), lines[1]) == (100_001, "ZTF26a0000000,0.0,0.0,RRLyr")
    assert (file["title"], file["thread_ts"]) == (
        "All 100,000 alerts",
        messages[0]["ts"],
    )
    assert delivery.posted == {"rrlyr": 100_000}


def test_a_file_that_slack_refuses(slack: SlackApi, client: SlackClient) -> None:
    """Without the scope for files the thread says so, and others are posted."""
    slack.scopes.discard("files:write")
    alerts = table(cdsxmatch=["RRLyr"] * 300 + ["EB*WUMa"])

    delivery = send_slack_alerts(alerts, client=client)

    last = slack.posted("rrlyr")[-1]["text"]
    assert last == "The file of all 300 alerts could not be added."
    assert delivery.posted == {"rrlyr": 200, "ebwuma": 1}
    assert "files:write" in delivery.refused["rrlyr"]


@pytest.mark.parametrize("text", ["<!channel>", "<@U0NM000004X>", "`x` *b* _i_", "a&b"])
def test_data_is_no_markup(slack: SlackApi, client: SlackClient, text: str) -> None:
    """It calls nobody, ends no block of code, and shows as it is."""
    alerts = table(cdsxmatch=["RRLyr"]).assign(objectId=[text])

    send_slack_alerts(alerts, client=client)

    (message,) = slack.posted("rrlyr")
    body = message["text"].removeprefix("```").removesuffix("```")
    assert re.search(r"[<>`]", body) is None
    shown = body.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert cells(shown)[0][0] == text.replace("`", "'")
    assert len({len(line) for line in shown.splitlines() if line}) == 1


def test_unicode_is_aligned(slack: SlackApi, client: SlackClient) -> None:
    """Wide letters fill two columns, line breaks and what cannot be seen none."""
    alerts = table(cdsxmatch=["RRLyr", "RRLyr"]).assign(
        objectId=["星の光", "a\nb\u202ec"]
    )

    send_slack_alerts(alerts, client=client)

    lines = slack.posted("rrlyr")[0]["text"].splitlines()
    assert lines[4].startswith("|星の光  |0.0")
    assert lines[5].startswith("|a b c   |1.0")


def test_a_channel_that_is_missing_stops_no_other(
    slack: SlackApi, client: SlackClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Missing, archived, or without the bot: each is said, the others are posted."""
    slack.add_channel("old", archived=True)
    slack.add_channel("far", member=False)
    alerts = table(cdsxmatch=["Missing", "Old", "Far", "RRLyr"])

    with caplog.at_level(logging.WARNING, "nightmail"):
        delivery = send_slack_alerts(alerts, client=client)

    assert delivery.posted == {"rrlyr": 1}
    assert list(delivery.refused) == ["missing", "old", "far"]
    assert [record.message for record in caplog.records] == [*delivery.refused.values()]


def test_nothing_could_be_posted(client: SlackClient) -> None:
    """Where every channel is refused, it is an error."""
    with pytest.raises(SlackRefusedError, match="no channel #missing"):
        send_slack_alerts(table(cdsxmatch=["Missing"]), client=client)


def test_slack_goes_down(slack: SlackApi, client: SlackClient) -> None:
    """The channel is named, and nothing is tried after it."""
    slack.plan("chat.postMessage", None, Status(503))
    alerts = table(cdsxmatch=["RRLyr", "EB*WUMa", "Missing"])

    with pytest.raises(SlackUnavailableError, match="#ebwuma"):
        send_slack_alerts(alerts, client=client)

    assert slack.methods().count("chat.postMessage") == 2


def test_a_revoked_token_is_said_once(slack: SlackApi, client: SlackClient) -> None:
    """It is not tried for every channel."""
    slack.plan("conversations.list", *[Refuse("token_revoked")] * 9)
    alerts = table(cdsxmatch=["RRLyr", "EB*WUMa"])

    with pytest.raises(SlackTokenError, match="it was revoked"):
        send_slack_alerts(alerts, client=client)

    assert len(slack.calls) == 1


@pytest.mark.parametrize("alerts", [[{"objectId": "x"}], np.zeros(3), None])
def test_other_kinds_of_alerts(client: SlackClient, alerts: Any) -> None:
    """A list or an array has no names: it is refused with what is taken."""
    with pytest.raises(TypeError, match=f"not {type(alerts).__name__}"):
        send_slack_alerts(alerts, client=client)

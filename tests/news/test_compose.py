"""Messages are the recorded ones, fit Slack, and nothing in the data acts."""

import csv
import io
import json
from dataclasses import replace

import pytest

from archive.totals import Status, Summary
from news.compose import MAX_CSV_ROWS, MAX_LINKED, Bulletin, compose
from news.layout import Message
from news.routes import Share, share_out
from news.sky_objects import CSV_HEAD
from nightmail.slack import limits
from settings.slack import Slack
from tests.news.conftest import PORTAL, sky_object
from tests.news.golden import as_json, recorded

UNPOSTED = ("20260228 in #supernovae: not yet. Slack refused it: is_archived.",)


@pytest.fixture
def bulletins(shares: tuple[Share, ...], before: list[list[Share]]) -> list[Bulletin]:
    """Give what the channels of the night get, with six objects each."""
    objects = [sky_object(n) for n in range(5)]
    objects.append(replace(sky_object(5, "EB*"), page=None, magnitude=None))
    return [
        compose(
            share, past, objects, portal=PORTAL, remarks=["Not in slack.allow: #x."],
            unposted=UNPOSTED if share.is_whole else (),
        )
        for share, past in zip(shares, before, strict=True)
    ]  # fmt: skip


def check(message: Message) -> None:
    """Refuse a message that Slack would refuse."""
    limits.check_update(message.arguments())


def whole(summary: Summary) -> Share:
    """Share of a channel that gets everything."""
    return share_out(summary, Slack()).shares[0]


@pytest.mark.parametrize(("number", "name"), [(0, "night"), (1, "route")])
def test_lead_is_the_recorded_one(
    bulletins: list[Bulletin], number: int, name: str
) -> None:
    """A change of the lead message shows in a diff of its golden file."""
    text = as_json(bulletins[number].lead)

    check(bulletins[number].lead)
    assert text == recorded(f"{name}_lead.json", text)


@pytest.mark.parametrize(("number", "name"), [(1, "counts"), (2, "objects")])
def test_parts_are_the_recorded_ones(
    bulletins: list[Bulletin], number: int, name: str
) -> None:
    """The same of each kind of message in the thread."""
    part = bulletins[0].thread[number - 1]
    text = as_json(part)

    check(part)
    assert len(bulletins[0].thread) == 2
    assert text == recorded(f"night_{name}.json", text)


def test_text_is_the_recorded_one(bulletins: list[Bulletin]) -> None:
    """The terminal's form has the same lines."""
    text = bulletins[0].plain + "\n"

    assert text == recorded("night_lead.txt", text)


def test_the_digest_is_of_the_night(
    shares: tuple[Share, ...], before: list[list[Share]]
) -> None:
    """It changes with the objects, and not with what is unposted of other nights."""
    objects = [sky_object(1)]
    one = compose(shares[0], before[0], objects, portal=PORTAL)
    same = compose(shares[0], before[0], objects, portal=PORTAL, unposted=UNPOSTED)
    other = compose(shares[0], before[0], [sky_object(2)], portal=PORTAL)

    assert one.digest == same.digest != other.digest
    assert one.lead != same.lead


def test_a_large_night_keeps_slacks_limits(summary: Summary) -> None:
    """Names as long and many as they come: each message is one that Slack takes."""
    classes = {f"<Class&{i}>" * 5: i + 1 for i in range(200)}
    topics = tuple(
        replace(
            summary.topics[0],
            filter=f"filter_{i}",
            classes=classes,
            failures=(f"a `long` <failure> {'&' * 5000}",) if i % 2 else (),
        )
        for i in range(500)
    )
    objects = [
        replace(
            sky_object(i, "<&>" * 40), filters=tuple(f"filter_{n}" for n in range(99))
        )
        for i in range(2000)
    ]
    large = whole(replace(summary, classes=classes, topics=topics))

    bulletin = compose(
        large, [large] * 3, objects, portal=PORTAL, unposted=["<&" * 900] * 50
    )

    for message in (bulletin.lead, *bulletin.thread):
        check(message)
        texts = [json.dumps(block, ensure_ascii=False) for block in message.blocks]
        assert all(text.count("```") in {0, 2} for text in texts)
    assert "Not everything fits" in str(bulletin.lead.blocks[-1])
    assert "The rest: nightmail archive sql" in str(bulletin.thread[1].blocks[-1])


def test_a_night_of_a_hundred_thousand_matches_is_bounded(summary: Summary) -> None:
    """Seven messages at most and one file; both say where the rest is."""
    number = MAX_CSV_ROWS + 20_000
    objects = [sky_object(i, f"class {i % 40}") for i in range(number)]

    bulletin = compose(whole(summary), [], objects, portal=PORTAL)

    assert len(bulletin.thread) <= 6
    rows = list(csv.reader(io.StringIO(bulletin.table.decode())))
    assert tuple(rows[0]) == CSV_HEAD
    assert len(rows) == MAX_CSV_ROWS + 1
    links = sum(str(message.blocks).count("<https://") for message in bulletin.thread)
    assert links == MAX_LINKED
    told = str(bulletin.lead.blocks[-1])
    assert f"the {MAX_LINKED} objects of the rarest classes" in told
    assert "All 120,000 objects: nightmail archive sql --survey ztf" in told


def test_few_objects_need_no_file(
    summary: Summary,
) -> None:
    """As many as the thread lists are in the thread, all of them."""
    objects = [sky_object(i) for i in range(MAX_LINKED)]

    bulletin = compose(whole(summary), [], objects, portal=PORTAL)

    assert bulletin.table == b""
    listed = "".join(str(message.blocks) for message in bulletin.thread)
    assert all(f"|{one.name}>" in listed for one in objects)


@pytest.mark.parametrize(
    "trick", ["<!channel>", "<@U1>", "<http://x|y>", "```\n<!here>", "`*b*` _i_ ~s~"]
)
def test_nothing_in_the_data_acts(summary: Summary, trick: str) -> None:
    """Mentions, links and the end of a code block are only text."""
    topic = replace(summary.topics[1], filter=trick, failures=(trick,))
    night = replace(summary, classes={trick: 1199}, topics=(topic,), failures=(trick,))
    one = replace(sky_object(1, trick), name=trick, page=trick, filters=(trick,))

    bulletin = compose(
        whole(night), [], [one, replace(one, page=None)], portal=PORTAL,
        remarks=[trick], unposted=[trick],
    )  # fmt: skip

    lead, parts = str(bulletin.lead), str(bulletin.thread)
    assert "<" not in lead
    assert parts.count("<") == parts.count("<https://ztf.example.org/") == 1
    for message in (bulletin.lead, *bulletin.thread):
        for block in message.blocks:
            texts = [block.get("text"), *block.get("elements", ())]
            assert all(t.get("verbatim", True) for t in texts if t)
            shown = [t["text"] for t in texts if t and t["type"] == "mrkdwn"]
            assert all(t.count("`") % 2 == 0 for t in shown)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("empty", "0 of 0 alerts kept, from 5 files (dayObs 20260228)."),
        ("no data", "The store has no such night (dayObs 20260228)."),
    ],
)
def test_a_night_of_zero(summary: Summary, status: Status, sentence: str) -> None:
    """A night without alerts is one message, and says how it was."""
    nothing = replace(
        summary, status=status, alerts=0, kept=0, classes={}, topics=(),
    )  # fmt: skip

    bulletin = compose(whole(nothing), [], [], portal=PORTAL)

    check(bulletin.lead)
    assert bulletin.lead.text == f"ZTF night 20260301: {status}. {sentence}"
    assert bulletin.thread == ()

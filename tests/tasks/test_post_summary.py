"""A summary is posted once a channel, to a local server that behaves as Slack does."""

import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from archive.history import read_history
from archive.summary import Summary, write_summary
from client.tests.slack_api import Drop, RateLimit, Refuse, SlackApi, Status
from nightmail import OutcomeUnknownError, SlackRefusedError, SlackUnavailableError
from settings.model import Archive, Settings
from settings.routes import Route
from settings.slack import Slack
from tasks import bulletins
from tasks.post_summary import open_slack, post_summary
from tasks.posted import read_record, record_file
from tests.news.archived import archive_simulated_night

CHANNEL = "#nights"

NIGHT = "20260302"


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    """Archive of one simulated night; nothing in it is changed."""
    root = tmp_path_factory.mktemp("a night") / "archive"
    night = archive_simulated_night(
        root, "ztf", NIGHT, alerts=400, also=("everything",)
    )
    return root, night


@pytest.fixture
def slack() -> Iterator[SlackApi]:
    """Give a Slack with two channels."""
    with SlackApi() as api:
        api.add_channel("nights")
        api.add_channel("other")
        yield api


@pytest.fixture
def settings(
    slack: SlackApi, archived: tuple[Path, Summary], tmp_path: Path
) -> Settings:
    """Give settings of a test's own; the alerts are the module's."""
    root = tmp_path / "archive"
    (root / "ztf").mkdir(parents=True)
    for kind in ("alerts", "matches"):
        (root / "ztf" / kind).symlink_to(archived[0] / "ztf" / kind)
    return Settings(
        state_dir=tmp_path,
        archive=Archive(uri=str(root)),
        slack=Slack(token=SecretStr(slack.token), channel=CHANNEL, base_url=slack.url),
    )


@pytest.fixture
def summary(archived: tuple[Path, Summary], settings: Settings) -> Summary:
    """Summary of the night, written where the test's settings look for it."""
    write_summary(settings.archive_root(), archived[1])
    return archived[1]


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Post without a second between two messages: there is one test of that."""
    monkeypatch.setattr("nightmail.slack.client.PACE_S", 0)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing: for tests of something else."""
    monkeypatch.setattr("news.pictures.can_draw", lambda: False)
    monkeypatch.setattr("tasks.bulletins.can_draw", lambda: False)


def ignore(_: str) -> None:
    """Take a text."""


def routed(settings: Settings, *routes: Route, **also: Any) -> Settings:
    """Add routes to settings."""
    changed = settings.slack.model_copy(update={"routes": routes, **also})
    return settings.model_copy(update={"slack": changed})


def leads(slack: SlackApi, channel: str = "nights") -> list[dict[str, Any]]:
    """Messages of a channel outside of threads."""
    return slack.posted(channel, threads=False)


def files(slack: SlackApi) -> list[str]:
    """Names of the files that are shown, without the digests of their content."""
    names = [str(file["name"]) for file in slack.workspace.files.values()]
    return [f"{n.rpartition('_')[0]}.{n.rpartition('.')[2]}" for n in names]


def test_a_night_is_a_message_and_its_thread(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """First the lead, then in its thread the tables, the file and the pictures."""
    outcomes = post_summary(summary, settings, say=ignore)

    lead, *thread = slack.posted("nights")
    assert outcomes == {CHANNEL: "posted"}
    assert lead["text"].startswith("ZTF night 20260302: complete. 400 of 400 alerts")
    assert {message["thread_ts"] for message in thread} == {lead["ts"]}
    numbers = [m["metadata"]["event_payload"]["number"] for m in thread]
    assert numbers == list(range(1, len(thread) + 1))
    assert {f["thread_ts"] for f in slack.workspace.files.values()} == {lead["ts"]}
    night = "ztf_20260302"
    made = [f"{night}_objects.csv", f"{night}_sky.png", f"{night}_light_curves.png"]
    assert files(slack) == made


@pytest.mark.usefixtures("no_pictures")
def test_posted_once(slack: SlackApi, settings: Settings, summary: Summary) -> None:
    """The same summary is posted the first time only; the others ask Slack nothing."""
    outcomes = [post_summary(summary, settings, say=ignore)[CHANNEL]]
    asked = len(slack.calls)
    outcomes += [post_summary(summary, settings, say=ignore)[CHANNEL] for _ in "12"]

    assert outcomes == ["posted", "unchanged", "unchanged"]
    assert len(slack.calls) == asked


@pytest.mark.usefixtures("no_pictures")
def test_a_changed_summary_changes_the_message(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """Another summary of the same night goes into the messages that are there."""
    post_summary(summary, settings, say=ignore)
    before = [message["ts"] for message in slack.posted("nights")]

    outcome = post_summary(
        replace(summary, alerts=401, generation=1), settings, say=ignore
    )

    assert outcome == {CHANNEL: "changed"}
    assert [message["ts"] for message in slack.posted("nights")] == before
    (lead,) = leads(slack)
    assert lead["text"].startswith("ZTF night 20260302, generation 1: complete. 400 of")
    assert lead["metadata"]["event_payload"]["generation"] == 1


@pytest.mark.usefixtures("no_pictures")
def test_a_shorter_thread_loses_its_end(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """Parts that a changed night does not have any more are taken back."""
    post_summary(summary, settings, say=ignore)
    few = tuple(
        replace(topic, delivered=0, kept=0, archived=0, classes={}, partitions=())
        for topic in summary.topics
    )

    post_summary(replace(summary, topics=few, classes={}, kept=0), settings, say=ignore)

    assert [m["ts"] for m in slack.posted("nights")] == [leads(slack)[0]["ts"]]


@pytest.mark.usefixtures("no_pictures")
def test_a_deleted_message_is_posted_anew(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """A message that somebody has deleted cannot be changed."""
    post_summary(summary, settings, say=ignore)
    slack.workspace.messages.clear()

    outcome = post_summary(replace(summary, alerts=401), settings, say=ignore)

    assert outcome == {CHANNEL: "posted"}
    assert len(leads(slack)) == 1


@pytest.mark.usefixtures("no_pictures")
def test_without_its_record_a_message_is_found(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """By its metadata, among others' messages; nothing is posted again."""
    post_summary(summary, settings, say=ignore)
    for number in range(300):
        client = open_slack(settings, say=ignore)
        assert client
        client.call("chat.postMessage", channel="#nights", text=f"Chat {number}")
    posted = len(slack.posted())
    record_file(settings.archive_root(), "ztf", NIGHT).unlink()

    outcomes = [
        post_summary(replace(summary, alerts=n), settings, say=ignore)[CHANNEL]
        for n in (400, 401)
    ]

    assert outcomes == ["unchanged", "changed"]
    assert len(slack.posted()) == posted


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("text", ["[]", "{", '{"#nights": {"who": 1}}'])
def test_a_broken_record_is_none(
    slack: SlackApi, settings: Settings, summary: Summary, text: str
) -> None:
    """What it should say is found in the channel."""
    post_summary(summary, settings, say=ignore)
    record_file(settings.archive_root(), "ztf", NIGHT).write_text(text)

    assert post_summary(summary, settings, say=ignore) == {CHANNEL: "unchanged"}
    assert len(leads(slack)) == 1


@pytest.mark.usefixtures("no_pictures")
def test_an_older_record_is_understood(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """A message posted before there were threads is changed, and gets its thread."""
    client = open_slack(settings, say=ignore)
    assert client
    sent = client.send_message(CHANNEL, "The night as it was.")
    record_file(settings.archive_root(), "ztf", NIGHT).write_text(
        f'{{"#nights": {{"channel": "{sent.channel}", "ts": "{sent.ts}",'
        ' "digest": "0"}}'
    )

    assert post_summary(summary, settings, say=ignore) == {CHANNEL: "changed"}
    assert [m["ts"] for m in leads(slack)] == [sent.ts]
    assert len(slack.posted("nights")) > 1


def test_without_a_token_it_is_printed(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """The same message as text, and the name of the setting."""
    no_token = settings.model_copy(update={"slack": Slack()})
    said: list[str] = []

    assert post_summary(summary, no_token, say=said.append) == {"#nightmail": "printed"}

    assert "slack.token" in said[0]
    assert said[2].startswith("ZTF night 20260302: complete\n400 of 400 alerts kept")
    assert slack.calls == []


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("invalid_auth", r"invalid_auth; check .*token"),
        ("token_expired", "expired"),
        ("not_in_channel", "invite the bot"),
        ("is_archived", "unarchive it"),
        ("something_new", "chat.postMessage in #nights: something_new"),
    ],
)
def test_refusals_say_what_to_do(
    slack: SlackApi, settings: Settings, summary: Summary, error: str, advice: str
) -> None:
    """Slack's refusal is one sentence, and the next run tries again."""
    slack.plan("chat.postMessage", Refuse(error))

    with pytest.raises(SlackRefusedError, match=advice) as caught:
        post_summary(summary, settings, say=ignore)

    record = read_record(record_file(settings.archive_root(), "ztf", NIGHT))
    assert record[CHANNEL].failure == str(caught.value)
    assert post_summary(summary, settings, say=ignore) == {CHANNEL: "posted"}
    assert len(leads(slack)) == 1


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    "fault", [Status(503), Drop(), Drop(done=True), Status(500, done=True)]
)
def test_an_unanswered_post_is_not_repeated(
    slack: SlackApi, settings: Settings, summary: Summary, fault: Drop | Status
) -> None:
    """Whether Slack took it or not, the next run leaves exactly one message."""
    slack.plan("chat.postMessage", fault)

    with pytest.raises(OutcomeUnknownError) as caught:
        post_summary(summary, settings, say=ignore)
    post_summary(summary, settings, say=ignore)

    assert caught.value.exit_code == 5
    assert len(leads(slack)) == 1
    assert len(slack.posted("nights")) > 1


@pytest.mark.usefixtures("no_pictures")
def test_without_the_scope_to_look_nothing_is_doubled(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """Without channels:history a night is posted; an uncertain one is not repeated."""
    slack.scopes.discard("channels:history")
    assert post_summary(summary, settings, say=ignore) == {CHANNEL: "posted"}
    other = settings.slack.model_copy(update={"channel": "#other"})
    elsewhere = settings.model_copy(update={"slack": other})
    slack.plan("chat.postMessage", Drop(done=True))

    with pytest.raises(OutcomeUnknownError):
        post_summary(summary, elsewhere, say=ignore)
    for _ in range(2):
        with pytest.raises(SlackRefusedError, match="channels:history"):
            post_summary(summary, elsewhere, say=ignore)

    assert len(leads(slack, "other")) == 1
    slack.scopes.add("channels:history")
    post_summary(summary, elsewhere, say=ignore)
    assert len(leads(slack, "other")) == 1


@pytest.mark.usefixtures("no_pictures")
def test_a_wait_is_waited(
    slack: SlackApi,
    settings: Settings,
    summary: Summary,
) -> None:
    """Where Slack asks for a second, the call comes again after a second."""
    slack.plan("chat.postMessage", RateLimit(1))

    assert post_summary(summary, settings, say=ignore) == {CHANNEL: "posted"}

    first, second = [c.at for c in slack.calls if c.method == "chat.postMessage"][:2]
    assert second - first >= 1


@pytest.mark.usefixtures("no_pictures")
def test_a_pace_is_kept(
    slack: SlackApi,
    settings: Settings,
    summary: Summary,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Slack that takes one message in so many seconds has nothing to refuse."""
    monkeypatch.setattr("nightmail.slack.client.PACE_S", 0.3)
    slack.seconds_a_message = 0.25

    post_summary(summary, settings, say=ignore)

    posts = [c for c in slack.calls if c.method == "chat.postMessage"]
    assert len(posts) == len(slack.posted("nights")) > 1


@pytest.mark.usefixtures("no_pictures")
def test_a_channel_that_fails_keeps_no_other(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """The channel that is archived is named; the others have their messages."""
    slack.add_channel("old", archived=True)
    mine = routed(settings, Route(channel="#old"), Route(channel="#other"))
    said: list[str] = []

    with pytest.raises(SlackRefusedError, match="is archived"):
        post_summary(summary, mine, say=said.append)

    assert len(leads(slack)) == len(leads(slack, "other")) == 1
    assert any(line.startswith("Not posted to Slack in #old") for line in said)


@pytest.mark.usefixtures("no_pictures")
def test_a_slack_that_is_down_is_waited_for_once(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """However many channels there are; the next run posts them all."""
    slack.add_channel("third")
    mine = routed(settings, Route(channel="#other"), Route(channel="#third"))
    slack.plan("chat.postMessage", RateLimit(3600))

    with pytest.raises(SlackUnavailableError):
        post_summary(summary, mine, say=ignore)

    assert slack.methods().count("chat.postMessage") == 1
    record = read_record(record_file(settings.archive_root(), "ztf", NIGHT))
    assert all("Slack asks to wait" in one.failure for one in record.values())
    assert set(record) == {CHANNEL, "#other", "#third"}
    following = replace(summary, night="20260303", day_obs="20260302")
    post_summary(following, mine, say=ignore)
    assert [len(leads(slack, name)) for name in ("nights", "other", "third")] == [2] * 3


@pytest.mark.usefixtures("no_pictures")
def test_what_was_not_posted_is_retried_and_listed(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """The next night's run posts the night that failed, and says so."""
    slack.plan("chat.postMessage", Refuse("restricted_action"))
    with pytest.raises(SlackRefusedError):
        post_summary(summary, settings, say=ignore)
    following = replace(summary, night="20260303", day_obs="20260302")

    post_summary(following, settings, say=ignore)

    told = [message["text"][:18] for message in leads(slack)]
    assert told == ["ZTF night 20260302", "ZTF night 20260303"]
    assert "20260302 in #nights: now posted." in str(leads(slack)[1]["blocks"])


@pytest.mark.usefixtures("no_pictures")
def test_what_fails_again_is_listed_too(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """A channel that stays archived is named in the whole night's message."""
    slack.add_channel("old", archived=True)
    mine = routed(settings, Route(channel="#old"))
    with pytest.raises(SlackRefusedError):
        post_summary(summary, mine, say=ignore)
    following = replace(summary, night="20260303", day_obs="20260302")

    with pytest.raises(SlackRefusedError):
        post_summary(following, mine, say=ignore)

    assert "20260302 in #old: not yet." in str(leads(slack)[1]["blocks"])


@pytest.mark.usefixtures("no_pictures")
def test_a_lost_end_of_the_thread_is_completed(
    slack: SlackApi, settings: Settings, summary: Summary
) -> None:
    """A part that Slack refused is posted by the next run, and no other again."""
    slack.plan("chat.postMessage", None, None, Refuse("fatal"))
    with pytest.raises(SlackRefusedError):
        post_summary(summary, settings, say=ignore)
    before = [message["ts"] for message in slack.posted("nights")]

    post_summary(summary, settings, say=ignore)

    after = [message["ts"] for message in slack.posted("nights")]
    assert after[: len(before)] == before
    numbers = [m["metadata"]["event_payload"]["number"] for m in slack.posted("nights")]
    assert numbers == list(range(len(after)))


def test_a_night_of_no_data(slack: SlackApi, settings: Settings) -> None:
    """A night without a folder is one message, without a thread."""
    nothing = Summary(
        survey="ztf", night=NIGHT, day_obs="20260301", status="no data", files=0,
        alerts=0, kept=0, generation=0, classes={},
    )  # fmt: skip

    post_summary(nothing, settings, say=ignore)

    (message,) = slack.posted()
    assert message["text"] == (
        "ZTF night 20260302: no data. The store has no such night (dayObs 20260301)."
    )
    assert files(slack) == []


def test_without_matplotlib_there_are_no_pictures(
    slack: SlackApi,
    settings: Settings,
    summary: Summary,
    no_pictures: None,
) -> None:
    """The message says so, and how to get them."""
    del no_pictures

    post_summary(summary, settings, say=ignore)

    assert "pip install 'nightmail[plot]'" in str(leads(slack)[0]["blocks"][-1])
    assert files(slack) == ["ztf_20260302_objects.csv"]


@pytest.mark.usefixtures("no_pictures")
def test_an_archive_that_cannot_be_read_is_said(
    slack: SlackApi,
    settings: Settings,
    summary: Summary,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The counts are posted all the same: they are the summary's."""
    alerts = settings.archive_root() / "ztf" / "alerts"
    alerts.unlink()
    (alerts / f"night={NIGHT}").mkdir(parents=True)
    (alerts / f"night={NIGHT}" / "000-a.parquet").write_bytes(b"PAR1")

    post_summary(summary, settings, say=ignore)

    assert "cannot be read from the archive" in str(leads(slack)[0]["blocks"][-1])
    monkeypatch.undo()


@pytest.mark.parametrize(
    "fault", [None, Refuse("invalid_auth"), Status(500), Drop(), RateLimit(3600)]
)
@pytest.mark.usefixtures("no_pictures")
def test_the_token_is_nowhere(
    slack: SlackApi,
    settings: Settings,
    summary: Summary,
    caplog: pytest.LogCaptureFixture,
    fault: Any,
) -> None:
    """Neither in the log at its chattiest, nor in an error's trace, nor in a file."""
    caplog.set_level(logging.DEBUG)
    slack.plan("chat.postMessage", fault)
    trace = ""

    try:
        post_summary(summary, settings, say=logging.getLogger("nightmail").info)
    except (SlackRefusedError, SlackUnavailableError):
        trace = traceback.format_exc()

    assert bool(trace) == (fault is not None)
    assert slack.token not in caplog.text + trace + repr(settings)
    written = [f for f in settings.archive_root().rglob("*") if f.is_file()]
    assert [f for f in written if slack.token.encode() in f.read_bytes()] == []
    assert any(f.name == f"{NIGHT}.slack.json" for f in written)


def test_the_history_is_read_once(
    settings: Settings, summary: Summary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many channels there are, the nights before are read once."""
    read: list[str] = []

    def count(*args: Any) -> Any:
        read.append(args[2])
        return read_history(*args)

    monkeypatch.setattr(bulletins, "read_history", count)
    mine = routed(settings, Route(channel="#{class}"), Route(channel="#other"))

    prepared = list(bulletins.prepare_bulletins(summary, mine))

    assert len(prepared) > 2
    assert read == [NIGHT]

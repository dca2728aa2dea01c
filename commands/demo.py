"""`nightmail demo`: two simulated nights, from the store to a reader, and checked."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from commands.options import settings_option
from settings.errors import IncompleteNightError

if TYPE_CHECKING:
    from archive.totals import Summary
    from settings.model import Settings

ALERTS = {"ztf": 5000, "lsst": 1000}
"""Alerts of a simulated night."""

FIRST_NIGHT = "20260301"
"""Night of the first demo; each takes the one after the last that is there."""

QUESTIONS = (
    (
        "Which filter kept what?",
        """
        select survey, filter, class, count(*) as alerts from matches
        where night = '{night}' group by all order by alerts desc limit 12
        """,
    ),
    (
        "Which ZTF alerts did most filters keep?",
        """
        select a.objectId, round(a.candidate.ra, 4) as ra, round(a.candidate.dec, 4)
          as dec, round(a.candidate.magpsf, 2) as magpsf, count(*) as filters
        from ztf.matches m join ztf.alerts a on m.id = a.candid and m.night = a.night
        where m.night = '{night}' group by all order by filters desc, magpsf limit 5
        """,
    ),
    (
        "What came of the nights so far?",
        "select survey, night, status, alerts, kept from nights order by night, survey",
    ),
)
"""What DuckDB is asked at the end."""

log = logging.getLogger("nightmail")


@click.command()
@click.option("--keep", is_flag=True, help="Leave Kafka running at the end.")
@settings_option
def demo(*, keep: bool, settings: "Settings") -> None:
    """Show one whole night of both surveys, in about two minutes.

    Simulates a night of ZTF and one of LSST, starts a real Kafka, runs the nightly flow
    on both, shows what came of them, and runs it again to show that nothing is sent
    twice. The numbers are checked by an independent reader of the topics.

    \b
    Examples:
      nightmail demo
      nightmail demo --keep
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.local import running  # noqa: PLC0415 - seconds, not for --help
    from runtime.spark import spark_session  # noqa: PLC0415

    started = datetime.now(UTC) - timedelta(seconds=1)
    night = _next_night(settings)
    with ExitStack() as stack:
        _say(f"1. A night that never was: {night}")
        _simulate(settings, night)
        _say("2. Kafka and Spark")
        access = stack.enter_context(running(settings, keep=keep))
        stack.enter_context(spark_session(settings))
        _say("3. The nightly flow, once per survey")
        summaries = {survey: _run(settings, survey, night) for survey in ALERTS}
        _say("4. An independent count of the topics")
        public = access.reader
        _check(public, summaries, started)
        _say("5. The same night again")
        _run_again(settings, night, public, summaries, started)
        _say("6. DuckDB on the archive")
        _ask(settings, night)
        _say("7. One alert, as a reader gets it")
        _read_one(public, summaries["ztf"])
    _say("What next")
    _suggest(night, keep=keep)


def _say(title: str) -> None:
    click.echo(f"\n{click.style(title, bold=True)}\n")


def _next_night(settings: "Settings") -> str:
    from store.night import list_nights  # noqa: PLC0415
    from store.path import StorePath  # noqa: PLC0415

    stores = [StorePath(settings.store_uri(survey)) for survey in ALERTS]
    there = {night for store in stores for night in list_nights(store)}
    if not there:
        return FIRST_NIGHT
    last = datetime.strptime(max(there), "%Y%m%d").replace(tzinfo=UTC)
    return f"{last + timedelta(days=1):%Y%m%d}"


def _simulate(settings: "Settings", night: str) -> None:
    from simulator import simulate_night  # noqa: PLC0415

    for survey, alerts in ALERTS.items():
        root = settings.store_root(survey)
        files = simulate_night(
            root, survey=survey, night=night, alerts=alerts, seed=int(night)
        )
        size = sum(file.stat().st_size for file in files) / 1e6
        click.echo(f"{survey}: {alerts:,} alerts, {size:.0f} MB, in {root}")


def _run(settings: "Settings", survey: str, night: str) -> "Summary":
    """Run the flow, show its table; the flow itself shows the Slack message."""
    from archive.summary import read_summary  # noqa: PLC0415
    from archive.tables import show_table  # noqa: PLC0415
    from flows.by_hand import run_night  # noqa: PLC0415

    ending = run_night(settings, survey=survey, night=night)
    summary = read_summary(settings.archive_root(), survey, night)
    if ending.exit_code or summary is None:
        raise IncompleteNightError(
            f"The night {night} of {survey} failed: {' '.join(ending.failures)}"
        )
    click.echo(f"\n{show_table(summary)}\n")
    return summary


def _check(
    public: Mapping[str, Any], summaries: Mapping[str, "Summary"], started: datetime
) -> None:
    from cluster.count import count_topics  # noqa: PLC0415

    for survey, summary in summaries.items():
        topics = [topic.topic for topic in summary.topics]
        counts = count_topics(public, topics, night=summary.night, since=started)
        doubled = sum(count - 1 for count in counts.values())
        for topic in summary.topics:
            found = sum(1 for name, _ in counts if name == topic.topic)
            if found != topic.delivered or doubled:
                raise IncompleteNightError(
                    f"{topic.topic} has {found} alerts of the night, {doubled} of"
                    f" {survey} are doubled, and the summary says {topic.delivered}."
                )
        click.echo(
            f"{survey}: {counts.total():,} messages on {len(topics)} topics, as the"
            " summary says: none lost, none doubled."
        )


def _run_again(
    settings: "Settings",
    night: str,
    public: Mapping[str, Any],
    summaries: Mapping[str, "Summary"],
    started: datetime,
) -> None:
    from flows.by_hand import run_night  # noqa: PLC0415

    for survey in summaries:
        # Its message is the same again: only the topics are worth a look.
        with _hushed():
            ending = run_night(settings, survey=survey, night=night)
        if ending.exit_code:
            raise IncompleteNightError(f"The second run failed: {ending.failures}")
    _check(public, summaries, started)
    click.echo("The second run sent nothing.")


@contextmanager
def _hushed() -> Iterator[None]:
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


def _ask(settings: "Settings", night: str) -> None:
    from archive.views import open_archive  # noqa: PLC0415

    connection = open_archive(settings.archive_root())
    for question, query in QUESTIONS:
        click.echo(question)
        click.echo(str(connection.sql(query.format(night=night))))


def _read_one(public: Mapping[str, Any], summary: "Summary") -> None:
    from nightmail import AlertConsumer  # noqa: PLC0415

    topic = max(summary.topics, key=lambda t: t.delivered).topic
    config = {**public, "group.id": f"demo-{summary.night}"}
    with AlertConsumer([topic], config) as consumer:
        for _, alert, key in consumer:
            if consumer.headers["night"] == summary.night:
                _show(topic, alert, key)
                return


def _show(topic: str, alert: Mapping[str, Any], key: str) -> None:
    candidate = alert["candidate"]
    click.echo(f"{topic}: {alert['objectId']} (candid {alert['candid']})")
    click.echo(f"  ra {candidate['ra']:.5f}, dec {candidate['dec']:.5f} [deg, ICRS]")
    click.echo(f"  magpsf {candidate['magpsf']:.2f}, jd {candidate['jd']:.4f}")
    click.echo(f"  {len(alert['prv_candidates'])} earlier measurements")
    click.echo(f"  {len(alert)} fields, the schema of {len(key):,} bytes with it")


def _suggest(night: str, *, keep: bool) -> None:
    kafka = ("status", "where readers go") if keep else ("start", "to read the topics")
    lines = {
        "source .venv/bin/activate": "so that the command is at hand",
        f"nightmail cluster {kafka[0]}": kafka[1],
        'nightmail archive sql "select * from nights"': "ask the archive yourself",
        f"nightmail night --survey ztf --night {night}": "nothing is sent again",
        "nightmail settings": "what can be set",
        "nightmail --help": "the rest",
    }
    for line, why in lines.items():
        click.echo(f"{line:46}{why}")

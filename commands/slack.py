"""`nightmail slack`: check what Slack would take, post a night, send a message."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.options import json_option, night_option, settings_option, survey_option
from settings.errors import NothingThereError, SettingsError

if TYPE_CHECKING:
    from archive.totals import Summary
    from nightmail.slack import SlackClient
    from settings.model import Settings
    from tasks.check_slack import Finding


@click.group()
def slack() -> None:
    """Post nights to Slack, and see whether that would work."""


@slack.command()
@json_option
@settings_option
@click.pass_context
def check(context: click.Context, *, as_json: bool, settings: "Settings") -> None:
    """Look at the token, its scopes and the channels, and post nothing.

    Exit codes: 0 all that is needed is there, 1 something is missing and is named, 2 no
    token is set, 5 Slack is not reachable.

    \b
    Examples:
      nightmail slack check
      nightmail slack check --json
    """  # noqa: D301 - click's mark is a real backspace
    from tasks.check_slack import check_slack  # noqa: PLC0415 - not for --help

    found = check_slack(_open(settings), settings.slack)
    if as_json:
        click.echo(json.dumps([vars(one) for one in found], indent=1))
    else:
        click.echo(_show(found))
    context.exit(1 if any(one.state == "missing" for one in found) else 0)


@slack.command()
@survey_option
@night_option(required=True)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print the messages and save them with their files; post nothing.",
)
@click.option(
    "--out",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where --dry-run saves; by default slack-SURVEY-NIGHT.",
)
@settings_option
def post(
    *, survey: str, name: str, dry_run: bool, out: Path | None, settings: "Settings"
) -> None:
    """Post a night's summary to its channels, or change what was posted before.

    The nightly run does it by itself. By hand it is for a night that was run without a
    token, or under other routes. However often it is posted, a night has one message
    in a channel.

    --dry-run needs no token. It prints each channel's message, and saves in a folder a
    channel the exact JSON of every message, the table and the pictures.

    Exit codes: 0 posted, 1 Slack refuses, 2 wrong use or settings, 3 the night has no
    summary, 5 Slack or the archive is not reachable.

    \b
    Examples:
      nightmail slack post --survey ztf --night 20260301 --dry-run
      nightmail slack post --survey lsst --night 20260310
    """  # noqa: D301 - click's mark is a real backspace
    # DuckDB and Arrow take half a second to load: not for --help.
    from tasks.post_summary import post_summary  # noqa: PLC0415

    summary = _summary(settings, survey, name)
    if dry_run:
        _save(summary, settings, out or Path(f"slack-{survey}-{name}"))
        return
    _open(settings)
    outcomes = post_summary(summary, settings)
    for channel, outcome in outcomes.items():
        click.echo(f"{channel}: {outcome}")


@slack.command()
@click.argument("target")
@click.argument("text")
@settings_option
def send(target: str, text: str, *, settings: "Settings") -> None:
    """Send TEXT to TARGET: a #channel, a display name, a @handle, an e-mail or an id.

    Slack's markup in the text works. With - for TEXT it is read from standard input.

    Exit codes: 0 sent, 1 Slack refuses, 2 no token is set, 5 Slack is not reachable.

    \b
    Examples:
      nightmail slack send "#newsletter" "A new version is out."
      nightmail slack send "Bob" "Your submitted query is complete."
      nightmail slack send ops@example.org - < report.txt
    """  # noqa: D301 - click's mark is a real backspace
    given = sys.stdin.read() if text == "-" else text
    if not given.strip():
        raise click.UsageError("There is no text to send.")
    sent = _open(settings).send_message(target, given)
    click.echo(f"Sent to {target} ({sent.channel}, {sent.ts}).")


def _open(settings: "Settings") -> "SlackClient":
    from tasks.post_summary import open_slack  # noqa: PLC0415 - not for --help

    client = open_slack(settings)
    if client is None:
        raise SettingsError(
            "No token is set; put the bot's into NIGHTMAIL_SLACK__TOKEN (or"
            " SLACK_API_TOKEN): docs/slack.md tells how to get one."
        )
    return client


def _summary(settings: "Settings", survey: str, night: str) -> "Summary":
    from archive.summary import read_summary  # noqa: PLC0415 - not for --help
    from settings.nights import check_night, check_survey  # noqa: PLC0415

    check_survey(survey)
    check_night(night)
    summary = read_summary(settings.archive_root(), survey, night)
    if summary is None:
        raise NothingThereError(
            f"The night {night} of {survey} has no summary in"
            f" {settings.archive_root()}; run it first: nightmail night --survey"
            f" {survey} --night {night}."
        )
    return summary


def _show(found: "list[Finding]") -> str:
    from archive.tables import aligned  # noqa: PLC0415 - not for --help

    rows = [[one.what, one.state, one.advice] for one in found]
    return "\n".join(aligned(["what", "state", ""], rows, right=[False] * 3))


def _save(summary: "Summary", settings: "Settings", folder: Path) -> None:
    """Print what would be posted, and save it, a folder a channel."""
    from tasks.bulletins import prepare_bulletins  # noqa: PLC0415 - not for --help
    from tasks.save_bulletin import save_bulletin  # noqa: PLC0415

    for prepared in prepare_bulletins(summary, settings):
        click.echo(f"{prepared.share.channel}\n\n{prepared.bulletin.plain}\n")
        for file in save_bulletin(prepared, folder):
            click.echo(f"Saved {file}", err=True)

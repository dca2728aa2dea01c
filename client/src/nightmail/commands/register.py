"""`nightmail register`: keep what one was given to read alerts."""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from nightmail import credentials as kept
from nightmail._errors import ConfigError
from nightmail.commands.spelling import ManualCommand

__all__ = ["register"]

_NO_PASSWORD = ("", "None", "none", "null")
"""How the manuals write that there is no password."""


@click.command(cls=ManualCommand, greedy=("--topics",))
@click.option(
    "--survey",
    type=click.Choice(kept.SURVEYS),
    help="By default that of the topics' names, else ztf.",
)
@click.option("--username", metavar="NAME", help="As you were given it.")
@click.option(
    "--group", metavar="GROUP", help="Group of readers, as you were given it."
)
@click.option("--servers", metavar="HOST:PORT,…", help="Of Kafka.")
@click.option(
    "--topics", multiple=True, metavar="TOPIC", help="What to read; one or several."
)
@click.option(
    "--maxtimeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long to wait for an alert; 10 if never said.",
)
@click.option("--ask-password", is_flag=True, help="Ask for it, without showing.")
@click.option("--password-stdin", is_flag=True, help="Read the password from stdin.")
@click.option(
    "--password",
    metavar="NONE",
    help="null takes a kept password away. Others on this machine can see what you"
    " write here: use --ask-password.",
)
@click.option(
    "--ca",
    metavar="FILE",
    type=click.Path(dir_okay=False, exists=True, resolve_path=True),
    help="Certificate of the servers' authority, where they are reached by TLS.",
)
@click.option(
    "--credentials",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to keep it; by default a file of yours, which is named at the end.",
)
@click.option("--tmp", is_flag=True, help="Keep it in the folder of temporary files.")
@click.option("--show", is_flag=True, help="Change nothing; show what is kept.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.option("--verbose", is_flag=True, help="Show what is kept, after all.")
@click.option("--log-level", hidden=True, help="Of the manual; it changes nothing.")
def register(  # noqa: PLR0913 - one for each option
    *,
    survey: str | None,
    topics: Sequence[str],
    ask_password: bool,
    password_stdin: bool,
    password: str | None,
    ca: str | None,
    file: Path | None,
    tmp: bool,
    show: bool,
    as_json: bool,
    verbose: bool,
    log_level: str | None,  # noqa: ARG001
    **given: Any,
) -> None:
    """Keep what you were given: servers, group, topics, name.

    What you do not give stays as it was. The file is readable by you only. Files of
    fink-client 8 to 12 are found where they are; there is no need to register again.
    Its own spellings, -group_id, -groupid and -mytopics, are understood.

    \b
    Examples:
      nightmail register --survey ztf --username ada --group ada \\
        --servers kafka.example.org:9092 --topics fink_sn_candidates_ztf
      nightmail register --survey ztf --ask-password
      nightmail register --survey ztf --show
    """  # noqa: D301 - click's mark is a real backspace
    place = _temporary_file() if tmp and file is None else file
    if not show:
        values = {name: value for name, value in given.items() if value is not None}
        values |= {"topics": list(topics)} if topics else {}
        values |= {"ssl.ca.location": ca} if ca else {}
        values |= _password(password, stdin=password_stdin, ask=ask_password)
        survey = survey or _survey_of(topics)
        place = kept.save(survey, path=place, **values)
    if show or as_json or verbose:
        found = kept.load(survey, place)
        click.echo(_shown(found, as_json=as_json))
    if not show:
        click.echo(f"Credentials stored at {place}", err=as_json)


def _survey_of(topics: Sequence[str]) -> str:
    ends = {topic.rpartition("_")[2] for topic in topics}
    return "lsst" if ends == {"lsst"} else "ztf"


def _password(given: str | None, *, stdin: bool, ask: bool) -> dict[str, str | None]:
    if sum((given is not None, stdin, ask)) > 1:
        raise click.UsageError("Give one of --password, --password-stdin and --ask-…")
    if stdin:
        given = sys.stdin.readline().rstrip("\r\n")
        if not given:
            raise ConfigError("There is no password on stdin.")
        return {"password": given}
    if ask:
        return {"password": click.prompt("Password", hide_input=True, err=True)}
    if given in _NO_PASSWORD:
        return {"password": None}
    if given is None:
        return {}
    click.echo(
        "Warning: others on this machine may have seen your password; use"
        " --ask-password next time.",
        err=True,
    )
    return {"password": given}


def _temporary_file() -> Path:
    """Name a file below a folder that is the user's own."""
    user = os.getuid() if hasattr(os, "getuid") else os.getlogin()
    folder = Path(tempfile.gettempdir()) / f"nightmail-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise ConfigError(f"{folder} is somebody else's; name a file: --credentials.")
    return folder / "credentials.yml"


def _shown(found: kept.Credentials, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(found.shown(), indent=1)
    return "\n".join(f"{k}: {_plain(v)}" for k, v in sorted(found.shown().items()))


def _plain(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)

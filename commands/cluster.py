"""The local Kafka: start it, stop it, ask how it stands."""

import json
from typing import Any

import click

from cluster import local
from commands.options import settings_option
from settings import Settings


@click.group()
def cluster() -> None:
    """Start, stop and ask the local Kafka.

    \b
    Examples:
      nightmail cluster start
    """  # noqa: D301 - click's mark is a real backspace


@cluster.command()
@click.option(
    "--port",
    type=click.IntRange(1024, 65533),
    help="First of three ports; by default the last start's, else 9092 if it is free.",
)
@settings_option
def start(settings: Settings, port: int | None) -> None:
    """Start Kafka, and wait until it can be used.

    It goes on after this command ends. The first start fetches it (44 MB).

    \b
    Examples:
      nightmail cluster start --port 19092
    """  # noqa: D301 - click's mark is a real backspace
    click.echo(_render(local.start(settings, port=port)))


@cluster.command()
@settings_option
def stop(settings: Settings) -> None:
    """Stop Kafka; topics and users stay for the next start.

    \b
    Examples:
      nightmail cluster stop --settings survey.toml
    """  # noqa: D301 - click's mark is a real backspace
    click.echo(_render(local.stop(settings)))


@cluster.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@settings_option
def status(settings: Settings, *, as_json: bool) -> None:
    """Tell whether Kafka runs, and where to reach it.

    \b
    Examples:
      nightmail cluster status --json
    """  # noqa: D301 - click's mark is a real backspace
    found = local.status(settings)
    if as_json:
        click.echo(json.dumps(_describe(found, settings), indent=2))
    else:
        click.echo(_render(found))


def _describe(found: local.Status, settings: Settings) -> dict[str, Any]:
    return {
        "running": found.running,
        "died": found.died,
        "bootstrap_servers": found.bootstrap_servers,
        "public_servers": found.public_servers,
        "pid": found.pid,
        "started": found.started,
        "state_dir": str(settings.state_dir),
        "log": str(found.log),
    }


def _render(found: local.Status) -> str:
    if found.running:
        return "\n".join(
            [
                f"Kafka runs (process {found.pid}).",
                f"  users log in at    {found.bootstrap_servers}",
                f"  everybody reads at {found.public_servers}",
                f"  its data are in    {found.folder}",
                f"  its log is         {found.log}",
            ]
        )
    if found.died:
        return f"Kafka does not run: it ended by itself; see {found.log}."
    return "Kafka does not run."

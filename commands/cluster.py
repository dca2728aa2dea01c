"""The local Kafka: start it, stop it, ask how it stands; and whether any is well."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cluster import local
from commands.options import settings_option
from settings import Settings

if TYPE_CHECKING:
    from cluster.doctor import Examination

LINES = 50
"""Lines of a log that are shown."""


@click.group()
def cluster() -> None:
    """Start, stop and ask the local Kafka; see whether any Kafka is well.

    \b
    Examples:
      nightmail cluster start
    """  # noqa: D301 - click's mark is a real backspace


@cluster.command()
@click.option(
    "--port",
    type=click.IntRange(1024, 65533),
    help="First of three ports for each broker; by default the last start's, else 9092"
    " if it is free.",
)
@click.option(
    "--brokers",
    type=click.Choice(["1", "3"]),
    help="Three keep all copies in three processes; said once, at the first start.",
)
@click.option(
    "--tls/--no-tls",
    default=None,
    help="Whether users log in over TLS; by default as cluster.tls or the last start.",
)
@settings_option
def start(
    settings: Settings, port: int | None, brokers: str | None, *, tls: bool | None
) -> None:
    """Start Kafka, and wait until it can be used.

    It goes on after this command ends. The first start fetches it (44 MB), unless
    KAFKA_HOME names an installation. Of three brokers, those that have died are begun
    again.

    \b
    Examples:
      nightmail cluster start --port 19092
      nightmail cluster start --brokers 3 --tls
    """  # noqa: D301 - click's mark is a real backspace
    count = int(brokers) if brokers else None
    click.echo(_render(local.start(settings, port=port, brokers=count, tls=tls)))


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


@cluster.command()
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(0),
    default=LINES,
    show_default=True,
    help="How many of the last lines; of each broker, if there are several.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is added.")
@click.option("--broker", type=int, help="Only this one of several.")
@settings_option
def logs(settings: Settings, lines: int, broker: int | None, *, follow: bool) -> None:
    """Show what Kafka said since its last start.

    \b
    Examples:
      nightmail cluster logs -n 200
      nightmail cluster logs --follow --broker 2
    """  # noqa: D301 - click's mark is a real backspace
    from cluster import logs as written  # noqa: PLC0415

    there = local.status(settings).brokers
    chosen = [each for each in there if broker in (None, each.number)]
    if not chosen:
        raise click.BadParameter(f"there is none, only 1 to {len(there)}.")
    form = "{text}" if len(there) == 1 else "{broker} | {text}"
    added = written.follow(chosen) if follow else iter(())
    for line in written.read_end(chosen, lines):
        click.echo(form.format(**asdict(line)))
    for line in added:
        click.echo(form.format(**asdict(line)))


@cluster.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@settings_option
def destroy(settings: Settings, *, yes: bool) -> None:
    """Forget the local Kafka: its topics, users, rights and ledger.

    Asks twice. Stops it first if it runs, and refuses while a run uses it. The archive
    and the store stay; but without its ledger a night that is run again is sent again.

    \b
    Examples:
      nightmail cluster destroy
      nightmail cluster destroy --yes
    """  # noqa: D301 - click's mark is a real backspace
    folder = local.status(settings).folder
    if folder.exists() and not yes:
        click.confirm(f"Forget the local Kafka in {folder}?", abort=True)
        click.confirm(
            "Its topics, users, rights and ledger cannot be had back, and nights that"
            " are run again are sent again. Really?",
            abort=True,
        )
    local.destroy(settings)
    click.echo(f"There is no Kafka in {folder} any more.")


@cluster.command()
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@settings_option
@click.pass_context
def doctor(context: click.Context, settings: Settings, *, as_json: bool) -> None:
    """Look whether Kafka is well: the local one, or your own.

    Who can log in where and with which rights, versions, brokers, partitions that lack
    copies, disk, certificate, and transactions that hang. Changes nothing.

    Exit codes: 0 all is well, 1 something is wrong, 2 Kafka refuses us or a setting is
    wrong, 5 Kafka does not answer.

    \b
    Examples:
      nightmail cluster doctor
      nightmail cluster doctor --json
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.doctor import examine  # noqa: PLC0415

    found = examine(settings, at=datetime.now(UTC))
    click.echo(json.dumps(asdict(found), indent=2) if as_json else _show(found))
    context.exit(found.exit_code)


def _show(found: "Examination") -> str:
    from archive.tables import aligned  # noqa: PLC0415

    rows = [(each.check, each.state, each.told) for each in found.findings]
    head = ("what", "state", "found")
    return "\n".join(aligned(head, rows, right=[False] * len(head)))


def _describe(found: local.Status, settings: Settings) -> dict[str, Any]:
    return {
        "running": found.running,
        "died": found.died,
        "bootstrap_servers": found.bootstrap_servers,
        "public_servers": found.public_servers,
        "tls": found.tls,
        "authority": str(found.authority) if found.authority else None,
        "pid": found.pid,
        "started": found.started,
        "state_dir": str(settings.state_dir),
        "log": str(found.log),
        "brokers": [
            {
                "broker": broker.number,
                "running": broker.running,
                "died": broker.died,
                "pid": broker.pid,
                "ports": asdict(broker.ports) if broker.ports else None,
                "log": str(broker.log),
            }
            for broker in found.brokers
        ],
    }


def _render(found: local.Status) -> str:
    if found.running:
        how = " over TLS" if found.tls else ""
        lines = [
            _headline(found),
            f"  users log in at    {found.bootstrap_servers}{how}",
            f"  everybody reads at {found.public_servers}",
            f"  its data are in    {found.folder}",
        ]
        if found.authority:
            lines.append(f"  users trust        {found.authority}")
        if len(found.brokers) == 1:
            return "\n".join([*lines, f"  its log is         {found.log}"])
        return "\n".join([*lines, *map(_render_broker, found.brokers)])
    if found.died:
        log = next(broker.log for broker in found.brokers if broker.died)
        return f"Kafka does not run: it ended by itself; see {log}."
    return "Kafka does not run."


def _headline(found: local.Status) -> str:
    alive = sum(broker.running for broker in found.brokers)
    if len(found.brokers) == 1:
        return f"Kafka runs (process {found.pid})."
    if alive == len(found.brokers):
        return f"Kafka runs ({alive} brokers)."
    return (
        f"Kafka runs, {alive} of {len(found.brokers)} brokers: `nightmail cluster"
        " start` begins the others."
    )


def _render_broker(broker: local.BrokerStatus) -> str:
    state = f"process {broker.pid}" if broker.running else "does not run"
    state = "ended by itself" if broker.died else state
    return f"  broker {broker.number}: {state:18} {broker.log}"

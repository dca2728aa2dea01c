"""`nightmail topics`: the topics there are, made, described, deleted."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cluster.topic_config import COMPRESSIONS, topic_config
from commands.options import (
    json_option,
    settings_file_option,
    settings_option,
    yes_option,
)
from settings import Settings

if TYPE_CHECKING:
    from cluster.topic_facts import PartitionFacts


@click.group(invoke_without_command=True)
@json_option
@settings_file_option
@click.pass_context
def topics(
    context: click.Context, *, as_json: bool, settings_file: Path | None
) -> None:
    """List the topics; make, describe and delete them.

    Alerts are counted by the records of nights. Where these do not tell, the count is
    said with ≤: Kafka counts offsets, and the ends of transactions have some too.

    \b
    Examples:
      nightmail topics
      nightmail topics --json
    """  # noqa: D301 - click's mark is a real backspace
    if context.invoked_subcommand is None:
        show_list(as_json=as_json, settings_file=settings_file)
    elif as_json or settings_file:
        raise click.UsageError(
            f"Put --json and --settings behind {context.invoked_subcommand}."
        )


@settings_option
def show_list(settings: Settings, *, as_json: bool) -> None:
    """Print the topics.

    Parameters
    ----------
    settings
        Where Kafka is.
    as_json
        For scripts.
    """
    from archive.tables import aligned  # noqa: PLC0415
    from cluster.access import connect  # noqa: PLC0415
    from cluster.topic_facts import list_topics, total  # noqa: PLC0415

    found = list_topics(connect(settings), settings)
    if as_json:
        click.echo(json.dumps([_brief(name, p) for name, p in found.items()], indent=1))
        return
    rows = [
        (name, str(len(p)), str(len(p[0].copies)), str(total(p)))
        for name, p in found.items()
    ]
    head, right = ("topic", "partitions", "copies", "alerts"), (False, True, True, True)
    click.echo("\n".join(aligned(head, rows, right=right)) if rows else "No topics.")


@topics.command()
@click.argument("names", metavar="[TOPIC]...", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="All of the catalogue's, and ours.")
@click.option(
    "--partitions",
    type=click.IntRange(1, 512),
    help="By default topics.partitions.",
)
@click.option(
    "--replication",
    type=click.IntRange(1, 9),
    help="Copies; by default topics.replication, on the local Kafka one on each"
    " broker.",
)
@click.option(
    "--retention",
    multiple=True,
    metavar="TIME|SIZE",
    help="4d, 168h, forever; 500MB, bytes of a partition; both may be given. By"
    " default topics.retention.",
)
@click.option(
    "--max-message-bytes",
    type=click.IntRange(1024),
    help="Largest batch of records; by default 4194304, for LSST's largest alerts.",
)
@click.option(
    "--compression",
    type=click.Choice(COMPRESSIONS),
    help="How they are kept; by default as they come.",
)
@settings_option
def create(  # noqa: PLR0913 - one for each option
    settings: Settings,
    *,
    names: Sequence[str],
    all_: bool,
    partitions: int | None,
    replication: int | None,
    retention: Sequence[str],
    max_message_bytes: int | None,
    compression: str | None,
) -> None:
    """Make topics; one that is there already stays as it is.

    \b
    Examples:
      nightmail topics create fink_outstream
      nightmail topics create --all
      nightmail topics create fink_big_lsst --partitions 8 --retention 4d
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.topics import ensure_topics  # noqa: PLC0415

    config = topic_config(
        retention=retention,
        max_message_bytes=max_message_bytes,
        compression=compression,
    )
    is_special = bool(config or partitions or replication)
    if all_ == bool(names) or (all_ and is_special):
        raise click.UsageError("Name topics, or give --all and nothing else.")
    access = connect(settings)
    if all_:
        from tasks.prepare_topics import make_all_topics  # noqa: PLC0415

        made = make_all_topics(settings, access)
    else:
        made = ensure_topics(
            access,
            settings,
            names,
            config=config,
            partitions=partitions,
            replication=replication,
        )
    for name in dict.fromkeys((*names, *made)):
        is_new = name in made
        click.echo(f"Made {name}." if is_new else f"{name} is there already.")
    if not (names or made):
        click.echo("All topics are there already.")


@topics.command()
@click.argument("topic", metavar="TOPIC")
@click.option("--force", is_flag=True, help="Even if it is being read.")
@yes_option
@settings_option
def delete(settings: Settings, *, topic: str, force: bool, yes: bool) -> None:
    """Delete a topic with all its alerts.

    A topic that somebody reads is not deleted, unless forced.

    \b
    Examples:
      nightmail topics delete fink_outstream
      nightmail topics delete fink_outstream --yes
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.topics import delete_topic  # noqa: PLC0415

    access = connect(settings)
    if not yes:
        click.confirm(f"Delete {topic} with all its alerts?", abort=True, err=True)
    delete_topic(access, topic, even_if_read=force)
    click.echo(f"Deleted {topic}.")


@topics.command()
@click.argument("topic", metavar="TOPIC")
@json_option
@settings_option
def describe(settings: Settings, *, topic: str, as_json: bool) -> None:
    """Tell all about a topic: partitions, alerts, settings, times, schema, readers.

    \b
    Examples:
      nightmail topics describe fink_sn_candidates_ztf
      nightmail topics describe fink_sn_candidates_ztf --json
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.topic_facts import describe_topic  # noqa: PLC0415
    from commands.topic_tables import facts_record, show_facts  # noqa: PLC0415

    facts = describe_topic(connect(settings), settings, topic)
    if as_json:
        click.echo(json.dumps(facts_record(facts), indent=1))
    else:
        click.echo(show_facts(facts))


@topics.command()
@click.argument("topic", metavar="TOPIC")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; by default it is printed.",
)
@settings_option
def schema(settings: Settings, *, topic: str, out: Path | None) -> None:
    """Write the Avro schema of a topic's newest alert.

    \b
    Examples:
      nightmail topics schema fink_sn_candidates_ztf --out schema.avsc
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.topic_facts import read_schema  # noqa: PLC0415

    text = json.dumps(read_schema(connect(settings), topic), indent=1) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error}.") from error
    click.echo(f"Wrote {out}.")


def _brief(name: str, partitions: Sequence["PartitionFacts"]) -> dict[str, Any]:
    from cluster.topic_facts import total  # noqa: PLC0415

    alerts = total(partitions)
    return {
        "topic": name,
        "partitions": len(partitions),
        "copies": len(partitions[0].copies),
        "alerts": alerts.number,
        "exact": alerts.is_exact,
    }

"""`nightmail acl`: rights added, removed and listed."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from commands.options import json_option, settings_option
from settings import Settings

if TYPE_CHECKING:
    from cluster.acls import Rule

HEAD = ("user", "may", "on", "name", "from host")
"""Headings of the table."""


@click.group()
def acl() -> None:
    """Say who may read and write which topics, from where.

    \b
    Examples:
      nightmail acl add -u alice -c alice_group -t fink_sn_candidates_ztf
    """  # noqa: D301 - click's mark is a real backspace


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-u -H -c -p -t`, as the manual has them.

    Parameters
    ----------
    command
        Takes the keywords `user`, `host`, `group`, `producer` and `topic`.
    """
    for option in reversed(
        (
            click.option("-u", "--user", required=True, help="Who may."),
            click.option(
                "-H",
                "--host",
                default="*",
                metavar="IP",
                help="IP address from which it holds; by default all.",
            ),
            click.option(
                "-c",
                "--consumer-group",
                "group",
                metavar="GROUP",
                help="Read, in this group; 'name*' is all that begin so.",
            ),
            click.option("-p", "--producer", is_flag=True, help="Write."),
            click.option("-t", "--topic", help="Topic; 'fink_*' is all that begin so."),
        )
    ):
        command = option(command)
    return command


@acl.command()
@rule_options
@settings_option
def add(settings: Settings, **wish: Any) -> None:
    """Allow a user to read (-c) or write (-p) a topic.

    Without -t only the group is allowed. What is there already stays.

    \b
    Examples:
      nightmail acl add -u alice -c alice_group -t fink_sn_candidates_ztf
      nightmail acl add -u alice -H 192.0.2.7 -c 'alice_*' -t 'fink_*'
      nightmail acl add -u bob -p -t bobs_topic
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.acls import add_rules  # noqa: PLC0415

    rules = make_rules(**wish)
    tell_added(rules, add_rules(connect(settings), rules))


@acl.command()
@rule_options
@settings_option
def remove(settings: Settings, **wish: Any) -> None:
    """Take back exactly what `add` with the same words has allowed.

    The group is kept while the same user reads other topics, which may be in that
    group: to take back a group by itself, leave out -t.

    \b
    Examples:
      nightmail acl remove -u alice -c alice_group -t fink_sn_candidates_ztf
      nightmail acl remove -u alice -c alice_group
    """  # noqa: D301 - click's mark is a real backspace
    take_away(settings, make_rules(**wish))


@acl.command("list")
@click.option("-u", "--user", help="Only those of this user.")
@json_option
@settings_option
def list_(settings: Settings, *, user: str | None, as_json: bool) -> None:
    """List the rights.

    \b
    Examples:
      nightmail acl list
      nightmail acl list -u alice --json
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.acls import describe_rule, list_rules  # noqa: PLC0415

    rules = list_rules(connect(settings), user=user)
    if as_json:
        click.echo(json.dumps([describe_rule(one) for one in rules], indent=1))
    else:
        click.echo(show_rules(rules))


def make_rules(
    *, user: str, host: str, group: str | None, producer: bool, topic: str | None
) -> list["Rule"]:
    """Make the rights that `-u -H -c -p -t` mean.

    Parameters
    ----------
    user, host
        Who, and from where.
    group
        To read, in this group.
    producer
        To write.
    topic
        What.

    Raises
    ------
    click.UsageError
        Neither or both of reading and writing are asked for, or a topic is lacking.
    SettingsError
        A name or the host cannot be.
    """
    from cluster.acls import consumer_rules, producer_rules  # noqa: PLC0415

    if (group is None) != producer:
        raise click.UsageError("Say -c GROUP for one who reads, or -p for a producer.")
    if producer and topic is None:
        raise click.UsageError("Say by -t which topic the producer may write.")
    if producer:
        return producer_rules(user, topic=topic or "", host=host)
    return consumer_rules(user, topic=topic, group=group, host=host)


def tell_added(rules: Sequence["Rule"], added: Sequence["Rule"]) -> None:
    """Say which of the wished rights are new."""
    for one in rules:
        new = "Allowed" if one in added else "Allowed already"
        click.echo(f"{new}: {one}.")


def take_away(settings: Settings, rules: Sequence["Rule"]) -> None:
    """Take back rights, and say what became of each.

    Parameters
    ----------
    settings
        Where Kafka is.
    rules
        Exactly these.
    """
    from cluster.access import connect  # noqa: PLC0415
    from cluster.grants import take_back  # noqa: PLC0415

    done = take_back(connect(settings), rules)
    for one in rules:
        if one in done.removed:
            click.echo(f"Taken back: {one}.")
        elif one in done.kept:
            click.echo(
                f"Kept: {one}, since {one.user} reads other topics; leave"
                " out -t to take it back too."
            )
        else:
            click.echo(f"Was not allowed: {one}.")


def show_rules(rules: Iterable["Rule"]) -> str:
    """Give a table of rights."""
    from archive.tables import aligned  # noqa: PLC0415

    rows = [
        (
            one.user,
            one.deed,
            one.kind.replace("_", " "),
            one.target,
            one.host,
        )
        for one in rules
    ]
    return "\n".join(aligned(HEAD, rows, right=[False] * 5)) if rows else "No rights."

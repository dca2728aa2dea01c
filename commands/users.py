"""`nightmail users`: who has a password, and what each may do."""

import json
from typing import TYPE_CHECKING, Any

import click

from commands.options import json_option, settings_option, yes_option
from commands.passwords import Password, password_options, take_password
from settings import Settings

if TYPE_CHECKING:
    from cluster.acls import Rule


@click.group()
def users() -> None:
    """Make, list and remove users, who log in by SCRAM-SHA-512.

    \b
    Examples:
      nightmail users add alice
    """  # noqa: D301 - click's mark is a real backspace


@users.command()
@click.argument("user", metavar="USER")
@password_options
@json_option
@settings_option
def add(settings: Settings, *, user: str, as_json: bool, **source: Any) -> None:
    """Make a user. A password that is made here is shown now, and never again.

    \b
    Examples:
      nightmail users add alice
      nightmail users add alice --password-file secret.txt
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.users import add_user  # noqa: PLC0415

    password = take_password(**source)
    add_user(connect(settings), user, password=password.text)
    tell_password(f"Made the user {user}.", user, password, as_json=as_json)


@users.command()
@click.argument("user", metavar="USER")
@password_options
@json_option
@settings_option
def passwd(settings: Settings, *, user: str, as_json: bool, **source: Any) -> None:
    """Give a user a new password.

    Who is connected stays so until it has to log in again.

    \b
    Examples:
      nightmail users passwd alice
      nightmail users passwd alice --prompt
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.users import change_password  # noqa: PLC0415

    password = take_password(**source)
    change_password(connect(settings), user, password=password.text)
    told = f"Changed the password of {user}."
    tell_password(told, user, password, as_json=as_json)


@users.command()
@click.argument("user", metavar="USER")
@yes_option
@settings_option
def remove(settings: Settings, *, user: str, yes: bool) -> None:
    """Remove a user and all its rights; it is refused at its next request.

    \b
    Examples:
      nightmail users remove alice
      nightmail users remove alice --yes
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.users import remove_user  # noqa: PLC0415

    access = connect(settings)
    if not yes:
        click.confirm(f"Remove {user} and its rights?", abort=True, err=True)
    removed = remove_user(access, user)
    click.echo(f"Removed the user {user} and {len(removed)} rights.")


@users.command("list")
@json_option
@settings_option
def list_(settings: Settings, *, as_json: bool) -> None:
    """List the users that have a password.

    \b
    Examples:
      nightmail users list
      nightmail users list --json
    """  # noqa: D301 - click's mark is a real backspace
    from archive.tables import aligned  # noqa: PLC0415
    from cluster.access import connect  # noqa: PLC0415
    from cluster.acls import list_rules  # noqa: PLC0415
    from cluster.users import list_users  # noqa: PLC0415

    access = connect(settings)
    rules = list_rules(access)
    found = [
        (one.name, one.mechanisms, sum(rule.user == one.name for rule in rules))
        for one in list_users(access)
    ]
    if as_json:
        names = ("user", "mechanisms", "rights")
        told = [dict(zip(names, each, strict=True)) for each in found]
        click.echo(json.dumps(told, indent=1))
        return
    rows = [(name, ", ".join(how), str(number)) for name, how, number in found]
    head, right = ("user", "logs in by", "rights"), (False, False, True)
    click.echo("\n".join(aligned(head, rows, right=right)) if rows else "No users.")


@users.command()
@click.argument("user", metavar="USER")
@json_option
@settings_option
def show(settings: Settings, *, user: str, as_json: bool) -> None:
    """Tell what a user may do, and how far its groups are behind.

    Its groups are those that its rights name, `*` aside.

    \b
    Examples:
      nightmail users show alice
      nightmail users show alice --json
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.acls import describe_rule, list_rules  # noqa: PLC0415
    from cluster.groups import list_groups  # noqa: PLC0415
    from cluster.users import require_user  # noqa: PLC0415
    from commands.acl import show_rules  # noqa: PLC0415
    from commands.topic_tables import group_record, group_table  # noqa: PLC0415

    access = connect(settings)
    require_user(access, user)
    rules = list_rules(access, user=user)
    groups = [g for g in list_groups(access) if any(_covers(r, g.name) for r in rules)]
    if as_json:
        told = {
            "user": user,
            "rights": [describe_rule(one) for one in rules],
            "groups": [group_record(one) for one in groups],
        }
        click.echo(json.dumps(told, indent=1))
        return
    table = group_table(groups) if groups else ["No group of its own reads anything."]
    click.echo("\n".join([show_rules(rules), "", *table]))


def tell_password(
    sentence: str, user: str, password: Password, *, as_json: bool = False
) -> None:
    """Say what was done, and show a password that was made here.

    Parameters
    ----------
    sentence
        What was done.
    user
        Whose password it is.
    password
        Shown only if it was made here.
    as_json
        For scripts.
    """
    if as_json:
        shown = password.text if password.is_made else None
        click.echo(json.dumps({"user": user, "password": shown}))
        return
    click.echo(sentence)
    if password.is_made:
        click.echo(f"Its password, shown only now: {password.text}")


def _covers(rule: "Rule", group: str) -> bool:
    """Tell whether a right is on a group by name, or by a beginning."""
    if rule.kind != "group" or not rule.is_allowed or rule.target == "*":
        return False
    return group.startswith(rule.name) if rule.is_prefix else group == rule.name

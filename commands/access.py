"""`nightmail access`: a file says who may do what, and the cluster is made so."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.options import json_option, settings_option, yes_option
from settings import Settings

if TYPE_CHECKING:
    from cluster.access_plan import AccessPlan

file_argument = click.argument(
    "file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False)
)

prune_option = click.option(
    "--prune",
    is_flag=True,
    help="Also remove users and rights of users that the file does not name.",
)


@click.group()
def access() -> None:
    """Keep topics, users and rights as a file says them.

    \b
    Examples:
      nightmail access plan access.toml
    """  # noqa: D301 - click's mark is a real backspace


@access.command()
@file_argument
@prune_option
@json_option
@settings_option
def plan(settings: Settings, *, file: Path, prune: bool, as_json: bool) -> None:
    """Show what `apply` would change; changes nothing.

    \b
    Examples:
      nightmail access plan access.toml
      nightmail access plan access.toml --prune --json
    """  # noqa: D301 - click's mark is a real backspace
    _, found = _compare(settings, file, prune=prune)
    if as_json:
        click.echo(json.dumps(_record(found), indent=1, ensure_ascii=False))
    else:
        click.echo(_show(found))


@access.command()
@file_argument
@prune_option
@yes_option
@json_option
@settings_option
def apply(
    settings: Settings, *, file: Path, prune: bool, yes: bool, as_json: bool
) -> None:
    """Show what differs from the file, and make it so; safe to repeat.

    A user whom the file names has the rights that it names and no others. What it does
    not name stays; --prune removes that too, users and rights, and asks before. Topics
    are never removed. Passwords of new users are shown now, and never again.

    \b
    Examples:
      nightmail access apply access.toml
      nightmail access apply access.toml --prune --yes
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access_plan import apply_access  # noqa: PLC0415

    kafka, found = _compare(settings, file, prune=prune)
    click.echo(_show(found), err=as_json)
    if prune and not yes and (found.old_users or found.old_rules):
        click.confirm("Remove what stands behind -?", abort=True, err=True)
    passwords = apply_access(kafka, settings, found)
    if as_json:
        told = {**_record(found), "passwords": passwords}
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    for name, password in passwords.items():
        click.echo(f"The password of {name}, shown only now: {password}")
    if not found.is_empty:
        click.echo("Done.")


def _compare(settings: Settings, file: Path, *, prune: bool) -> Any:
    from cluster.access import connect  # noqa: PLC0415
    from cluster.access_plan import plan_access  # noqa: PLC0415
    from cluster.wished import read_wished  # noqa: PLC0415

    wished = read_wished(file)
    kafka = connect(settings)
    return kafka, plan_access(kafka, settings, wished, prune=prune)


def _record(found: "AccessPlan") -> dict[str, Any]:
    from cluster.access_plan import describe_plan  # noqa: PLC0415

    return {
        "changes": [
            {"sign": sign, "what": what} for sign, what in describe_plan(found)
        ],
        "unmanaged": list(found.unmanaged),
    }


def _show(found: "AccessPlan") -> str:
    from cluster.access_plan import describe_plan  # noqa: PLC0415

    lines = [f"{sign} {what}" for sign, what in describe_plan(found)]
    if not lines:
        lines = ["All is as the file says."]
    if found.unmanaged:
        names = ", ".join(found.unmanaged)
        lines.append(f"Not named by the file, and left alone: {names}.")
    return "\n".join(lines)

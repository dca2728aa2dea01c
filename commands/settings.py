"""`nightmail settings`: what is in force, and where it came from."""

import json
from pathlib import Path
from typing import Any

import click

from archive.tables import aligned
from settings.load import Origin, load_with_origins, shown


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, for scripts.")
@click.option(
    "--settings",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Settings file; by default NIGHTMAIL_SETTINGS, else ./nightmail.toml.",
)
def settings(*, as_json: bool, file: Path | None) -> None:
    """Show every setting in force, and where it came from.

    The environment (NIGHTMAIL_KAFKA__USERNAME is kafka.username) wins over the file,
    and the file over the defaults. Secrets are not shown.

    \b
    Examples:
      nightmail settings
      nightmail settings --settings other.toml --json
    """  # noqa: D301 - click's mark is a real backspace
    _, origins = load_with_origins(file)
    if as_json:
        click.echo(json.dumps([_record(origin) for origin in origins], indent=1))
        return
    rows = [(origin.key, shown(origin.value), origin.source) for origin in origins]
    lines = aligned(("setting", "value", "from"), rows, right=(False, False, False))
    click.echo("\n".join(lines))


def _record(origin: Origin) -> dict[str, Any]:
    value = origin.value
    if not isinstance(value, int | str | None):
        value = shown(value)
    return {"key": origin.key, "value": value, "from": origin.source}

"""`nightmail kafka`: the words of Fink's manual, thin over the commands of today."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from commands import acl, cluster, topics
from commands.options import settings_file_option, settings_option
from commands.passwords import Password, take_password
from commands.users import tell_password
from settings import Settings

HELP = {"help_option_names": ["-h", "--help"]}
"""`-h` is the manual's."""

SEEN = (
    "A password in the command line is seen by everybody on this machine while the"
    " command runs, and stays in the shell's history: better `nightmail users add"
    " --password-stdin`."
)
"""What is said of `-p`."""


class Words(click.Group):
    """Commands whose names may look like options."""

    def make_parser(self, ctx: click.Context) -> Any:
        """Make a parser that leaves such a name, and all behind it, alone."""
        parser: Any = super().make_parser(ctx)
        parse = parser.parse_args

        def parse_words(args: Sequence[str]) -> Any:
            is_word = bool(args) and args[0] in self.commands
            return parse(["--", *args] if is_word else list(args))

        parser.parse_args = parse_words
        return parser


@click.group(cls=Words, context_settings=HELP)
def kafka() -> None:
    """Manage Kafka by the words of Fink's manual.

    Each does what a command of today does: `nightmail cluster`, `topics`, `users` and
    `acl`, which can do more.

    \b
    Examples:
      nightmail kafka start
      nightmail kafka --create-topic fink_outstream
    """  # noqa: D301 - click's mark is a real backspace


@kafka.command(context_settings=HELP)
@settings_file_option
@click.pass_context
def start(context: click.Context, settings_file: Path | None) -> None:
    """Start the local Kafka, as `nightmail cluster start`.

    \b
    Examples:
      nightmail kafka start
      nightmail kafka start --settings survey.toml
    """  # noqa: D301 - click's mark is a real backspace
    context.invoke(cluster.start, settings_file=settings_file)


@kafka.command(context_settings=HELP)
@settings_file_option
@click.pass_context
def stop(context: click.Context, settings_file: Path | None) -> None:
    """Stop the local Kafka, as `nightmail cluster stop`.

    \b
    Examples:
      nightmail kafka stop --settings survey.toml
    """  # noqa: D301 - click's mark is a real backspace
    context.invoke(cluster.stop, settings_file=settings_file)


@kafka.command("--create-topic", context_settings=HELP)
@click.argument("topic", metavar="TOPIC")
@settings_file_option
@click.pass_context
def create_topic(
    context: click.Context, *, topic: str, settings_file: Path | None
) -> None:
    """Create a topic if it does not exist, as `nightmail topics create`.

    \b
    Examples:
      nightmail kafka --create-topic fink_outstream
    """  # noqa: D301 - click's mark is a real backspace
    context.invoke(topics.create, names=(topic,), settings_file=settings_file)


@kafka.command("--delete-topic", context_settings=HELP)
@click.argument("topic", metavar="TOPIC")
@settings_file_option
@click.pass_context
def delete_topic(
    context: click.Context, *, topic: str, settings_file: Path | None
) -> None:
    """Delete a topic without asking, as `nightmail topics delete --yes`.

    \b
    Examples:
      nightmail kafka --delete-topic fink_outstream
    """  # noqa: D301 - click's mark is a real backspace
    context.invoke(topics.delete, topic=topic, yes=True, settings_file=settings_file)


@kafka.command("--describe-topic", context_settings=HELP)
@click.argument("topic", metavar="TOPIC")
@settings_file_option
@click.pass_context
def describe_topic(
    context: click.Context, *, topic: str, settings_file: Path | None
) -> None:
    """Tell the details of a topic, as `nightmail topics describe`.

    \b
    Examples:
      nightmail kafka --describe-topic fink_outstream
    """  # noqa: D301 - click's mark is a real backspace
    context.invoke(topics.describe, topic=topic, settings_file=settings_file)


@kafka.command("--list-topics", context_settings=HELP)
@settings_file_option
def list_topics(settings_file: Path | None) -> None:
    """List the topics, as `nightmail topics`.

    \b
    Examples:
      nightmail kafka --list-topics --settings survey.toml
    """  # noqa: D301 - click's mark is a real backspace
    topics.show_list(as_json=False, settings_file=settings_file)


@kafka.command("--list-acl", context_settings=HELP)
@settings_file_option
@click.pass_context
def list_acl(context: click.Context, settings_file: Path | None) -> None:
    """List the current ACL, as `nightmail acl list`.

    \b
    Examples:
      nightmail kafka --list-acl --settings survey.toml
    """  # noqa: D301 - click's mark is a real backspace
    context.invoke(acl.list_, settings_file=settings_file)


add_option = click.option("-a", "is_added", is_flag=True, help="Add (the default).")


@kafka.command("--authentication", context_settings=HELP)
@add_option
@click.option("-d", "is_deleted", is_flag=True, help="Delete the user and its rights.")
@click.option("-u", "user", required=True, help="Name of the user.")
@click.option(
    "-p", "password", help="Password; without it one is made. Not needed with -d."
)
@settings_option
def authentication(
    settings: Settings,
    *,
    is_added: bool,
    is_deleted: bool,
    user: str,
    password: str | None,
) -> None:
    """Add or delete a user, as `nightmail users`.

    One that is there already gets the new password.

    \b
    Examples:
      nightmail kafka --authentication -u alice
      nightmail kafka --authentication -d -u alice
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.users import remove_user, set_password  # noqa: PLC0415

    _check_one(is_added=is_added, is_deleted=is_deleted)
    if password is not None:
        click.echo(f"Warning: {SEEN}", err=True)
    if is_deleted:
        removed = remove_user(connect(settings), user)
        click.echo(f"Removed the user {user} and {len(removed)} rights.")
        return
    given = _take(password)
    set_password(connect(settings), user, password=given.text)
    tell_password(f"The user {user} can log in.", user, given)


@kafka.command("--authorization", context_settings=HELP)
@add_option
@click.option("-d", "is_deleted", is_flag=True, help="Take the right back.")
@click.option("-u", "user", required=True, help="Name of the user.")
@click.option(
    "-H", "host", default="*", metavar="IP", help="IP address; by default all."
)
@click.option("-c", "group", metavar="GROUP", help="Right of a consumer of a group.")
@click.option("-p", "producer", is_flag=True, help="Right of a producer.")
@click.option(
    "-t", "topic", required=True, help="Topic; 'fink_*' is all that begin so."
)
@settings_option
def authorization(  # noqa: PLR0913 - the manual's options
    settings: Settings,
    *,
    is_added: bool,
    is_deleted: bool,
    user: str,
    host: str,
    group: str | None,
    producer: bool,
    topic: str,
) -> None:
    """Allow a user a topic, or take that back, as `nightmail acl`.

    \b
    Examples:
      nightmail kafka --authorization -u alice -H 192.0.2.7 -c alice_group -t fink_x
      nightmail kafka --authorization -d -u bob -p -t bobs_topic
    """  # noqa: D301 - click's mark is a real backspace
    from cluster.access import connect  # noqa: PLC0415
    from cluster.acls import add_rules, consumer_rules, producer_rules  # noqa: PLC0415

    _check_one(is_added=is_added, is_deleted=is_deleted)
    if group is None and not producer:
        raise click.UsageError("Say -c GROUP for a consumer, or -p for a producer.")
    rules = []
    if group is not None:
        rules += consumer_rules(user, topic=topic, group=group, host=host)
    if producer:
        rules += producer_rules(user, topic=topic, host=host)
    if is_deleted:
        acl.take_away(settings, rules)
    else:
        acl.tell_added(rules, add_rules(connect(settings), rules))


def _check_one(*, is_added: bool, is_deleted: bool) -> None:
    if is_added and is_deleted:
        raise click.UsageError("Give -a or -d, not both.")


def _take(password: str | None) -> Password:
    if password is not None:
        return Password(password, is_made=False)
    return take_password(password_stdin=False, password_file=None, prompt=False)

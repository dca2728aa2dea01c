"""`nightmail users` and `nightmail acl`, as in a shell."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from cluster.access import connect
from commands.passwords import Password
from nightmail.silence import silent_logger
from settings.load import load

pytestmark = pytest.mark.kafka

Run = Callable[..., Result]

SECRET = "correct horse, battery"  # noqa: S105 - of a test


def logs_in(name: str, password: str) -> bool:
    """Tell whether a user can log in."""
    login = {"sasl.username": name, "sasl.password": password}
    config: dict[str, Any] = {**connect(load()).admin, **login}
    config["logger"] = silent_logger()
    admin = AdminClient(config)
    try:
        admin.list_topics(timeout=3)
    except KafkaException:
        return False
    return True


def test_a_password_that_is_made_is_shown_once(run: Run, name: str) -> None:
    """It logs in, and no other command shows it."""
    made = run("users", "add", name, "--json")
    password = json.loads(made.stdout)["password"]

    assert logs_in(name, password)
    shown = run("users", "show", name).output + run("users", "list", "--json").output
    assert password not in shown


def test_a_password_from_stdin_or_a_file_is_not_shown(
    run: Run, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is one that is typed; each logs in."""
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "secret"
    file.write_text(f"{SECRET} 2\nmore\n")

    said = run("users", "add", name, "--password-stdin", stdin=f"{SECRET} 1\n").output
    assert logs_in(name, f"{SECRET} 1")
    said += run("users", "passwd", name, "--password-file", str(file)).output
    assert logs_in(name, f"{SECRET} 2")
    typed = f"{SECRET} 3\n{SECRET} 3\n"
    said += run("users", "passwd", name, "--prompt", stdin=typed).output
    assert logs_in(name, f"{SECRET} 3")

    assert SECRET not in said + caplog.text


def test_a_password_is_not_in_its_repr() -> None:
    """So that no log or traceback shows it by mistake."""
    assert repr(Password(SECRET, is_made=True)) == "Password(is_made=True)"


def test_the_command_line_takes_no_password(run: Run, name: str) -> None:
    """There is no option for it."""
    run("users", "add", name, "--password", SECRET, code=2)
    run("users", "add", name, SECRET, code=2)
    run("users", "add", name, "--prompt", "--password-stdin", code=2)


def test_a_user_s_rights_go_with_the_user(run: Run, name: str) -> None:
    """Added, shown, removed; removal asks."""
    run("users", "add", name)
    run("acl", "add", "-u", name, "-c", "readers", "-t", "fink_*")

    told = json.loads(run("users", "show", name, "--json").stdout)
    run("users", "remove", name, stdin="n\n", code=1)
    removed = run("users", "remove", name, "--yes")

    assert [(r["kind"], r["name"], r["is_prefix"]) for r in told["rights"]] == [
        ("group", "readers", False),
        ("topic", "fink_", True),
    ]
    assert told["groups"] == []
    assert removed.stdout == f"Removed the user {name} and 2 rights.\n"
    assert json.loads(run("acl", "list", "-u", name, "--json").stdout) == []
    run("users", "show", name, code=3)


def test_a_user_s_groups_are_shown_with_their_lag(run: Run, name: str) -> None:
    """Those that its rights name, whoever else reads the topic."""
    run("topics", "create", name, "--partitions", "1")
    run("users", "add", name, "--password-stdin", stdin=SECRET)
    run("acl", "add", "-u", name, "-c", f"{name}_*", "-t", name)
    access = connect(load())
    producer = Producer({**access.admin}, logger=silent_logger())
    for _ in range(3):
        producer.produce(name, b"x")
    assert producer.flush(20) == 0
    login = {"sasl.username": name, "sasl.password": SECRET}
    for group, who in ((f"{name}_night", login), ("others", {})):
        config = {"group.id": group, "enable.auto.commit": False}
        config["auto.offset.reset"] = "earliest"
        reader = Consumer({**access.admin, **who, **config}, logger=silent_logger())
        reader.subscribe([name])
        first = reader.poll(20)
        assert first is not None
        reader.commit(message=first, asynchronous=False)
        reader.close()

    told = json.loads(run("users", "show", name, "--json").stdout)["groups"]
    shown = run("users", "show", name).stdout.splitlines()

    assert told == [
        {
            "group": f"{name}_night",
            "state": "empty",
            "members": 0,
            "lag": 2,
            "topics": [name],
        }
    ]
    assert shown[-1].split() == [f"{name}_night", name, "empty", "0", "≤", "2"]


def test_rights_are_listed_as_a_table(run: Run, name: str) -> None:
    """Each right is a line."""
    words = ("-u", name, "-H", "192.0.2.7", "-p", "-t", "mine_*")

    added = run("acl", "add", *words)
    again = run("acl", "add", *words)
    lines = run("acl", "list", "-u", name).stdout.splitlines()
    removed = run("acl", "remove", *words)
    gone = run("acl", "remove", *words)

    right = f"{name} may write topic mine_* from 192.0.2.7"
    assert added.stdout == f"Allowed: {right}.\n"
    assert again.stdout == f"Allowed already: {right}.\n"
    assert lines[0].split() == ["user", "may", "on", "name", "from", "host"]
    assert lines[1].split() == [name, "write", "topic", "mine_*", "192.0.2.7"]
    assert removed.stdout == f"Taken back: {right}.\n"
    assert gone.stdout == f"Was not allowed: {right}.\n"
    assert run("acl", "list", "-u", name).stdout == "No rights.\n"


@pytest.mark.parametrize(
    "words",
    [
        ("-u", "x", "-t", "t"),
        ("-u", "x", "-c", "g", "-p", "-t", "t"),
        ("-u", "x", "-p"),
        ("-c", "g", "-t", "t"),
        ("-u", "x", "-c", "g", "-t", "t", "-H", "localhost"),
    ],
)
def test_wrong_words(run: Run, words: tuple[str, ...]) -> None:
    """Each ends with 2."""
    run("acl", "add", *words, code=2)
    run("acl", "remove", *words, code=2)

"""The broker's process: formatted, begun, recognised, ended."""

import base64
import os
import re
import signal
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster.folder import BrokerFolder, read_pid, write_private
from cluster.locks import is_held
from cluster.properties import (
    ADMINISTRATOR,
    JVM_OPTIONS,
    LOG4J,
    Layout,
    render_properties,
)
from settings.errors import ClusterError

NEWER = "UnsupportedVersionException"
"""What Kafka says of data that a newer one has written."""

TELLING = (
    r"\b(Kafka|Config)Exception: ",
    r"(Exception|Error): ",
    r"insufficient memory| (ERROR|FATAL) |^Error",
)
"""What a line of a log has that says why Kafka ended; the first kind says it best."""

FORMAT_S = 120.0
"""Longest that making the empty store of data may take [s]."""

TERM_S = 15.0
"""How long a broker may take to end by itself [s]; 5 with a hundred topics."""

KILL_S = 10.0
"""How long the system may take to end it [s]."""

PAUSE_S = 0.05
"""Time between two looks at a broker that is ending [s]."""

BEGIN = 'umask 077; "$@" </dev/null >>broker.log 2>&1 & echo $! >broker.pid'
"""Begins a program that outlives us; writes down who it is even if we are killed."""


@dataclass(frozen=True)
class Program:
    """What is run, the same for every broker."""

    java: Path
    """Program."""

    jars: Path
    """Folder of Kafka's own."""

    layout: Layout
    """How the brokers stand to each other."""

    cluster_id: str
    """What all of them have in common."""

    password: str = field(repr=False)
    """The administrator's."""


def begin_broker(broker: BrokerFolder, program: Program, *, lock: int) -> None:
    """Begin a broker that outlives this process and holds the lock while it lives.

    Parameters
    ----------
    broker
        Its data are made at the first start.
    program
        What is run.
    lock
        Descriptor of `broker.lock`, held.

    Raises
    ------
    ClusterError
        The data cannot be made.
    """
    if broker.log.exists():
        broker.log.replace(broker.log.with_suffix(".log.1"))
    write_private(broker.log, "")
    write_private(broker.root / "log4j2.yaml", LOG4J)
    # Relative names, so that nothing in the folder's own path can mislead Kafka.
    command: list[Path | str] = [
        program.java,
        *JVM_OPTIONS,
        "-Dlog4j2.configurationFile=log4j2.yaml",
    ]
    command += [_mark(broker), "-cp", f"{program.jars}/*"]
    if not broker.data.exists():
        _format(broker, program, command=command, lock=lock)
    _write_properties(broker, program, "server.properties", data=broker.data.name)
    subprocess.run(  # noqa: S603 - our own words
        ["/bin/sh", "-c", BEGIN, "sh", *command, "kafka.Kafka", "server.properties"],
        cwd=broker.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(lock,),
        start_new_session=True,
        check=True,
    )


def end_brokers(brokers: Sequence[BrokerFolder]) -> None:
    """Ask brokers to end, all of them at once, and kill those that do not.

    Raises
    ------
    ClusterError
        It cannot be told which process one is, or one will not end.
    """
    left = {broker: _find(broker) for broker in brokers if is_held(broker.lock)}
    for how, limit_s in ((signal.SIGTERM, TERM_S), (signal.SIGKILL, KILL_S)):
        for pid in left.values():
            _signal(pid, how)
        ended = _await_end(list(left), limit_s)
        for broker in ended:
            broker.pid.unlink(missing_ok=True)
        left = {broker: pid for broker, pid in left.items() if broker not in ended}
    if left:
        pid = next(iter(left.values()))
        raise ClusterError(f"Kafka (process {pid}) does not end, even when killed.")


def _find(broker: BrokerFolder) -> int:
    pid = find_broker(broker)
    if pid is None:
        raise ClusterError(
            f"Kafka in {broker.root} is held by a process that did not write down who"
            " it is, so it may be just starting: try again."
        )
    return pid


def find_broker(folder: BrokerFolder) -> int | None:
    """Give the process that is this folder's broker, None if there is none.

    A number alone is not believed: the system gives it to others afterwards.
    """
    pid = read_pid(folder)
    if pid is None or not is_held(folder.lock):
        return None
    return pid if _mark(folder) in _read_command(pid) else None


def explain_death(log: Path) -> str:
    """Quote the line of a log that says best why Kafka ended."""
    lines = log.read_text(errors="replace").splitlines()
    if any(NEWER in line for line in lines):
        return (
            "its data was made by a newer Kafka than this one; move"
            f" {log.parent} away, and send again by --generation what is still needed"
        )
    spoken = [line.strip() for line in lines if line.strip()]
    for sign in TELLING:
        if found := [line for line in spoken if re.search(sign, line)]:
            return re.sub(r"^(Caused by: )?[\w.$]+: ", "", found[-1]).rstrip(".")
    return spoken[-1].rstrip(".") if spoken else "it said nothing"


def _format(
    broker: BrokerFolder, program: Program, *, command: list[Path | str], lock: int
) -> None:
    """Make the empty store of data, under its name only once it is whole."""
    pending = broker.root / "_data"
    subprocess.run(["/bin/rm", "-rf", pending], check=True)  # noqa: S603
    _write_properties(broker, program, "format.properties", data=pending.name)
    words = ["format", "-t", program.cluster_id, "-c", "format.properties"]
    words += [
        "--add-scram",
        f"SCRAM-SHA-512=[name={ADMINISTRATOR},password={program.password}]",
    ]
    # In a file, because everybody can read a program's arguments.
    arguments = broker.root / "format.args"
    write_private(arguments, "\n".join(words) + "\n")
    # Not in the broker's log, because it tells keys made from the password.
    log = broker.root / "format.log"
    write_private(log, "")
    try:
        with log.open("ab") as output:
            subprocess.run(  # noqa: S603 - our own words
                [*command, "kafka.tools.StorageTool", f"@{arguments.name}"],
                cwd=broker.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(lock,),
                timeout=FORMAT_S,
                check=True,
            )
    except (subprocess.SubprocessError, OSError) as error:
        raise ClusterError(
            f"Kafka could not make its data in {broker.root}: {explain_death(log)}"
            f" (all of it in {log})."
        ) from error
    finally:
        arguments.unlink()
    log.unlink()
    pending.rename(broker.data)


def _write_properties(
    broker: BrokerFolder, program: Program, name: str, *, data: str
) -> None:
    text = render_properties(
        program.layout, number=broker.number, shared=broker.shared, data=data
    )
    write_private(broker.root / name, text)


def read_cluster_id(brokers: Sequence[BrokerFolder]) -> str:
    """Give the id that brokers have in common, a new one before the first start."""
    for broker in brokers:
        written = broker.data / "meta.properties"
        if written.exists():
            found = re.search(r"^cluster\.id=(.+)$", written.read_text(), re.MULTILINE)
            if found:
                return found[1]
    return _make_cluster_id()


def _make_cluster_id() -> str:
    """Give a random id that no program takes for an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _mark(folder: BrokerFolder) -> str:
    """Word in the broker's command that tells whose it is."""
    return f"-Dnightmail.kafka={folder.root}"


def _read_command(pid: int) -> str:
    """Give a process's command, empty if there is no such process."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        return words.replace(b"\0", b" ").decode(errors="replace")
    except FileNotFoundError:
        asked = subprocess.run(  # noqa: S603 - where there is no /proc
            ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return asked.stdout


def _signal(pid: int, how: signal.Signals) -> None:
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise ClusterError(
            f"Kafka (process {pid}) belongs to another user: have them stop it."
        ) from error


def _await_end(brokers: Sequence[BrokerFolder], limit_s: float) -> list[BrokerFolder]:
    """Give those that have ended in time."""
    end = time.monotonic() + limit_s
    while any(is_held(broker.lock) for broker in brokers) and time.monotonic() < end:
        time.sleep(PAUSE_S)
    return [broker for broker in brokers if not is_held(broker.lock)]

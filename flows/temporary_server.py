"""Prefect's temporary server: noted when it starts, ended if a killed run left it."""

import os
import signal
from contextlib import suppress
from pathlib import Path

NOTE = "prefect-server.pid"
"""File of the state folder that holds the server's pid."""

ENDING = {signal.SIGINT}
"""Signals that the terminal sends to us and to the server alike."""

MARK = b"prefect.server.api.server:create_app"
"""What the command line of such a server holds."""


def start_server(state_dir: Path) -> None:
    """Start the temporary server that Prefect would start, so that Ctrl-C spares it.

    It stands in our process group, and would die of the Ctrl-C that the run answers by
    telling it how it ended.
    """
    from prefect.server.api.server import (  # noqa: PLC0415 - seconds
        SubprocessASGIServer,
    )

    end_stray_server(state_dir)
    server = SubprocessASGIServer()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        server.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if server.server_process is not None:
        state_dir.mkdir(parents=True, exist_ok=True)
        (state_dir / NOTE).write_text(f"{server.server_process.pid} {os.getpid()}")


def end_stray_server(state_dir: Path) -> bool:
    """End a temporary server whose run was killed; tell whether there was one."""
    note = state_dir / NOTE
    try:
        server, owner = (int(word) for word in note.read_text().split())
    except (OSError, ValueError):
        return False
    if _is_alive(owner):
        return False
    note.unlink(missing_ok=True)
    stray = MARK in _command_line(server)
    if stray:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGTERM)
    return stray


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""

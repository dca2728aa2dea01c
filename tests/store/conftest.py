"""A server that speaks S3, on loopback, and stores in it."""

import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from store.path import StorePath

PATIENCE_S = 60
"""How long the server may take to start [s]."""

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Start a server of its own process: host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _wait(server, port)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture
def s3_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a key into the environment; without one, Arrow asks Amazon's machines."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def s3_url(s3_server: str, s3_key: None) -> str:  # noqa: ARG001 - it is set for us
    """URL of an empty bucket of a test's own."""
    bucket = f"bucket-{os.getpid()}-{next(_numbers)}"
    system = pafs.S3FileSystem(
        endpoint_override=s3_server,
        scheme="http",
        region="us-east-1",
        allow_bucket_creation=True,
    )
    system.create_dir(bucket)
    return f"s3://{bucket}?endpoint_override={s3_server}&scheme=http&region=us-east-1"


@pytest.fixture
def upload(s3_url: str) -> Callable[..., StorePath]:
    """Put a folder, with all that is below it, into the bucket under a name."""

    def put(folder: Path, name: str) -> StorePath:
        system, bucket = pafs.FileSystem.from_uri(s3_url)
        pafs.copy_files(
            str(folder),
            f"{bucket}/{name}",
            source_filesystem=pafs.LocalFileSystem(),
            destination_filesystem=system,
        )
        return StorePath(s3_url) / name

    return put


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert server.poll() is None, "The S3 server has ended."
        with socket.socket() as one:
            if not one.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    raise AssertionError("The S3 server does not answer.")

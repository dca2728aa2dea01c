"""Our code, packed for Spark's workers: a zip of the rooms and of the client."""

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

ROOMS = (
    "archive",
    "cluster",
    "filters",
    "ledger",
    "nightmail",
    "runtime",
    "schemas",
    "settings",
    "store",
    "tasks",
)
"""Packages that a worker may import."""

SUFFIXES = (".py", ".sql", ".avsc")
"""Files that are code or that code reads."""

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every entry, so that the same code gives the same zip."""


@dataclass(frozen=True)
class Parcel:
    """A zip of our code."""

    path: Path
    digest: str
    """16 hexadecimal digits of the sha256 of its files."""


def pack(folder: Path) -> Parcel:
    """Write the zip that `addPyFile` sends, named by its digest.

    Parameters
    ----------
    folder
        Where the zip goes; it is made.
    """
    digest = code_digest()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"nightmail-{digest}.zip"
    if not path.exists():
        pending = path.with_name(f"_{path.name}")
        with zipfile.ZipFile(pending, "w", zipfile.ZIP_DEFLATED) as parcel:
            for name, content in _files():
                parcel.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), content)
        pending.rename(path)
    return Parcel(path, digest)


@cache
def code_digest() -> str:
    """Digest of the code that a worker runs, whether from a zip or from a folder."""
    total = hashlib.sha256()
    for name, content in _files():
        total.update(name.encode() + b"\0" + content + b"\0")
    return total.hexdigest()[:16]


def _files() -> Iterator[tuple[str, bytes]]:
    for room in ROOMS:
        yield from _below(room, resources.files(room))


def _below(name: str, folder: Traversable) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        path = f"{name}/{entry.name}"
        if entry.is_dir():
            yield from _below(path, entry)
        elif entry.name.endswith(SUFFIXES):
            yield path, entry.read_bytes()

"""Paths of a store, on any file system that Arrow opens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from settings.errors import SettingsError, StoreError, StoreUnavailableError

SPARK_SCHEMES = {"s3": "s3a", "gcs": "gs"}
"""Schemes that Hadoop's file systems, which Spark uses, have another name for."""


@dataclass(frozen=True)
class StorePath:
    """A folder or a file of a store.

    It is shown without the URL's options, which only the file system needs.
    """

    root: str
    """An absolute folder of this machine, or a URL with its options."""

    below: str = ""
    """Path below the root, its parts joined by `/`; empty for the root itself."""

    def __truediv__(self, name: str) -> "StorePath":
        return replace(self, below=f"{self.below}/{name}" if self.below else name)

    def __str__(self) -> str:
        root = self.root if self.is_local else self.root.partition("?")[0]
        return f"{root.rstrip('/')}/{self.below}" if self.below else root

    @property
    def name(self) -> str:
        """Last part."""
        return str(self).rstrip("/").rpartition("/")[2]

    @property
    def is_local(self) -> bool:
        """Whether it is a folder or file of this machine."""
        return "://" not in self.root

    @property
    def spark_url(self) -> str:
        """What Spark calls it; nothing in it is quoted, as Hadoop has its paths."""
        if self.is_local:
            return f"file://{self}"
        url = urlsplit(self.root)
        scheme = SPARK_SCHEMES.get(url.scheme, url.scheme)
        return f"{scheme}://{url.netloc}{self.spark_path}"

    @property
    def spark_path(self) -> str:
        """What of Spark's URL comes after the host or bucket."""
        root = self.root if self.is_local else unquote(urlsplit(self.root).path)
        return f"{root.rstrip('/')}/{self.below}" if self.below else root

    def is_folder(self) -> bool:
        """Tell whether it is a folder, or the beginning of some object's name.

        Raises
        ------
        SettingsError
            The file system does not take the URL.
        StoreUnavailableError
            The file system does not answer.
        """
        with self._answer() as (system, path):
            return bool(system.get_file_info(path).type == pafs.FileType.Directory)

    def folders(self) -> list[str]:
        """Names of the folders in it, sorted; none where it does not exist.

        Raises
        ------
        SettingsError
            The file system does not take the URL.
        StoreUnavailableError
            The file system does not answer.
        """
        found = self._list(pafs.FileType.Directory, recursive=False)
        return sorted(name.rstrip("/") for name in found)

    def files(self) -> list[str]:
        """Names of the files below it at any depth, sorted, relative to it.

        Raises
        ------
        SettingsError
            The file system does not take the URL.
        StoreUnavailableError
            The file system does not answer.
        """
        return sorted(self._list(pafs.FileType.File, recursive=True))

    def open(self) -> pa.NativeFile:
        """Open a file for reading in any order; a local one is mapped into memory.

        Raises
        ------
        OSError
            Arrow cannot open it; `damage_named` tells why.
        """
        system, path = self._reach()
        return pa.memory_map(path) if self.is_local else system.open_input_file(path)

    def check_reachable(self) -> None:
        """Ask the file system about it, be it there or not.

        Raises
        ------
        StoreUnavailableError
            The file system does not answer.
        """
        with self._answer() as (system, path):
            system.get_file_info(path)

    def _list(self, kind: pafs.FileType, *, recursive: bool) -> Iterator[str]:
        with self._answer() as (system, path):
            there = pafs.FileSelector(path, allow_not_found=True, recursive=recursive)
            for info in system.get_file_info(there):
                if info.type == kind:
                    yield info.path.removeprefix(path).lstrip("/")

    @contextmanager
    def _answer(self) -> Iterator[tuple[pafs.FileSystem, str]]:
        try:
            yield self._reach()
        except OSError as error:
            raise StoreUnavailableError(
                f"{self} cannot be reached: {first_line(error)}"
            ) from error

    def _reach(self) -> tuple[pafs.FileSystem, str]:
        system, path = _open_system(self.root)
        return system, f"{path.rstrip('/')}/{self.below}" if self.below else path


@contextmanager
def damage_named(path: StorePath, kind: str = "parquet") -> Iterator[None]:
    """Make Arrow's complaints about a file a StoreError that names it.

    Parameters
    ----------
    kind
        What the file should be.

    Raises
    ------
    StoreError
        The file is damaged, or is gone.
    StoreUnavailableError
        It is not the file: the file system does not answer.
    """
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        path.check_reachable()
        raise StoreError(
            f"{path} cannot be read as {kind}: {first_line(error)}"
        ) from error


def path_in_url(url: str) -> str:
    """Read from a URL that Spark gives what `StorePath.spark_path` is."""
    return unquote(urlsplit(url).path)


def first_line(error: BaseException) -> str:
    """First line of what a library says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@cache
def _open_system(root: str) -> tuple[pafs.FileSystem, str]:
    """Open the file system of a root, once a process: it keeps its connections."""
    if "://" not in root:
        return pafs.LocalFileSystem(), root
    try:
        return pafs.FileSystem.from_uri(root)
    except pa.ArrowInvalid as error:
        raise SettingsError(
            f"store.uri {root} is not understood: {first_line(error)}."
        ) from error

"""Alerts from files: one, many, or folders of them."""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightmail._errors import FileError, NightmailError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AlertReader"]

_ENDINGS = (".avro", ".avro.gz")


class AlertReader:
    """Reader of alerts that were saved as Avro.

    Parameters
    ----------
    path
        A file `.avro` or `.avro.gz`, a folder with such files at any depth, or a list
        of these. Files of a folder are read in the order of their names.

    Raises
    ------
    FileNotFoundError
        There is no such file or folder.
    FileError
        There is no alert file in a folder, or the file is of another kind.

    Examples
    --------
    >>> for alert in AlertReader("alertDB").to_iterator():  # doctest: +SKIP
    ...     print(alert["objectId"])
    """

    def __init__(self, path: str | Path | Sequence[str | Path]) -> None:
        paths = [path] if isinstance(path, str | Path) else list(path)
        self.files = [file for one in paths for file in _files(one)]

    def to_iterator(self) -> Iterator[dict[str, Any]]:
        """Give alert after alert.

        Yields
        ------
        dict
            Alerts as they were saved; ids are whole numbers.

        Raises
        ------
        FileError
            A file is damaged, or no Avro.
        """
        for file in self.files:
            yield from _read(file)

    def to_list(self, size: int | None = None) -> list[dict[str, Any]]:
        """Give all alerts, or the first ones.

        Parameters
        ----------
        size
            How many at most.

        Raises
        ------
        FileError
            A file is damaged, or no Avro.
        """
        if size is None:
            return list(self.to_iterator())
        return [
            alert for alert, _ in zip(self.to_iterator(), range(size), strict=False)
        ]

    def to_pandas(self) -> "pd.DataFrame":
        """Give all alerts as a DataFrame, a column for each field of an alert.

        Fields that are records or histories are dictionaries and lists. Whole numbers
        are exact: beside nulls they are of pandas' type `Int64`.

        Raises
        ------
        FileError
            A file is damaged, or no Avro.
        NightmailError
            pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            raise NightmailError(
                "A DataFrame needs pandas; install it by: pip install pandas"
            ) from error
        alerts = self.to_list()
        names = dict.fromkeys(name for alert in alerts for name in alert)
        return pd.DataFrame(
            {name: _column([alert.get(name) for alert in alerts]) for name in names}
        )


def _files(path: str | Path) -> list[Path]:
    found = Path(path)
    if str(path) == "":
        raise FileError("The path to alerts is empty; name a file or a folder.")
    if found.is_dir():
        files = sorted(f for f in found.rglob("*") if f.name.endswith(_ENDINGS))
        if not files:
            raise FileError(f"There is no .avro or .avro.gz file in {found}.")
        return files
    if not found.exists():
        raise FileNotFoundError(f"There is no file or folder {found}.")
    if not found.name.endswith(_ENDINGS):
        raise FileError(f"{found} is no alert file; they end in .avro or .avro.gz.")
    return [found]


def _read(file: Path) -> Iterator[dict[str, Any]]:
    import fastavro  # noqa: PLC0415 - with the first file

    open_file: Any = gzip.open if file.suffix == ".gz" else Path.open
    try:
        with open_file(file, "rb") as stream:
            alerts: Any = fastavro.reader(stream)
            yield from alerts
            stream.read()  # so that the checksum of a compressed file is looked at
    except (ValueError, EOFError, IndexError, KeyError, zlib.error, OSError) as error:
        raise FileError(f"{file} cannot be read: {_why(error)}.") from error


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split()).rstrip(".")
    return f"it is damaged, or no Avro file ({type(error).__name__} {text})"


def _column(values: list[Any]) -> Any:
    """Make a column in which whole numbers stay whole beside nulls."""
    import pandas as pd  # noqa: PLC0415 - an extra

    kinds = {type(value) for value in values}
    if kinds == {int, type(None)}:
        return pd.array(values, dtype="Int64")
    if kinds == {bool, type(None)}:
        return pd.array(values, dtype="boolean")
    return pd.Series(values, dtype=None if kinds <= {int, float, bool, str} else object)

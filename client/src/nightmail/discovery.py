"""Find filters: a survey's folder, and the packages that offer more."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib import metadata, resources
from types import ModuleType
from typing import Any

from nightmail._errors import FilterError
from nightmail._filters import Filter
from nightmail._sources import digest_sources
from nightmail._sql import sql_filter

__all__ = ["ENTRY_POINT_GROUP", "Catalogue", "read_catalogue"]

ENTRY_POINT_GROUP = "nightmail.filters"
"""Entry points of packages that offer filters: each a Filter, or a module of them."""


@dataclass(frozen=True)
class Catalogue:
    """The filters of one survey."""

    filters: dict[str, Filter]
    """Every filter by its name, in the order of the names."""

    broken: dict[str, str]
    """What could not be read, by the name of the file or entry point, and why."""


def read_catalogue(package: str, survey: str) -> Catalogue:
    """Read the filters of a folder, and those that installed packages offer.

    Parameters
    ----------
    package
        Dotted name of the folder, as `filters.ztf`; it may stand in a zip.
    survey
        `ztf` or `lsst`.

    Returns
    -------
    Catalogue
        Sorted by name. A file that cannot be read is in `broken`, and the others are
        there; so is the second of two filters of one name.
    """
    found = _Finding(survey)
    folder = importlib.import_module(package)
    for name, kind in sorted(_files(folder)):
        found.read(name, f"{package}.{name}", _READERS[kind](folder, name, survey))
    for point in sorted(metadata.entry_points(group=ENTRY_POINT_GROUP)):
        found.read(
            point.name, f"entry point {point.value}", _read_plugin(point, survey)
        )
    return Catalogue(dict(sorted(found.filters.items())), found.broken)


@dataclass
class _Finding:
    """A catalogue while it is made."""

    survey: str
    filters: dict[str, Filter] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def read(self, name: str, place: str, filters: Iterator[Filter]) -> None:
        """Take the filters of one file or entry point, or note why not."""
        try:
            for one in filters:
                self._add(one, place)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (the edge of a file)
            key = name if name not in self.filters else f"{name} ({place})"
            message = " ".join(str(error).split())
            self.broken[key] = f"{place}: {type(error).__name__}: {message}"

    def _add(self, one: Filter, place: str) -> None:
        if one.name in self.filters:
            raise FilterError(
                f"The filter {one.name} is defined in {self.places[one.name]} and"
                f" again in {place}: rename one of them."
            )
        self.filters[one.name] = one
        self.places[one.name] = place


def _files(folder: ModuleType) -> Iterator[tuple[str, str]]:
    for module in pkgutil.iter_modules(folder.__path__):
        if not module.name.startswith("_"):
            yield module.name, "py"
    for file in resources.files(folder).iterdir():
        if file.name.endswith(".sql") and not file.name.startswith("_"):
            yield file.name.removesuffix(".sql"), "sql"


def _read_module(folder: ModuleType, name: str, survey: str) -> Iterator[Filter]:
    module = importlib.import_module(f"{folder.__name__}.{name}")
    for one in _filters_of(module):
        if one.survey not in ("", survey):
            raise FilterError(
                f"The filter {one.name} says survey={one.survey!r}, but stands among"
                f" those of {survey}: remove the argument, or move the file."
            )
        yield replace(one, survey=survey, version=digest_sources(module.__name__))


def _read_sql(folder: ModuleType, name: str, survey: str) -> Iterator[Filter]:
    text = (resources.files(folder) / f"{name}.sql").read_text(encoding="utf-8")
    yield sql_filter(name, text, survey=survey)


_READERS = {"py": _read_module, "sql": _read_sql}
"""What reads a file, by its ending."""


def _read_plugin(point: metadata.EntryPoint, survey: str) -> Iterator[Filter]:
    offered: Any = point.load()
    filters = [offered] if isinstance(offered, Filter) else list(_filters_of(offered))
    if not filters:
        raise FilterError(f"{point.value} is no filter, and no module that has one.")
    for one in filters:
        if not one.survey:
            raise FilterError(
                f"The filter {one.name} has no survey: write @alert_filter(owner=…,"
                " survey=…)."
            )
        if one.survey == survey:
            version = one.version or digest_sources(
                inspect.unwrap(_keep(one)).__module__
            )
            yield replace(one, version=version)


def _filters_of(module: Any) -> Iterator[Filter]:
    """Yield the filters that a module defines, not those that it imports."""
    for one in vars(module).values():
        if (
            isinstance(one, Filter)
            and one.keep
            and one.keep.__module__ == module.__name__
        ):
            yield one


def _keep(one: Filter) -> Any:
    return one.keep

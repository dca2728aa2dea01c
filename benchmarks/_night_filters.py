"""The twenty filters of a survey: offered as a plug-in is, and for Spark's own ways."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from nightmail import Filter

MODULE = "benchmarks._night_filters_{survey}"
"""Where a survey's filters are."""


@dataclass(frozen=True)
class Filters:
    """The filters of a survey, and their twins."""

    filters: Mapping[str, Filter]
    """By name; they run as they are, and in `pandas_udf` unless `per_row` has them."""

    sql: Mapping[str, str]
    """Spark's SQL over flat names."""

    per_row: Mapping[str, Callable[..., Any]]
    """What reads histories, as it is written for `pandas_udf`."""


def read_filters(survey: str) -> Filters:
    """Give the filters of a survey."""
    module = import_module(MODULE.format(survey=survey))
    found = {one.name: one for one in vars(module).values() if isinstance(one, Filter)}
    return Filters(found, module.SPARK, module.PER_ROW)


def install_filters(site: Path, *others: str) -> Path:
    """Make the files by which Python finds the filters as a package's.

    Parameters
    ----------
    site
        Folder that is to stand in PYTHONPATH, also that of Spark's workers.
    others
        Modules in it that have filters too.
    """
    info = site / "nightmail_benchmarks-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: nightmail-benchmarks\nVersion: 1\n"
    )
    lines = [f"{s} = {MODULE.format(survey=s)}" for s in ("ztf", "lsst")]
    lines += [f"{name} = {name}" for name in others]
    (info / "entry_points.txt").write_text(
        "\n".join(["[nightmail.filters]", *lines, ""])
    )
    return site

"""What a filter is."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nightmail._errors import FilterError

__all__ = ["Filter", "alert_filter", "check_name"]

NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""What a filter may be called: a part of a Kafka topic's name."""


@dataclass(frozen=True)
class Filter:
    """A named selection of alerts."""

    name: str
    """Name of the function or SQL file; the middle part of the topic's name."""

    survey: str
    """`ztf` or `lsst`; empty until the folder that holds the filter says it."""

    summary: str
    """One line for astronomers."""

    owner: str
    """Address of whoever answers for it."""

    columns: tuple[str, ...]
    """Flat names of the columns it reads, in the order in which it takes them."""

    keep: Callable[..., Any] | None
    """Columns in, one bool per alert out; None where the filter is SQL."""

    sql: str = ""
    """A boolean expression in DuckDB's dialect, as its author wrote it."""

    version: str = ""
    """Eight hexadecimal digits that change with the source; empty until it is known."""

    on_by_default: bool = True
    """Whether it runs where nobody asks for it."""


def alert_filter(
    *, owner: str, survey: str = "", on_by_default: bool = True
) -> Callable[[Callable[..., Any]], Filter]:
    """Make a filter of a function whose arguments are columns.

    The function takes one batch: floats as they are stored, null as NaN; integers as
    `Int64` and booleans as `boolean`; text as `category`; a history as a ragged awkward
    array. It answers one bool per alert on the index of what it was given, and null
    counts as False.

    Parameters
    ----------
    owner
        Address of whoever answers for the filter.
    survey
        `ztf` or `lsst`. A filter below `filters/` takes it from its folder; one that
        comes as a plug-in must say it.
    on_by_default
        Whether it runs where nobody asks for it; False for what costs much and few
        want.

    Returns
    -------
    Callable
        Decorator that makes a `Filter`.

    Raises
    ------
    FilterError
        When used: the function's name cannot be part of a topic's name, or its
        arguments cannot be columns.

    Examples
    --------
    >>> @alert_filter(owner="someone@example.org")
    ... def bright(candidate_magpsf):
    ...     "Brighter than 18 mag."
    ...     return candidate_magpsf < 18
    >>> bright.columns
    ('candidate_magpsf',)
    """

    def make(keep: Callable[..., Any]) -> Filter:
        name = keep.__name__
        check_name(name)
        return Filter(
            name=name,
            survey=survey,
            summary=(inspect.getdoc(keep) or "").partition("\n")[0],
            owner=owner,
            columns=_arguments(name, keep),
            keep=keep,
            on_by_default=on_by_default,
        )

    return make


def check_name(name: str) -> None:
    """Refuse what cannot be a filter's name.

    Raises
    ------
    FilterError
        It is no part of a Kafka topic's name, or it would meet a topic that is no
        filter's.
    """
    if not NAME.fullmatch(name):
        raise FilterError(
            f"A filter cannot be called {name!r}: it names a Kafka topic, so use at"
            " most 200 letters, digits, dots, underscores and hyphens."
        )
    if name == "nights" or name.startswith("ztf_"):
        raise FilterError(
            f"A filter cannot be called {name}: `nights` and names that begin with"
            " `ztf_` are topics of the broker's own; choose another."
        )


def _arguments(name: str, keep: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(keep).parameters.values()
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    for parameter in parameters:
        if parameter.kind not in plain or parameter.default is not parameter.empty:
            raise FilterError(
                f"The filter {name} cannot have the argument {parameter}: every"
                " argument is the name of one column, without a default."
            )
    if not parameters:
        raise FilterError(f"The filter {name} has no argument: name a column it reads.")
    return tuple(parameter.name for parameter in parameters)

"""A route: what of a night goes to a channel of its own."""

import json
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from settings.names import SURVEYS

PLACES = frozenset({"{survey}", "{filter}", "{class}"})
"""What a channel's name may hold."""


class Route(BaseModel):
    """Alerts of some filters and classes, and the channel that gets them."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    channel: str = Field(min_length=1)
    """As `#supernovae`; {survey}, {filter} and {class} make one for each."""

    survey: str | None = None
    """`ztf` or `lsst`; by default both."""

    filters: tuple[str, ...] = ()
    """Names, or patterns as `sn_*`; by default all."""

    classes: tuple[str, ...] = ()
    """Names, or patterns as `EB*`; by default all."""

    minimum: int = Field(default=1, ge=0)
    """Alerts under which nothing is posted; a failed filter is said in any case."""

    @field_validator("survey")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value not in {None, *SURVEYS}:
            raise ValueError(f"the surveys are {' and '.join(SURVEYS)}")
        return value

    @field_validator("channel")
    @classmethod
    def _fillable(cls, value: str) -> str:
        if wrong := sorted({*re.findall(r"\{\w*\}", value)} - PLACES):
            known = ", ".join(sorted(PLACES))
            raise ValueError(f"{wrong[0]} means nothing in it; {known} do")
        return value

    def __str__(self) -> str:
        """Say what goes where."""
        told = [("survey", self.survey), ("filters", " ".join(self.filters))]
        told.append(("classes", " ".join(self.classes)))
        what = ", ".join(f"{name} {value}" for name, value in told if value)
        least = f" from {self.minimum}" if self.minimum > 1 else ""
        return f"{what or 'all'}{least} → {self.channel}"


def read_routes(value: Any) -> Any:
    """Take routes from the environment, where they are an array in JSON.

    Raises
    ------
    ValueError
        The text is not JSON.
    """
    if not isinstance(value, str):
        return value
    if not value.strip():
        return ()
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(
            'in the environment, routes are JSON: [{"channel": "#sn", "classes":'
            ' ["SN*"]}]'
        ) from error

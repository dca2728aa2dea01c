"""A table of the settings file."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Section(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_not_set(cls, value: Any, info: ValidationInfo) -> Any:
        """Take empty text as not set where that is the default, as in `TOKEN= …`."""
        name = info.field_name or ""
        return None if value == "" and cls.model_fields[name].default is None else value

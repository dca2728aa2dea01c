"""The settings of Slack: who posts, where, and what."""

from typing import Any

from pydantic import Field, SecretStr, field_validator

from settings.routes import Route, read_routes
from settings.section import Section


class Slack(Section):
    """Where the night's summary is posted; without a token it is printed."""

    token: SecretStr | None = Field(
        default=None, description="Bot token; better in NIGHTMAIL_SLACK__TOKEN."
    )
    channel: str = Field(
        default="#nightmail",
        min_length=1,
        description="Channel of the night's summary, whole.",
    )
    routes: tuple[Route, ...] = Field(
        default=(),
        description=(
            "Further channels, and what each gets: tables of channel, survey, filters,"
            " classes, minimum, see docs/slack.md; in the environment an array in JSON."
        ),
    )
    allow: tuple[str, ...] = Field(
        default=(),
        description=(
            "Channels that routes may post to; none is any. In the environment"
            " separated by commas."
        ),
    )
    operators: str | None = Field(
        default=None,
        description=(
            "Channel of notices that a night failed, crashed or did not run. By default"
            " there are none."
        ),
    )
    ztf_portal: str = Field(
        default="https://ztf.fink-portal.org/{object}",
        pattern=r"^https?://.*\{object\}",
        description="Page of a ZTF object; {object} is its objectId.",
    )
    lsst_portal: str = Field(
        default="https://lsst.fink-portal.org/{object}",
        pattern=r"^https?://.*\{object\}",
        description="Page of an LSST object; {object} is its diaObjectId.",
    )
    base_url: str = Field(
        default="https://slack.com/api/",
        pattern=r"^https?://",
        description="Slack's Web API.",
    )

    @field_validator("routes", mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        return read_routes(value)

    @field_validator("allow", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(name.strip() for name in value.split(",") if name.strip())

    def portal(self, survey: str) -> str:
        """Address of an object's page, with {object} for its name."""
        return self.ztf_portal if survey == "ztf" else self.lsst_portal

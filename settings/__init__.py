"""Words: settings, errors and names."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from settings.model import Settings

__all__ = ["Settings"]


def __getattr__(name: str) -> Any:
    # Workers read names and errors only: they are spared pydantic, half a second each.
    if name == "Settings":
        from settings.model import Settings  # noqa: PLC0415

        return Settings
    raise AttributeError(f"module settings has no attribute {name}")

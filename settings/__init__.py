"""Words: settings, errors and names."""

from settings.load import load
from settings.model import Settings

__all__ = ["Settings", "load"]

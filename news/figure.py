"""What all pictures have in common: matplotlib, its style, and PNG."""

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120
"""Dots of a picture per inch."""

INK = "#202124"
"""Colour of titles."""

GREY = "#5F6368"
"""Colour of labels and ticks."""

PALE = "#BDC1C6"
"""Colour of lines that only guide the eye."""


def can_draw() -> bool:
    """Tell whether matplotlib is there: it comes with the extra `plot`."""
    return find_spec("matplotlib") is not None


def new_figure(width: float, height: float) -> "Figure":
    """Make an empty figure, which no window will show.

    Parameters
    ----------
    width, height
        Size [inch].
    """
    # It takes half a second, and is not always there.
    from matplotlib.figure import Figure  # noqa: PLC0415

    return Figure(figsize=(width, height), dpi=DPI, facecolor="white")


def to_png(figure: "Figure") -> bytes:
    """Give the picture's file: the same for the same picture and matplotlib."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()

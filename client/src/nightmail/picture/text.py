"""An alert drawn with letters, for a terminal far from any screen."""

import math
from collections.abc import Mapping, Sequence

from nightmail.picture.fits import Image
from nightmail.picture.light_curve import LightCurve, Point

__all__ = ["draw_cutouts", "draw_light_curve"]

_SHADES = " .:-=+*#%@"
"""From dark to bright."""

_SIDE = 24
"""Columns of a drawn cutout; half as many rows, since letters are tall."""

_LABEL = 11
"""Width of the numbers beside a light curve [characters]."""

_HEIGHT = 14
"""Rows of a drawn light curve."""

_LOW, _HIGH = 0.02, 0.995
"""Quantiles of the pixels that are drawn darkest and brightest."""

_LIMIT = "v"
"""Mark of an upper limit; a measurement is marked by the letter of its band."""


def draw_light_curve(curve: LightCurve, width: int = 72) -> str:
    """Draw a light curve; brighter is higher.

    Parameters
    ----------
    curve
        What was measured.
    width
        Of the drawing [characters].

    Returns
    -------
    str
        Lines; one sentence if nothing was measured.
    """
    if not curve.points:
        return "No measurement is in this alert."
    values = [p.value for p in curve.points]
    times = [p.mjd for p in curve.points]
    low, high = min(values), max(values)
    first, last = min(times), max(times)
    columns = max(width - _LABEL - 2, 10)
    cells = [[" "] * columns for _ in range(_HEIGHT)]
    for point in curve.points:
        column = _step(point.mjd, first, last, columns)
        row = _step(point.value, low, high, _HEIGHT)
        row = row if curve.is_magnitude else _HEIGHT - 1 - row
        cells[row][column] = _mark(point)
    top, bottom = (low, high) if curve.is_magnitude else (high, low)
    blank = " " * _LABEL
    labels = [f"{top:>{_LABEL}.5g}", *[blank] * (_HEIGHT - 2), f"{bottom:>{_LABEL}.5g}"]
    lines = [
        f"{label} |{''.join(row)}".rstrip()
        for label, row in zip(labels, cells, strict=True)
    ]
    axis = f"{blank} +{'-' * columns}"
    ends = f"{blank}  {first:.2f}{last:>{columns - len(f'{first:.2f}')}.2f}  MJD"
    bands = " ".join(sorted({p.band for p in curve.points}))
    return "\n".join([f"{curve.label}; bands: {bands}", *lines, axis, ends])


def draw_cutouts(images: Mapping[str, Image | None]) -> str:
    """Draw cutouts beside each other, the upper side of the picture up."""
    drawn = [_draw(image) for image in images.values()]
    titles = [f"{name:^{_SIDE}}" for name in images]
    lines = ["   ".join(row) for row in (titles, *zip(*drawn, strict=True))]
    return "\n".join(line.rstrip() for line in lines)


def _mark(point: Point) -> str:
    return _LIMIT if point.kind == "limit" else point.band[:1] or "?"


def _step(value: float, low: float, high: float, steps: int) -> int:
    share = (value - low) / (high - low) if high > low else 0.5
    return min(int(share * steps), steps - 1)


def _draw(image: Image | None) -> list[str]:
    height = _SIDE // 2
    if image is None:
        lines = [" " * _SIDE] * height
        lines[height // 2] = f"{'(none)':^{_SIDE}}"
        return lines
    rows = image.rows()
    seen = sorted(value for value in image.pixels if math.isfinite(value))
    if not seen:
        return [" " * _SIDE] * height
    low, high = _quantile(seen, _LOW), _quantile(seen, _HIGH)
    lines = []
    for y in reversed(range(height)):
        row = rows[y * image.height // height]
        shades = (row[x * image.width // _SIDE] for x in range(_SIDE))
        lines.append("".join(_shade(value, low, high) for value in shades))
    return lines


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[round(share * (len(ordered) - 1))]


def _shade(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return " "
    inside = min(max(value, low), high)
    return _SHADES[_step(inside, low, high, len(_SHADES))]

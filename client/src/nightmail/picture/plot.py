"""An alert drawn by matplotlib, which is an extra."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightmail._errors import ConfigError, NightmailError
from nightmail.picture.fits import Image
from nightmail.picture.light_curve import LightCurve, Point

__all__ = ["save_picture", "show_picture"]

_COLOURS = {
    "u": "#56b4e9",
    "g": "#008060",
    "r": "#ff4000",
    "i": "#850000",
    "z": "#6600cc",
    "y": "#000000",
}
"""Colour of a band; all differ in brightness too."""

_MARKERS = {"detection": "o", "limit": "v", "forced": "."}
"""Sign of a point, by its kind."""

_SIZE = (9, 7)
"""Of the picture [inch]."""

_QUANTILES = (0.02, 0.995)
"""Of the pixels that are drawn darkest and brightest."""


def save_picture(
    title: str, curve: LightCurve, images: Mapping[str, Image | None], file: Path
) -> None:
    """Write an alert as a picture: cutouts above, the light curve below.

    Parameters
    ----------
    title
        What stands above all.
    curve
        What was measured.
    images
        Cutouts by name; None is an empty frame that says so.
    file
        Its ending says how: png, pdf, svg.

    Raises
    ------
    ConfigError
        There is no matplotlib.
    NightmailError
        The file cannot be written, or not so.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise _lacking() from error
    figure = Figure(figsize=_SIZE, layout="constrained")
    _draw(figure, title, curve, images)
    try:
        figure.savefig(file, dpi=150)
    except (OSError, ValueError) as error:
        raise NightmailError(f"{file} cannot be written: {error}.") from error


def show_picture(
    title: str, curve: LightCurve, images: Mapping[str, Image | None]
) -> bool:
    """Show an alert in a window, until it is closed.

    Returns
    -------
    bool
        False where there is no screen, or no matplotlib.
    """
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415

        figure = plt.figure(figsize=_SIZE, layout="constrained")
    except Exception:  # noqa: BLE001  each kind of window fails in its own way
        return False
    if plt.get_backend().lower() == "agg":
        plt.close(figure)
        return False
    _draw(figure, title, curve, images)
    plt.show()
    return True


def _lacking() -> ConfigError:
    return ConfigError(
        "A picture needs matplotlib; install it by: pip install 'nightmail[plot]', or"
        " see the alert with --terminal."
    )


def _draw(
    figure: Any, title: str, curve: LightCurve, images: Mapping[str, Image | None]
) -> None:
    figure.suptitle(title)
    grid = figure.add_gridspec(2, len(images), height_ratios=(1, 1.2))
    for column, (name, image) in enumerate(images.items()):
        _draw_image(figure.add_subplot(grid[0, column]), name, image)
    _draw_curve(figure.add_subplot(grid[1, :]), curve)


def _draw_image(axes: Any, name: str, image: Image | None) -> None:
    axes.set_title(name)
    axes.set_xticks([])
    axes.set_yticks([])
    if image is None:
        axes.text(0.5, 0.5, "none", ha="center", va="center", transform=axes.transAxes)
        return
    seen = sorted(value for value in image.pixels if math.isfinite(value))
    low, high = (
        (seen[round(share * (len(seen) - 1))] for share in _QUANTILES)
        if seen
        else (0.0, 1.0)
    )
    axes.imshow(image.rows(), origin="lower", cmap="gray", vmin=low, vmax=high)


def _draw_curve(axes: Any, curve: LightCurve) -> None:
    groups: dict[tuple[str, str], list[Point]] = {}
    for point in curve.points:
        groups.setdefault((point.band, point.kind), []).append(point)
    for (band, kind), points in sorted(groups.items()):
        errors = [0.0 if math.isnan(p.error) else p.error for p in points]
        axes.errorbar(
            [p.mjd for p in points],
            [p.value for p in points],
            yerr=errors if kind != "limit" else None,
            fmt=_MARKERS[kind],
            color=_COLOURS.get(band, "grey"),
            alpha=1.0 if kind == "detection" else 0.5,
            label=band if kind == "detection" else f"{band}, {kind}",
        )
    if groups:
        axes.legend()
    if curve.is_magnitude:
        axes.invert_yaxis()
    axes.set_xlabel("time [d, MJD]")
    axes.set_ylabel(curve.label)

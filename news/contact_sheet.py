"""Light curves and stamps of a night's first objects, on one sheet."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from news.figure import GREY, INK, PALE, new_figure, to_png
from news.light_curves import LightCurve, Portrait
from news.sky_objects import SkyObject
from news.stamps import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

COLUMNS = 3
"""Objects beside each other."""

MAX_PORTRAITS = 12
"""Objects on a sheet."""

BANDS = {
    "u": ("#CC79A7", "v"),
    "g": ("#009E73", "o"),
    "r": ("#D55E00", "s"),
    "i": ("#E69F00", "D"),
    "z": ("#56B4E9", "^"),
    "y": ("#000000", "P"),
}
"""Colour and marker of each band; colours by Okabe and Ito (2008), for all eyes."""

UNKNOWN_BAND = ("#9AA0A6", ".")
"""The same of a band that is not named."""

STAMPS = ("science", "template", "difference")
"""What the three images are."""

PERCENTILES = (1.0, 99.5)
"""Brightness of science and template that is black, and white [per cent]."""

CONTRAST = 99.7
"""Brightness of the difference that is white, and negative black [per cent]."""

CELL = (4.9, 4.0)
"""Width and height of one object's cell [inch]."""

HEAD = 0.95
"""Height of the sheet's title and legend [inch]."""


def choose_portraits(objects: Sequence[SkyObject]) -> list[SkyObject]:
    """Choose the objects of a sheet: of each class in turn, the first ones first.

    Parameters
    ----------
    objects
        In their order, objects of a class together.
    """
    by_class: dict[str, list[SkyObject]] = {}
    for one in objects:
        by_class.setdefault(one.label, []).append(one)
    turns = [
        (turn, order, one)
        for order, many in enumerate(by_class.values())
        for turn, one in enumerate(many[:MAX_PORTRAITS])
    ]
    first = sorted(turns, key=lambda each: each[:2])[:MAX_PORTRAITS]
    return [one for _, _, one in sorted(first, key=lambda each: (each[1], each[0]))]


def draw_contact_sheet(
    objects: Sequence[SkyObject],
    portraits: Mapping[int, Portrait],
    title: str,
    *,
    total: int,
) -> bytes:
    """Draw light curves and stamps, one cell an object.

    Parameters
    ----------
    objects
        What to draw, at most `MAX_PORTRAITS`.
    portraits
        Light curve and stamps of their last alerts, by the alert's name. An object
        without stays an empty cell.
    title
        Which night, without numbers.
    total
        Objects that there are.

    Returns
    -------
    bytes
        A PNG file.
    """
    rows = -(-len(objects) // COLUMNS) or 1
    height = rows * CELL[1] + HEAD
    figure = new_figure(COLUMNS * CELL[0], height)
    ratios = (HEAD, rows * CELL[1])
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=ratios)[:, 0]
    things = "object" if total == 1 else "objects"
    above.text(
        0.5, 0.78, f"{title}: {len(objects):,} of {total:,} {things}",
        ha="center", va="center", fontsize=17, color=INK,
    )  # fmt: skip
    cells = below.subfigures(rows, COLUMNS, squeeze=False)
    bands: dict[str, None] = {}
    for one, cell in zip(objects, cells.flat, strict=False):
        portrait = portraits.get(one.alert_id)
        bands |= dict.fromkeys(portrait.light_curve.band if portrait else ())
        _draw_cell(cell, one, portrait)
    curves = [each.light_curve for each in portraits.values()]
    has_limits = any(curve.is_limit.any() for curve in curves)
    named = [band for band in BANDS if band in bands]
    _draw_legend(above, named, has_limits=has_limits)
    return to_png(figure)


def _draw_cell(cell: "SubFigure", one: SkyObject, portrait: Portrait | None) -> None:
    grid = cell.add_gridspec(
        2, 3, height_ratios=(1.35, 1), left=0.14, right=0.97, top=0.89, bottom=0.05,
        hspace=0.42, wspace=0.06,
    )  # fmt: skip
    cell.text(0.14, 0.935, one.name, fontsize=11, weight="bold", color=INK)
    cell.text(0.97, 0.935, one.label, fontsize=11, color=INK, ha="right")
    axes = cell.add_subplot(grid[0, :])
    if portrait is None:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "not in the archive", ha="center", color=GREY)
        return
    _draw_light_curve(axes, portrait.light_curve, portrait.mjd)
    for number, (name, stamp) in enumerate(zip(STAMPS, portrait.stamps, strict=True)):
        _draw_stamp(cell.add_subplot(grid[1, number]), name, stamp)


def _draw_light_curve(axes: "Axes", curve: LightCurve, mjd: float) -> None:
    days = curve.mjd - mjd
    for band in sorted({*curve.band.tolist()}):
        colour, marker = BANDS.get(band, UNKNOWN_BAND)
        mine = curve.band == band
        limit = mine & curve.is_limit
        faint: dict[str, Any] = {"color": colour, "ms": 3, "alpha": 0.3}
        axes.plot(days[limit], curve.magnitude[limit], "v", **faint)
        for is_open in (True, False):
            chosen = mine & ~curve.is_limit & (curve.is_brighter != is_open)
            axes.errorbar(
                days[chosen], curve.magnitude[chosen], curve.error[chosen],
                fmt=marker, color=colour, ms=4.5, lw=0, elinewidth=0.9,
                mfc="white" if is_open else colour, mew=0.9,
            )  # fmt: skip
    _set_limits(axes, curve, days)
    axes.set_xlabel("days before the alert", fontsize=8.5, color=GREY, labelpad=1)
    axes.set_ylabel("difference (AB mag)", fontsize=8.5, color=GREY)
    axes.tick_params(labelsize=8, colors=GREY)
    axes.grid(color="#ECEFF1", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(PALE)


def _set_limits(axes: "Axes", curve: LightCurve, days: Any) -> None:
    """Bright up; what is seen decides the range, limits far away do not."""
    seen = ~curve.is_limit
    magnitudes = curve.magnitude[seen] if seen.any() else curve.magnitude
    if not len(magnitudes):
        return
    margin = max(0.08 * np.ptp(magnitudes), 0.25)
    axes.set_ylim(magnitudes.max() + margin, magnitudes.min() - margin)
    first, last = min(float(days.min()), -1.0), float(days.max())
    margin = 0.04 * (last - first)
    axes.set_xlim(first - margin, last + margin)
    axes.axvline(0, color=PALE, lw=0.8, ls="--", zorder=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")


def _draw_stamp(axes: "Axes", name: str, stamp: Image | None) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(PALE)
    axes.set_title(name, fontsize=8.5, color=GREY, pad=3)
    if stamp is None or not np.isfinite(stamp).any():
        axes.set_box_aspect(1)
        axes.text(0.5, 0.5, "none", ha="center", va="center", color=GREY, fontsize=9)
        return
    low, high = _range(name, stamp)
    axes.imshow(
        stamp, cmap="gray", origin="lower", interpolation="nearest", vmin=low, vmax=high
    )
    axes.set_facecolor("#E8EAED")


def _range(name: str, stamp: Image) -> tuple[float, float]:
    """Brightness that is black, and white; of a difference, both as far from zero."""
    finite = stamp[np.isfinite(stamp)]
    if name == "difference":
        most = float(np.percentile(np.abs(finite), CONTRAST)) or 1.0
        return -most, most
    low, high = np.percentile(finite, PERCENTILES)
    return float(low), float(high) if high > low else float(low) + 1


def _draw_legend(above: "SubFigure", bands: Sequence[str], *, has_limits: bool) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - see news.figure

    handles = [
        Line2D([], [], color=BANDS[band][0], marker=BANDS[band][1], lw=0, label=band)
        for band in bands
    ]
    told = [("o", "white", "fainter than the template")]
    if has_limits:
        told.append(("v", PALE, "limit, five sigma"))
    handles += [
        Line2D([], [], color=GREY, marker=mark, mfc=face, lw=0, label=label)
        for mark, face, label in told
    ]
    above.legend(
        handles=handles, loc="lower center", ncol=len(handles), frameon=False,
        fontsize=10.5, bbox_to_anchor=(0.5, 0.0), handletextpad=0.1,
    )  # fmt: skip

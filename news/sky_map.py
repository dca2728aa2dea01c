"""Where on the sky a night's objects are, as a picture."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from news.figure import GREY, INK, PALE, new_figure, to_png
from news.sky_objects import SkyObject

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6A3D9A"),
    "#8B5A2B",
)
"""Colours of classes: those of Okabe and Ito (2008), told apart by colour-blind eyes,
and two more."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
"""Markers of classes, so that colour is not all."""

OTHERS = "#9AA0A6"
"""Colour of the classes that have none of their own."""

GALACTIC_POLE = (192.85948, 27.12825)
"""Right ascension and declination of the galactic north pole, ICRS [deg] (Hipparcos
catalogue, ESA 1997, volume 1, section 1.5.3)."""

ECLIPTIC_POLE = (270.0, 66.560709)
"""Those of the ecliptic's, mean obliquity of J2000 (IAU 2006) [deg]."""

SMALL = 3
"""Size of a mark under which it has no edge, and lets others through [point]."""

LEGEND_SIZE = 7
"""Size of a mark in the legend [point]."""

CIRCLES = 2
"""Circles that are drawn: the galactic plane and the ecliptic."""

Floats = npt.NDArray[np.float64]


def draw_sky_map(objects: Sequence[SkyObject], title: str) -> bytes:
    """Draw objects in Mollweide's projection, right ascension growing to the left.

    Parameters
    ----------
    objects
        What to draw, one mark each, colour and form by class.
    title
        Which night, without the number of objects.

    Returns
    -------
    bytes
        A PNG file.
    """
    figure = new_figure(11, 7)
    axes = figure.add_axes((0.04, 0.2, 0.92, 0.68), projection="mollweide")
    for pole, style, name in (
        (GALACTIC_POLE, "-", "galactic plane"),
        (ECLIPTIC_POLE, ":", "ecliptic"),
    ):
        ra, dec = _great_circle(pole)
        line: dict[str, Any] = {"color": PALE, "label": name, "lw": 1.4, "zorder": 3}
        axes.plot(_longitude(ra), np.radians(dec), style, **line)
    counts = Counter(one.label for one in objects)
    ranked = [name for name, _ in counts.most_common(len(COLOURS))]
    size = float(np.clip(9 - 1.6 * np.log10(max(len(objects), 1)), 2, 9))
    # The rarer a class, the later it is drawn: what is rare hides behind nothing.
    for number, name in enumerate(ranked):
        mine = [one for one in objects if one.label == name]
        _draw_class(axes, mine, name, size, number=number)
    _draw_class(axes, [o for o in objects if o.label not in ranked], "others", size)
    _set_grid(axes, is_full=size <= SMALL)
    figure.suptitle(
        f"{title}\n{_counted(len(objects), 'object')} of"
        f" {_counted(len(counts), 'class', 'classes')}",
        x=0.5, y=0.975, fontsize=14, color=INK,
    )  # fmt: skip
    _draw_legend(figure, axes)
    return to_png(figure)


def _counted(number: int, thing: str, things: str = "") -> str:
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"


def _longitude(ra: Floats | Sequence[float]) -> Floats:
    """Angle to the right of the middle, which is 0 h, for what grows to the left."""
    degrees = np.asarray(ra, float)
    angle: Floats = -np.radians((degrees + 180) % 360 - 180)
    return angle


def _great_circle(pole: tuple[float, float]) -> tuple[Floats, Floats]:
    """Right ascension and declination of the circle around a pole [deg].

    Gaps stand where it crosses the edge of the map.
    """
    ra, dec = np.radians(pole)
    angle = np.linspace(0, 2 * np.pi, 721)
    toward = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    east = np.array([-np.sin(ra), np.cos(ra), 0.0])
    north = np.cross(toward, east)
    points = np.outer(np.cos(angle), east) + np.outer(np.sin(angle), north)
    found = np.degrees(np.arctan2(points[:, 1], points[:, 0])) % 360
    declination = np.degrees(np.arcsin(points[:, 2]))
    jumps = np.abs(np.diff(_longitude(found))) > np.pi
    declination[1:][jumps] = np.nan
    return found, declination


def _draw_class(
    axes: "Axes", objects: Sequence[SkyObject], name: str, size: float, number: int = -1
) -> None:
    if not objects:
        return
    is_named = number >= 0
    axes.plot(
        _longitude([one.ra for one in objects]),
        np.radians([one.dec for one in objects]),
        MARKERS[number] if is_named else ".",
        color=COLOURS[number] if is_named else OTHERS,
        markersize=size if is_named else size * 0.8,
        markeredgecolor="white",
        markeredgewidth=0.4 if size > SMALL else 0,
        alpha=0.85 if size > SMALL else 0.4,
        linestyle="none",
        label=f"{name}  {len(objects):,}",
    )


def _set_grid(axes: "Axes", *, is_full: bool) -> None:
    """Draw the grid; its hours hide no mark, but where marks cover the whole sky."""
    hours = np.arange(-150, 180, 30)
    axes.set_xticks(np.radians(hours), [])
    for each in hours:
        axes.text(
            np.radians(each), np.radians(2.5), f"{(-each) % 360 / 15:.0f}ʰ",
            ha="center", fontsize=9, color=GREY, zorder=5 if is_full else 1,
            bbox={"facecolor": "white", "alpha": 0.75 * is_full, "lw": 0, "pad": 1},
        )  # fmt: skip
    axes.set_yticks(np.radians(np.arange(-75, 90, 15)))
    axes.set_yticklabels(
        [_degrees(each) if each % 30 == 0 else "" for each in range(-75, 90, 15)]
    )
    axes.grid(color="#DADCE0", lw=0.6)
    axes.spines["geo"].set_color(PALE)
    axes.tick_params(colors=GREY, labelsize=9)
    axes.set_axisbelow(True)
    axes.text(
        0.5, -0.035, "right ascension and declination (ICRS)", ha="center", va="top",
        transform=axes.transAxes, fontsize=9, color=GREY,
    )  # fmt: skip


def _degrees(declination: int) -> str:
    return f"{declination:+d}°".replace("-", "−") if declination else "0°"


def _draw_legend(figure: "Figure", axes: "Axes") -> None:
    """Name the classes first, and then the circles, which were drawn first."""
    handles, labels = axes.get_legend_handles_labels()
    legend = figure.legend(
        [*handles[CIRCLES:], *handles[:CIRCLES]],
        [*labels[CIRCLES:], *labels[:CIRCLES]],
        loc="lower center",
        ncol=4,
        frameon=False,
        fontsize=10,
        bbox_to_anchor=(0.5, 0.015),
    )
    for handle in legend.legend_handles:
        if handle:
            handle.set(alpha=1, markersize=LEGEND_SIZE)

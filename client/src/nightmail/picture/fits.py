"""Cutouts: small FITS images, read without anything installed."""

import gzip
import math
import sys
import zlib
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nightmail._errors import AlertError

__all__ = ["CUTOUTS", "Image", "cutouts", "read_image"]

CUTOUTS = ("Science", "Template", "Difference")
"""Cutouts of an alert, in the order in which one looks at them."""

_BLOCK = 2880
"""FITS is made of blocks of this length [byte]; FITS Standard 4.0, 3.1."""

_CARD = 80
"""Length of a line of a header [byte]."""

_LARGEST = 4096
"""Longest side of an image [pixel]; what is larger is no cutout."""

_TYPES = {8: "B", 16: "h", 32: "i", 64: "q", -32: "f", -64: "d"}
"""Type of a pixel by BITPIX, as Python's array calls it."""


@dataclass(frozen=True)
class Image:
    """A picture; the first row is the lowest."""

    width: int
    height: int
    pixels: tuple[float, ...]
    """Row by row; NaN where nothing was measured."""

    def rows(self) -> list[tuple[float, ...]]:
        """Cut it into rows, the lowest first."""
        ends = range(0, len(self.pixels), self.width)
        return [self.pixels[at : at + self.width] for at in ends]


def cutouts(alert: Mapping[str, Any]) -> dict[str, Image | None]:
    """Read the cutouts of an alert of either survey.

    Parameters
    ----------
    alert
        ZTF has gzipped FITS in `cutoutScience.stampData`, LSST plain FITS in
        `cutoutScience`.

    Returns
    -------
    dict of str to Image
        By the names in `CUTOUTS`; None where an alert has none, or it cannot be read.
    """
    found: dict[str, Image | None] = {}
    for name in CUTOUTS:
        packed = alert.get(f"cutout{name}")
        content = packed.get("stampData") if isinstance(packed, Mapping) else packed
        try:
            found[name] = read_image(content) if content else None
        except AlertError:
            found[name] = None
    return found


def read_image(content: bytes) -> Image:
    """Read the first image of two dimensions in a FITS file.

    Parameters
    ----------
    content
        The file, gzipped or not.

    Raises
    ------
    AlertError
        It is no such file.
    """
    try:
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        at = 0
        while at < len(content):
            header, at = _read_header(content, at)
            size = _size(header)
            if int(header.get("NAXIS", 0)) == 2:  # noqa: PLR2004 - an image
                return _read_pixels(header, content[at : at + size])
            at += -(-size // _BLOCK) * _BLOCK
    except (EOFError, KeyError, OSError, ValueError, zlib.error) as error:
        raise AlertError(f"A cutout cannot be read: {error}.") from error
    raise AlertError("A cutout has no image of two dimensions.")


def _read_header(content: bytes, at: int) -> tuple[dict[str, str], int]:
    header: dict[str, str] = {}
    for start in range(at, len(content), _CARD):
        card = content[start : start + _CARD].decode("ascii", "replace")
        name = card[:8].strip()
        if name == "END":
            end = start + _CARD - at
            return header, at + -(-end // _BLOCK) * _BLOCK
        if card[8:9] == "=":
            header.setdefault(name, card[9:].partition("/")[0].strip(" '"))
    raise ValueError("its header has no end")


def _size(header: Mapping[str, str]) -> int:
    number = int(header.get("NAXIS", 0))
    sides = [int(header[f"NAXIS{axis}"]) for axis in range(1, number + 1)]
    if not sides:
        return 0
    cells = math.prod(sides) + int(header.get("PCOUNT", 0))
    return cells * abs(int(header["BITPIX"])) // 8 * int(header.get("GCOUNT", 1))


def _read_pixels(header: Mapping[str, str], content: bytes) -> Image:
    width, height = int(header["NAXIS1"]), int(header["NAXIS2"])
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
        raise ValueError(f"it has {width} × {height} pixels")
    values: array[Any] = array(_TYPES[int(header["BITPIX"])])
    values.frombytes(content)
    if len(values) != width * height:
        raise ValueError("it is cut off")
    if sys.byteorder == "little":
        values.byteswap()
    zero, scale = float(header.get("BZERO", 0)), float(header.get("BSCALE", 1))
    return Image(width, height, tuple(zero + scale * value for value in values))

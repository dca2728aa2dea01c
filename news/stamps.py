"""Stamps around an alert, read from their FITS files."""

import gzip
import re

import numpy as np
import numpy.typing as npt

BLOCK = 2880
"""FITS fills blocks of so many bytes (FITS standard 4.0, section 3.1)."""

CARD = 80
"""Bytes of one line of a header."""

TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
"""Numpy's type of a pixel, by BITPIX (section 4.4.1.1)."""

GZIP = b"\x1f\x8b"
"""Beginning of gzipped bytes, as ZTF sends them."""

MAX_SIDE = 2000
"""Longest side of an image that is shown [pixel]: a broken header asks for more."""

Image = npt.NDArray[np.float64]


def read_stamp(file: bytes | None) -> Image | None:
    """Read the first image of a FITS file.

    Parameters
    ----------
    file
        Plain, as Rubin sends it, or gzipped, as ZTF does; None where there is none.

    Returns
    -------
    numpy.ndarray of float64, shape (height, width), or None
        Pixels in the file's own unit, scaled by BSCALE and BZERO, the first row at the
        bottom. None where there is no image that can be read: a picture is not worth a
        night.
    """
    if not file:
        return None
    try:
        plain = gzip.decompress(file) if file.startswith(GZIP) else file
        return _read_image(plain)
    except (ArithmeticError, EOFError, LookupError, OSError, ValueError):
        return None


def _read_image(file: bytes) -> Image | None:
    cards, start = _read_header(file)
    kind = np.dtype(TYPES[int(cards["BITPIX"])])
    if int(cards["NAXIS"]) != 2:  # noqa: PLR2004
        return None
    width, height = int(cards["NAXIS1"]), int(cards["NAXIS2"])
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        return None
    pixels = np.frombuffer(file, kind, width * height, start).astype(np.float64)
    scaled = pixels * float(cards.get("BSCALE", 1)) + float(cards.get("BZERO", 0))
    return scaled.reshape(height, width)


def _read_header(file: bytes) -> tuple[dict[str, str], int]:
    """Read the cards of the first header, and where what follows it begins."""
    cards: dict[str, str] = {}
    for start in range(0, len(file) - CARD + 1, CARD):
        card = file[start : start + CARD].decode("ascii", "replace")
        if card.rstrip() == "END":
            return cards, (start // BLOCK + 1) * BLOCK
        if found := re.match(r"([A-Z0-9_-]+) *= *([^/']+)", card):
            cards[found[1]] = found[2].strip()
    raise ValueError("The header has no end.")

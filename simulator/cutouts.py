"""Stamps around an alert, as FITS files: science, template and difference image."""

import zlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulator.arrays import Array, Arrow, Floats, Images

BLOCK = 2880
"""FITS fills blocks of so many bytes (FITS standard 4.0, section 3.1)."""

CARD = 80
"""Bytes of one line of a FITS header."""

GZIP = 31
"""zlib's window argument for a gzip header; it holds no time, so bytes repeat."""

FASTEST = 1
"""zlib's level for stamps, whose noise hardly shrinks."""


@dataclass(frozen=True)
class Stars:
    """What each of n groups of stamps shows, a star at the middle being the alert."""

    flux: Floats
    """Of the alert in the difference image, shape (n,)."""

    width: Floats
    """Standard deviation of its image [pixel]."""

    host_flux: Floats
    """Of what the template shows beside it."""

    host_width: Floats
    """Standard deviation of that [pixel]."""

    host_offset: Floats
    """How far away that is, along each axis [pixel], shape (n, 2)."""

    noise: Floats
    """Standard deviation of a pixel in science and difference image."""


def draw_stamps(stars: Stars, size: int, rng: np.random.Generator) -> dict[str, Images]:
    """Draw the three images of each alert.

    Parameters
    ----------
    stars
        What they show.
    size
        Pixels along a side.
    rng
        Draws the noise.

    Returns
    -------
    dict of numpy.ndarray of float32, shape (n, size, size)
        Under `Science`, `Template` and `Difference`; science minus template is the
        difference, but for the template's noise, a fifth of the science image's.
    """
    shape = (len(stars.flux), size, size)
    star = _gaussians(
        stars.flux, stars.width, rng.uniform(-0.5, 0.5, (shape[0], 2)), size
    )
    host = _gaussians(stars.host_flux, stars.host_width, stars.host_offset, size)
    level = stars.noise.astype(np.float32)[:, None, None]
    sky = level * rng.standard_normal(shape, dtype=np.float32)
    faint = np.float32(0.2) * level * rng.standard_normal(shape, dtype=np.float32)
    return {
        "Science": host + star + sky,
        "Template": host + faint,
        "Difference": star + sky,
    }


def write_fits(images: Images, unit: str) -> Array:
    """Write images as FITS files.

    Parameters
    ----------
    images
        Shape (n, size, size).
    unit
        Of the pixels, as FITS names it.

    Returns
    -------
    numpy.ndarray of uint8, shape (n, bytes)
        One file a row.
    """
    count, size, _ = images.shape
    header = np.frombuffer(_header(size, unit), dtype=np.uint8)
    used = 4 * size * size
    stamps = np.zeros((count, BLOCK + -(-used // BLOCK) * BLOCK), dtype=np.uint8)
    stamps[:, :BLOCK] = header
    pixels = np.ascontiguousarray(images, dtype=">f4").reshape(count, -1)
    stamps[:, BLOCK : BLOCK + used] = pixels.view(np.uint8)
    return stamps


def plain_files(stamps: Array) -> Arrow:
    """Files as an Arrow array of bytes, as LSST sends them."""
    count, length = stamps.shape
    whole = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(length), count, [None, pa.py_buffer(stamps.tobytes())]
    )
    return whole.cast(pa.binary())


def gzipped_files(stamps: Array) -> Arrow:
    """Files as an Arrow array of gzipped bytes, as ZTF sends them."""
    return pa.array([_gzip(stamp) for stamp in stamps], pa.binary())


def _gzip(stamp: Array) -> bytes:
    packer = zlib.compressobj(FASTEST, zlib.DEFLATED, GZIP, strategy=zlib.Z_RLE)
    return packer.compress(stamp.data) + packer.flush()


def _header(size: int, unit: str) -> bytes:
    values = {
        "SIMPLE": "T",
        "BITPIX": "-32",
        "NAXIS": "2",
        "NAXIS1": str(size),
        "NAXIS2": str(size),
    }
    cards = [f"{name:<8}= {value:>20}" for name, value in values.items()]
    cards += [f"BUNIT   = '{unit:<8}'", "END"]
    return "".join(card.ljust(CARD) for card in cards).ljust(BLOCK).encode("ascii")


def _gaussians(flux: Floats, width: Floats, offset: Floats, size: int) -> Images:
    """Images of round stars of a given total flux, float32, shape (n, size, size)."""
    place = np.arange(size) - size // 2
    across = (place - offset[:, :, None]) / width[:, None, None]
    profile = np.exp(-0.5 * across**2) / (np.sqrt(2 * np.pi) * width[:, None, None])
    rows = (flux[:, None] * profile[:, 0]).astype(np.float32)
    images: Images = rows[:, :, None] * profile[:, 1].astype(np.float32)[:, None, :]
    return images

"""The first image of a FITS file is read, as astropy reads it."""

import gzip
import io
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from news.stamps import read_stamp


def written(pixels: Any) -> bytes:
    """Make a FITS file of an image."""
    file = io.BytesIO()
    fits.PrimaryHDU(pixels).writeto(file)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "i8", "f4", "f8", "u2"])
@pytest.mark.parametrize("squeeze", [bytes, gzip.compress])
def test_image_is_that_of_astropy(kind: str, squeeze: Any) -> None:
    """Every type of pixel, plain and gzipped, scaled where FITS scales it."""
    pixels = np.arange(12, dtype=kind).reshape(3, 4)

    stamp = read_stamp(squeeze(written(pixels)))

    assert stamp is not None
    assert np.array_equal(stamp, pixels)


@pytest.mark.parametrize(
    "file",
    [
        None,
        b"",
        b"no FITS",
        gzip.compress(b"no FITS", mtime=0),
        b"\x1f\x8b broken",
        written(np.zeros((3, 4)))[:2900],
        written(np.zeros((2, 3, 4))),
        written(np.zeros((3, 4))).replace(b"BITPIX  =  ", b"BITPIX  = 7"),
        written(np.zeros((3, 4))).replace(b"NAXIS1  =  ", b"NAXIS1  = 9"),
    ],
)
def test_what_is_no_image_is_none(file: bytes | None) -> None:
    """A broken stamp costs the stamp, and nothing else."""
    assert read_stamp(file) is None

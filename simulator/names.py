"""Names that surveys and catalogues form from numbers and places."""

import numpy as np

from simulator.arrays import Floats, Ints, Texts


def letters(numbers: Ints, length: int) -> Texts:
    """Write numbers in the digits a to z, so many of them; higher ones are lost."""
    digits = numbers[:, None] // 26 ** np.arange(length - 1, -1, -1) % 26
    return np.array(
        [bytes(row).decode() for row in (digits + ord("a")).astype(np.uint8)], object
    )


def gaia_names(numbers: Ints) -> Texts:
    """Names in Gaia's third data release."""
    return np.array([f"Gaia DR3 {number}" for number in numbers], object)


def galaxy_names(distances: Floats) -> Texts:
    """Names as in the Principal Galaxies Catalogue, told apart by distance [Mpc]."""
    return np.array(
        [f"PGC{number}" for number in (distances * 1e4).astype(int)], object
    )


def fermi_names(ra: Floats, dec: Floats) -> Texts:
    """Names by place, ICRS [deg], as catalogues of Fermi's sources form them."""
    tenths = (ra * 40).astype(int)
    arcmin = (np.abs(dec) * 60).astype(int)
    sign = np.where(dec < 0, "-", "+")
    parts = zip(tenths // 600, tenths % 600 / 10, sign, arcmin, strict=True)
    return np.array(
        [f"4FGL J{h:02d}{m:04.1f}{s}{a // 60:02d}{a % 60:02d}" for h, m, s, a in parts],
        object,
    )

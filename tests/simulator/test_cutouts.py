"""Stamps are FITS files that show what the alert says."""

import gzip
import io
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits

from simulator.cutouts import Stars, draw_stamps, gzipped_files, plain_files, write_fits

NAMES = ("Science", "Template", "Difference")
"""The three stamps of an alert."""


def rows(table: pa.Table, *columns: str) -> list[dict[str, Any]]:
    """Take some columns of a night, by row."""
    found: list[dict[str, Any]] = table.select(list(columns)).to_pylist()
    return found


def image(content: bytes) -> np.ndarray:
    """Pixels of a FITS file, which astropy finds nothing wrong with."""
    with fits.open(io.BytesIO(content), memmap=False) as opened:
        opened.verify("exception")
        return np.array(opened[0].data)


def stars(count: int = 3) -> Stars:
    """Describe a star without noise beside a host."""
    return Stars(
        flux=np.linspace(100, 300, count),
        width=np.full(count, 1.2),
        host_flux=np.full(count, 50.0),
        host_width=np.full(count, 2.0),
        host_offset=np.full((count, 2), 4.0),
        noise=np.zeros(count),
    )


def test_a_file_is_read_by_astropy(rng: np.random.Generator) -> None:
    """Pixels come back as they were written, with their unit."""
    images = draw_stamps(stars(), 31, rng)["Science"]

    content = plain_files(write_fits(images, "nJy"))[1].as_py()

    assert np.array_equal(image(content), images[1])
    assert fits.getheader(io.BytesIO(content))["BUNIT"] == "nJy"
    assert len(content) % 2880 == 0


def test_gzipped_files_hold_no_time(rng: np.random.Generator) -> None:
    """The bytes hold the file, and no date that would change them."""
    stamps = write_fits(draw_stamps(stars(), 63, rng)["Science"], "DN")

    content = gzipped_files(stamps)[0].as_py()

    assert gzip.decompress(content) == stamps[0].tobytes()
    assert content[4:8] == bytes(4)


def test_the_star_has_the_flux_that_is_asked_for(rng: np.random.Generator) -> None:
    """The difference image adds up to the star's flux."""
    drawn = draw_stamps(stars(), 31, rng)

    sums = drawn["Difference"].sum(axis=(1, 2))
    assert sums == pytest.approx([100, 200, 300], rel=1e-3)
    assert np.allclose(
        drawn["Science"] - drawn["Template"], drawn["Difference"], atol=1e-4
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_ztf_stamp_opens(ztf: pa.Table, name: str) -> None:
    """ZTF's stamps are gzipped images of 63 by 63 pixels."""
    for row in rows(ztf, f"cutout{name}")[:20]:
        stamp = row[f"cutout{name}"]
        assert image(gzip.decompress(stamp["stampData"])).shape == (63, 63)
        assert stamp["fileName"].startswith("candid")


@pytest.mark.parametrize("name", NAMES)
def test_every_lsst_stamp_opens(lsst: pa.Table, name: str) -> None:
    """LSST's stamps are plain images of 31 by 31 pixels."""
    for row in rows(lsst, f"cutout{name}")[:20]:
        assert image(row[f"cutout{name}"]).shape == (31, 31)


def test_the_stamp_is_as_bright_as_the_alert(lsst: pa.Table) -> None:
    """Bright alerts' difference images hold the flux that the alert gives [nJy]."""
    alerts = rows(lsst, "diaSource", "cutoutDifference")
    bright = [row for row in alerts if row["diaSource"]["snr"] > 100]

    assert bright
    for row in bright[:50]:
        flux = row["diaSource"]["psfFlux"]
        assert image(row["cutoutDifference"]).sum() == pytest.approx(flux, rel=0.25)


def test_a_star_shows_at_the_middle(ztf: pa.Table) -> None:
    """The brightest pixel of a bright alert's difference is within 2 of the middle."""
    alerts = rows(ztf, "candidate", "cutoutDifference")
    bright = [row for row in alerts if row["candidate"]["scorr"] > 30]

    assert bright
    for row in bright[:50]:
        sign = 1 if row["candidate"]["isdiffpos"] == "t" else -1
        stamp = gzip.decompress(row["cutoutDifference"]["stampData"])
        pixels = sign * image(stamp)
        place = np.unravel_index(pixels.argmax(), pixels.shape)
        assert max(abs(int(axis) - 31) for axis in place) <= 2

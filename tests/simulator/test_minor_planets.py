"""Solar-system objects are named as the Minor Planet Center names them."""

import numpy as np

from simulator.minor_planets import minor_planets

PLACES = {
    "diaSourceId": np.arange(50),
    "ra": np.linspace(0, 359, 50),
    "dec": np.linspace(-20, 20, 50),
}
"""Sources."""


def test_ids_are_packed_designations(rng: np.random.Generator) -> None:
    """LSST's id of an object is its packed designation, read as a number."""
    orbit = minor_planets(PLACES, np.ones(50, bool), rng)["mpc_orbits"].fields
    seen = minor_planets(PLACES, np.ones(50, bool), rng)["ssSource"].fields

    assert all(
        len(packed) == 7 for packed in orbit["packed_primary_provisional_designation"]
    )
    for number in seen["ssObjectId"]:
        assert int(number).to_bytes(7, "big").isalnum()


def test_orbits_obey_kepler(rng: np.random.Generator) -> None:
    """Period and perihelion follow from axis and eccentricity."""
    orbit = minor_planets(PLACES, np.ones(50, bool), rng)["mpc_orbits"].fields

    assert np.allclose(orbit["period"] * orbit["mean_motion"], 360)
    assert np.allclose((orbit["period"] / 365.25) ** 2, orbit["a"] ** 3)
    assert np.allclose(orbit["q"], orbit["a"] * (1 - orbit["e"]))

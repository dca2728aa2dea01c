"""Names look like the surveys' and catalogues' own."""

import numpy as np

from simulator.names import fermi_names, gaia_names, galaxy_names, letters


def test_letters_count_in_base_26() -> None:
    """0 is all a, and the last letter moves fastest."""
    assert letters(np.array([0, 1, 26, 26**3 - 1]), 3).tolist() == [
        *("aaa", "aab", "aba", "zzz"),
    ]


def test_fermi_names_hold_the_place() -> None:
    """Hours and minutes, degrees and arc minutes, cut off, as the catalogue does."""
    names = fermi_names(np.array([187.706, 0.0]), np.array([12.39, -0.01]))

    assert names.tolist() == ["4FGL J1230.8+1223", "4FGL J0000.0-0000"]


def test_catalogue_names() -> None:
    """Catalogues put their name before a number."""
    assert gaia_names(np.array([5])).tolist() == ["Gaia DR3 5"]
    assert galaxy_names(np.array([1.5])).tolist() == ["PGC15000"]

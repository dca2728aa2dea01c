"""Words of SIMBAD that filters of both surveys share."""

SIMBAD_GALAXIES = (
    "galaxy",
    "Galaxy",
    "EmG",
    "Seyfert",
    "Seyfert_1",
    "Seyfert_2",
    "BlueCompG",
    "StarburstG",
    "LSB_G",
    "HII_G",
    "High_z_G",
    "GinPair",
    "GinGroup",
    "BClG",
    "GinCl",
    "PartofG",
    "Compact_Gr_G",
    "IG",
    "PairG",
    "GroupG",
    "ClG",
    "SuperClG",
    "Void",
    "LINER",
    "Possible_ClG",
    "Possible_SClG",
    "GravLens_Candidate",
)
"""SIMBAD types of galaxies and of what galaxies make up, old words and new."""

SIMBAD_UNKNOWN = (
    "Unknown",
    "Candidate_SN*",
    "SN*_Candidate",
    "SN",
    "Transient",
    "Fail",
    "Fail 504",
)
"""Labels that rule nothing out: no match, a failed match, an earlier transient."""

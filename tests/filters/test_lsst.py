"""The science of the LSST filters."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord

from filters import choose_filters, load_catalogue, load_filters
from filters.lsst import _blocks as blocks
from nightmail import ColumnError
from nightmail.columns import narrow, resolve
from nightmail.evaluate import evaluate, read_column
from nightmail.testing import check_filter

FLAGS = [
    "isDipole",
    "pixelFlags",
    "pixelFlags_bad",
    "pixelFlags_saturated",
    "pixelFlags_streakCenter",
    "pixelFlags_interpolated",
    "pixelFlags_cr",
    "pixelFlags_nodata",
    "pixelFlags_streak",
    "pixelFlags_edge",
    "psfFlux_flag",
    "apFlux_flag",
    "forced_PsfFlux_flag",
    "forced_PsfFlux_flag_edge",
    "shape_flag",
    "centroid_flag",
]
"""The flags that a good source has not."""

GOOD: dict[str, Any] = {
    **{f"diaSource_{flag}": False for flag in FLAGS},
    "diaSource_psfFlux": 36307.8,
    "diaSource_psfFluxErr": 500.0,
    "diaSource_ra": 192.9,
    "diaSource_dec": 27.1,
    "diaSource_midpointMjdTai": 61109.0,
    "diaSource_band": "r",
    "misc_firstDiaSourceMjdTaiFink": 61107.0,
    "prvDiaSources_midpointMjdTai": [61107.0, 61108.0, 61108.5],
    "prvDiaSources_psfFlux": [9000.0, 18000.0, 36307.8],
    "prvDiaSources_band": ["r", "r", "g"],
    "pred_is_sso": False,
    "xm_simbad_otype": None,
    "xm_mangrove_lum_dist": None,
    "xm_legacydr8_zphot": 0.05,
    "xm_gaiadr3_DR3Name": None,
    "xm_gaiadr3_Plx": None,
    "xm_gaiadr3_e_Plx": None,
    "xm_vsx_Type": None,
    "xm_tns_fullname": None,
    "clf_elephant_kstest_template": 0.5,
    "diaObject_nDiaSources": 6,
    **{f"diaObject_{band}_psfFluxMax": None for band in "ugizy"},
    "diaObject_r_psfFluxMax": 36307.8,
    **{f"diaObject_{band}_psfFluxNdata": 0 for band in "ugizy"},
    "diaObject_r_psfFluxNdata": 3,
}
"""A source of 20 mag at the Galactic pole, risen by 0.76 mag in a day, beside a galaxy
of redshift 0.05: -16.7 mag."""

TYPES: dict[str, pa.DataType] = {
    "xm_simbad_otype": pa.string(),
    "xm_mangrove_lum_dist": pa.float32(),
    "xm_gaiadr3_DR3Name": pa.string(),
    "xm_gaiadr3_Plx": pa.float32(),
    "xm_gaiadr3_e_Plx": pa.float32(),
    "xm_vsx_Type": pa.string(),
    "xm_tns_fullname": pa.string(),
    **{f"diaObject_{band}_psfFluxMax": pa.float32() for band in "ugizy"},
}
"""Types of the columns that are null in the good alert."""

NEW, NEAR, HOSTLESS, TNS, SSO = (
    "extragalactic_new_candidate",
    "sn_near_galaxy_candidate",
    "hostless_candidate",
    "in_tns",
    "is_solar_system",
)

STAR = {"xm_gaiadr3_DR3Name": "Gaia DR3 1", "xm_gaiadr3_e_Plx": 0.1}


def history(*sources: tuple[float, float, str]) -> dict[str, Any]:
    """Earlier sources: time, flux and band of each."""
    return {
        "prvDiaSources_midpointMjdTai": [s[0] for s in sources],
        "prvDiaSources_psfFlux": [s[1] for s in sources],
        "prvDiaSources_band": [s[2] for s in sources],
    }


def band(name: str, *fluxes: float) -> dict[str, Any]:
    """Return an alert in a band, with one earlier source in it a day before."""
    return {
        "diaSource_band": name,
        f"diaObject_{name}_psfFluxNdata": 2,
        **history(*((61108.0, flux, name) for flux in fluxes)),
    }


CASES: list[tuple[dict[str, Any], Sequence[str]]] = [
    ({}, (NEW, NEAR, HOSTLESS)),
    *(({f"diaSource_{flag}": True}, ()) for flag in FLAGS),
    ({"diaSource_isDipole": None}, ()),
    ({"diaSource_psfFlux": -36307.8}, ()),
    ({"diaSource_psfFlux": None}, ()),
    ({"diaSource_psfFluxErr": 6051.4}, ()),
    ({"diaSource_psfFluxErr": 6051.2}, (NEW, NEAR, HOSTLESS)),
    ({"diaSource_ra": 192.9 + 360.0}, (NEW, NEAR, HOSTLESS)),
    ({"diaSource_ra": 266.4, "diaSource_dec": -29.0}, ()),
    ({"diaSource_ra": None}, ()),
    ({"pred_is_sso": True}, (HOSTLESS, SSO)),
    ({"pred_is_sso": None}, (HOSTLESS,)),
    ({"xm_tns_fullname": "AT 2026abc"}, (NEW, NEAR, HOSTLESS, TNS)),
    ({"xm_tns_fullname": ""}, (NEW, NEAR, HOSTLESS)),
    # Which catalogue has a galaxy there.
    ({"xm_legacydr8_zphot": None}, (HOSTLESS,)),
    ({"xm_legacydr8_zphot": -1.0}, (HOSTLESS,)),
    ({"xm_legacydr8_zphot": None, "xm_mangrove_lum_dist": 100.0}, (NEW, HOSTLESS)),
    ({"xm_legacydr8_zphot": None, "xm_simbad_otype": "EmG"}, (NEW, HOSTLESS)),
    ({"xm_simbad_otype": "RR*"}, (HOSTLESS,)),
    ({"xm_simbad_otype": "RR*", "xm_mangrove_lum_dist": 99.0}, (NEW, NEAR, HOSTLESS)),
    # A star is none.
    (STAR | {"xm_gaiadr3_Plx": 0.6}, (HOSTLESS,)),
    (STAR | {"xm_gaiadr3_Plx": 0.4}, (NEW, NEAR, HOSTLESS)),
    (STAR, (NEW, NEAR, HOSTLESS)),
    ({"xm_vsx_Type": "EW|EA"}, (HOSTLESS,)),
    ({"xm_vsx_Type": "SR"}, (HOSTLESS,)),
    ({"xm_vsx_Type": "SN Ia"}, (NEW, NEAR, HOSTLESS)),
    ({"xm_vsx_Type": "AGN"}, (NEW, NEAR, HOSTLESS)),
    # No host in the template, and bright.
    ({"clf_elephant_kstest_template": 0.95}, (NEW, NEAR)),
    ({"clf_elephant_kstest_template": None}, (NEW, NEAR)),
    (
        {"diaSource_psfFlux": 9130.0} | history((61108.0, 3000.0, "r")),
        (NEW, NEAR, HOSTLESS),
    ),
    ({"diaSource_psfFlux": 9110.0} | history((61108.0, 3000.0, "r")), (NEW, NEAR)),
    # As luminous as a supernova.
    ({"diaObject_nDiaSources": 5}, (NEW, HOSTLESS)),
    ({"diaObject_nDiaSources": None}, (NEW, HOSTLESS)),
    ({"diaObject_r_psfFluxMax": None}, (NEW, HOSTLESS)),
    (
        {"diaObject_r_psfFluxMax": None, "diaObject_u_psfFluxMax": 36307.8},
        (NEW, NEAR, HOSTLESS),
    ),
    ({"diaObject_y_psfFluxMax": 3.6e7}, (NEW, HOSTLESS)),
    ({"diaObject_r_psfFluxMax": 1000.0}, (NEW, HOSTLESS)),
    # New, and fast.
    ({"misc_firstDiaSourceMjdTaiFink": 61106.0}, (NEAR, HOSTLESS)),
    ({"misc_firstDiaSourceMjdTaiFink": None}, (NEAR, HOSTLESS)),
    ({"diaObject_r_psfFluxNdata": 1}, (NEAR, HOSTLESS)),
    ({"diaObject_r_psfFluxNdata": None}, (NEAR, HOSTLESS)),
    (history(), (NEAR, HOSTLESS)),
    (history((61108.0, 18000.0, "g")), (NEAR, HOSTLESS)),
    (history((61108.0, -18000.0, "r")), (NEAR, HOSTLESS)),
    (history((61108.0, 30400.0, "r")), (NEAR, HOSTLESS)),
    (history((61108.0, 30000.0, "r")), (NEW, NEAR, HOSTLESS)),
    (history((61108.0, 36000.0, "r"), (61107.0, 1.0, "r")), (NEAR, HOSTLESS)),
    (history((61108.0, 43000.0, "r")), (NEAR, HOSTLESS)),
    (history((61108.0, 44000.0, "r")), (NEW, NEAR, HOSTLESS)),
    (
        history((61108.0, 44000.0, "r")) | {"misc_firstDiaSourceMjdTaiFink": 61104.5},
        (NEW, NEAR, HOSTLESS),
    ),
    (band("i", 44000.0), (NEW, NEAR, HOSTLESS)),
    (band("g", 44000.0), (NEAR, HOSTLESS)),
    (band("u", 57000.0), (NEAR, HOSTLESS)),
    (band("u", 58000.0), (NEW, NEAR, HOSTLESS)),
    (band("z", 99000.0), (NEAR, HOSTLESS)),
    (band("y", 18000.0), (NEW, NEAR, HOSTLESS)),
    ({"diaSource_band": None}, (NEAR, HOSTLESS)),
]
"""A change to the good alert, and which filters keep it then."""


def batch_of(*changes: dict[str, Any]) -> pa.RecordBatch:
    """Make the good alert, and it with each change."""
    first = pa.RecordBatch.from_pylist([GOOD]).schema
    schema = pa.schema([(f.name, TYPES.get(f.name, f.type)) for f in first])
    return pa.RecordBatch.from_pylist([GOOD, *(GOOD | c for c in changes)], schema)


@pytest.mark.parametrize(("change", "keep"), CASES, ids=lambda case: str(case)[:60])
def test_rules(change: dict[str, Any], keep: Sequence[str]) -> None:
    """Each threshold decides, on both sides of it, and null keeps nothing."""
    assert set(change) <= set(GOOD)

    done = evaluate(
        list(choose_filters(load_catalogue("lsst")).values()), batch_of(change)
    )

    assert done.failures == {}
    assert {name for name, mask in done.masks.items() if mask[1]} == set(keep)


@pytest.mark.parametrize("name", [NEW, NEAR, HOSTLESS, TNS, SSO])
def test_contract_on_made_rows(name: str) -> None:
    """It is safe to run on any batch, in any order."""
    check_filter(load_filters("lsst")[name], batch_of(*(change for change, _ in CASES)))


FILES = [
    "lsst_science_v100_fink-tutorials_20260310",
    "lsst_science_v100_fink-filters_rubin_test_data_10_0",
]


def real_batch(alerts: pa.Table) -> pa.RecordBatch:
    """Take what the filters read; what an older file lacks is text that is null."""
    names = {c for one in load_filters("lsst").values() for c in one.columns}
    missing = set()
    for name in names:
        try:
            resolve(alerts.schema, name)
        except ColumnError:
            missing.add(name)
    assert missing <= {"xm_tns_fullname"}
    batch = narrow(alerts, sorted(names - missing))
    for name in missing:
        batch = batch.append_column(name, pa.nulls(len(batch), pa.string()))
    return batch


@pytest.mark.parametrize("file", FILES)
def test_contract_on_real_rows(real: Any, file: str) -> None:
    """The same on real alerts of both schemas."""
    batch = real_batch(real(file))

    for one in load_filters("lsst").values():
        check_filter(one, batch)


def modulus(redshift: float) -> float:
    """Distance modulus of a flat universe, its integral by ten thousand trapezia."""
    z = np.linspace(0, redshift, 10_001)
    integral = np.trapezoid(1 / np.sqrt(0.3 * (1 + z) ** 3 + 0.7), z)
    return 25 + 5 * math.log10(299792.458 / 70 * (1 + redshift) * float(integral))


def magnitude(flux: float | None) -> float:
    """AB magnitude, NaN where there is none."""
    return -2.5 * math.log10(flux) + 31.4 if flux and flux > 0 else math.nan


def by_hand(alert: dict[str, Any]) -> set[str]:
    """Decide one alert in plain Python with astropy, from the published rules."""
    s, o, xm = alert["diaSource"], alert["diaObject"] or {}, alert["xm"]
    flux = s["psfFlux"]
    latitude = SkyCoord(s["ra"], s["dec"], unit="deg").galactic.b.deg
    good = (
        not any(s[flag] for flag in FLAGS)
        and flux >= 0
        and flux / s["psfFluxErr"] >= 6
        and abs(latitude) > 20
    )
    zphot = xm["legacydr8_zphot"] or 0
    extragalactic = (
        good and near_galaxy(xm) and not on_star(xm) and not alert["pred"]["is_sso"]
    )
    peak = max((o.get(f"{b}_psfFluxMax") or -1.0 for b in "ugrizy"), default=-1.0)
    absolute = math.nan
    if zphot > 0:
        absolute = magnitude(peak) - modulus(zphot)
    kept = {
        NEW: extragalactic and is_new(alert, s, o),
        NEAR: extragalactic
        and (o.get("nDiaSources") or 0) > 5
        and -23 < absolute < -13,
        HOSTLESS: good
        and (alert["clf"]["elephant_kstest_template"] or 1) < 0.95
        and magnitude(flux) <= 21.5,
        TNS: bool(xm.get("tns_fullname")),
        SSO: alert["pred"]["is_sso"],
    }
    return {name for name, keep in kept.items() if keep}


def near_galaxy(xm: dict[str, Any]) -> bool:
    """Tell whether a catalogue has a galaxy."""
    galaxy = xm["simbad_otype"] in {"EmG", "IG", "ClG", "Galaxy"}
    zphot = (xm["legacydr8_zphot"] or 0) > 0
    distance = (xm["mangrove_lum_dist"] or 0) > 0
    return galaxy or distance or (zphot and xm["simbad_otype"] is None)


def on_star(xm: dict[str, Any]) -> bool:
    """Tell whether a catalogue has a star; VSX's types here are EA and RRAB."""
    parallax = xm["gaiadr3_Plx"] is not None
    return xm["vsx_Type"] is not None or (
        parallax and xm["gaiadr3_Plx"] / xm["gaiadr3_e_Plx"] > 5
    )


def is_new(alert: dict[str, Any], s: dict[str, Any], o: dict[str, Any]) -> bool:
    """Tell whether one alert is young and fast."""
    age = s["midpointMjdTai"] - alert["misc"]["firstDiaSourceMjdTaiFink"]
    earlier = [p for p in alert["prvDiaSources"] or [] if p["band"] == s["band"]]
    if age >= 5 or not earlier or (o.get(f"{s['band']}_psfFluxNdata") or 0) < 2:
        return False
    last = max(earlier, key=lambda p: p["midpointMjdTai"])
    rate = magnitude(s["psfFlux"]) - magnitude(last["psfFlux"])
    rate /= s["midpointMjdTai"] - last["midpointMjdTai"]
    fading = {"u": 0.5, "g": 0.5, "r": 0.2, "i": 0.2}.get(s["band"], math.inf)
    return magnitude(s["psfFlux"]) < 24 and ((rate < -0.2 and age < 3) or rate > fading)


@pytest.mark.parametrize(
    ("file", "counts"),
    [(FILES[0], {NEAR: 4, SSO: 25}), (FILES[1], {SSO: 3})],
)
def test_real_rows_as_by_hand(real: Any, file: str, counts: dict[str, int]) -> None:
    """On real alerts every filter keeps what the rule, applied by hand, keeps."""
    alerts: pa.Table = real(file)
    filters = choose_filters(load_catalogue("lsst"))

    done = evaluate(list(filters.values()), real_batch(alerts))

    expected = [by_hand(alert) for alert in alerts.to_pylist()]
    for name, mask in done.masks.items():
        assert mask.tolist() == [name in kept for kept in expected], name
    kept_counts = {name: int(mask.sum()) for name, mask in done.masks.items()}
    assert kept_counts == dict.fromkeys(filters, 0) | counts


def test_blocks_on_real_rows(real: Any) -> None:
    """What the filters are built of is as by hand, and the alerts are on both sides."""
    alerts: pa.Table = real(FILES[0])
    batch = real_batch(alerts)

    def take(*names: str) -> list[Any]:
        return [read_column(batch.column(name)) for name in names]

    flags = take(*(f"diaSource_{flag}" for flag in FLAGS))
    good = blocks.is_good(flags, *take("diaSource_psfFlux", "diaSource_psfFluxErr"))
    galaxy = blocks.has_galaxy(
        *take("xm_simbad_otype", "xm_mangrove_lum_dist", "xm_legacydr8_zphot")
    )
    star = blocks.is_star(
        *take("xm_gaiadr3_DR3Name", "xm_gaiadr3_Plx", "xm_gaiadr3_e_Plx", "xm_vsx_Type")
    )
    matches: list[Any] = alerts.column("xm").to_pylist()
    assert galaxy.tolist() == [near_galaxy(xm) for xm in matches]
    assert star.tolist() == [on_star(xm) for xm in matches]
    assert (good.sum(), galaxy.sum(), star.sum()) == (72, 19, 16)


def test_galactic_latitude_is_astropys() -> None:
    """Over the whole sky it is astropy's, to a milliarcsecond, and wraps at 0."""
    generator = np.random.default_rng(1)
    ra = np.concatenate([generator.uniform(0, 360, 1000), [0.0, 360.0, 192.85948]])
    dec = np.concatenate([generator.uniform(-90, 90, 1000), [10.0, 10.0, 27.12825]])

    ours = blocks.galactic_latitude(pd.Series(ra), pd.Series(dec)).to_numpy()

    theirs = SkyCoord(ra, dec, unit="deg").galactic.b.deg
    assert np.abs(ours - theirs)[:-1].max() * 3600 < 0.05
    assert ours[1000] == pytest.approx(ours[1001], abs=1e-12)
    assert ours[-1] == pytest.approx(90.0, abs=1e-5)


def test_distance_modulus() -> None:
    """It is the integral, and near us Hubble's law; of no redshift it is null."""
    redshift = np.array([0.001, 0.05, 0.5, 1.0, 3.0, 7.0])

    ours = blocks.distance_modulus(pd.Series(redshift)).to_numpy()

    assert ours == pytest.approx([modulus(z) for z in redshift], abs=1e-5)
    hubble = 25 + 5 * math.log10(299792.458 * 0.001 / 70)
    assert ours[0] == pytest.approx(hubble, abs=2e-3)
    assert blocks.distance_modulus(pd.Series([0.0, -1.0, np.nan])).isna().all()

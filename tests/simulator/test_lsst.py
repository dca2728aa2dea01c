"""LSST's records are whole, and consistent with what the object is."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

Record = dict[str, Any]


@pytest.fixture(scope="module")
def records(lsst: pa.Table) -> list[Record]:
    """All alerts, without stamps."""
    stamps = [f"cutout{name}" for name in ("Science", "Template", "Difference")]
    return lsst.drop_columns(stamps).to_pylist()


@pytest.fixture(scope="module")
def fixed(records: list[Record]) -> list[Record]:
    """Alerts of what does not move."""
    return [record for record in records if not record["pred"]["is_sso"]]


def test_what_readers_need_is_never_null(records: list[Record]) -> None:
    """Ids, times, places and fluxes are there, and histories are lists."""
    for record in records:
        source = record["diaSource"]
        needed = (
            "midpointMjdTai",
            "ra",
            "dec",
            "psfFlux",
            "psfFluxErr",
            "band",
            "visit",
        )
        assert None not in [source[name] for name in needed]
        assert source["diaSourceId"] == record["diaSourceId"]
        assert isinstance(record["prvDiaSources"], list)
        assert isinstance(record["prvDiaForcedSources"], list)


def test_what_moves_has_an_orbit_and_no_object(records: list[Record]) -> None:
    """A solar-system object has its designation in place of a DiaObject."""
    moving = [record for record in records if record["pred"]["is_sso"]]

    assert 0.05 < len(moving) / len(records) < 0.15
    for record in moving:
        assert record["diaObject"] is None
        assert record["diaSource"]["diaObjectId"] == 0
        assert record["ssSource"]["designation"] == record["mpc_orbits"]["designation"]
        assert record["ssSource"]["ssObjectId"] == record["diaSource"]["ssObjectId"] > 0
        assert record["prvDiaSources"] == record["prvDiaForcedSources"] == []
        assert record["pred"]["is_first"] is None


def test_what_stays_has_an_object_and_no_orbit(fixed: list[Record]) -> None:
    """A DiaObject counts its sources and is named by the first of them."""
    for record in fixed:
        found = record["diaObject"]
        earlier = record["prvDiaSources"]
        first = earlier[0] if earlier else record["diaSource"]
        assert record["ssSource"] is None
        assert record["mpc_orbits"] is None
        assert record["diaSource"]["ssObjectId"] == 0
        assert found["nDiaSources"] == len(earlier) + 1
        assert found["diaObjectId"] == first["diaSourceId"]
        assert record["diaSource"]["diaObjectId"] == found["diaObjectId"]
        assert record["pred"]["is_first"] == (not earlier)
        assert record["misc"]["firstDiaSourceMjdTaiFink"] == first["midpointMjdTai"]


def test_histories_are_earlier_and_in_order(fixed: list[Record]) -> None:
    """They end before the alert; every earlier source is a forced one too."""
    for record in fixed:
        for name in ("prvDiaSources", "prvDiaForcedSources"):
            times = [entry["midpointMjdTai"] for entry in record[name]]
            assert times == sorted(times)
            assert not times or times[-1] < record["diaSource"]["midpointMjdTai"]
        sources = {e["midpointMjdTai"]: e["psfFlux"] for e in record["prvDiaSources"]}
        forced = {
            e["midpointMjdTai"]: e["psfFlux"] for e in record["prvDiaForcedSources"]
        }
        assert sources.items() <= forced.items()


def test_forced_sources_hold_what_was_not_detected(fixed: list[Record]) -> None:
    """Some forced fluxes are below five standard errors, no source is."""
    forced = [e for r in fixed for e in r["prvDiaForcedSources"]]
    sources = [e for r in fixed for e in r["prvDiaSources"]]

    assert any(abs(e["psfFlux"]) < 5 * e["psfFluxErr"] for e in forced)
    assert all(abs(e["psfFlux"]) > 4.999 * e["psfFluxErr"] for e in sources)


def test_statistics_are_those_of_the_alerts_band(fixed: list[Record]) -> None:
    """Count, extremes and mean are the history's in that band; others are null."""
    for record in fixed:
        band, found = record["diaSource"]["band"], record["diaObject"]
        entries = [*record["prvDiaSources"], record["diaSource"]]
        fluxes = [e["psfFlux"] for e in entries if e["band"] == band]
        assert found[f"{band}_psfFluxNdata"] == len(fluxes)
        assert found[f"{band}_psfFluxMax"] == pytest.approx(max(fluxes))
        assert found[f"{band}_psfFluxMin"] == pytest.approx(min(fluxes))
        assert (found[f"{band}_psfFluxSigma"] is None) == (len(fluxes) == 1)
        for other in set("ugrizy") - {band}:
            assert found[f"{other}_psfFluxMean"] is None
            assert found[f"{other}_psfFluxNdata"] == 0


def test_ids_hold_day_visit_and_detector(records: list[Record]) -> None:
    """An id is made of bits as in real records, and a visit begins with the evening."""
    for record in records:
        source, number = record["diaSource"], record["diaSourceId"]
        assert number >> 42 == int(source["midpointMjdTai"] - 0.5) - 22429
        assert number >> 27 & 0x7FFF == source["visit"] % 100_000
        assert number >> 19 & 0xFF == source["detector"]
        assert source["visit"] // 100_000 == 20260228


def test_bogus_alerts_are_unreliable(records: list[Record]) -> None:
    """Only what is unreliable has flags set."""
    bogus = [r["diaSource"] for r in records if r["diaSource"]["reliability"] < 0.5]
    flags = ("isDipole", "centroid_flag", "pixelFlags_interpolated")

    assert 0.08 < len(bogus) / len(records) < 0.2
    for record in records:
        source = record["diaSource"]
        flagged = any(source[name] for name in flags)
        assert flagged == (source["reliability"] < 0.5)


def test_features_have_the_bands_of_the_light_curve(fixed: list[Record]) -> None:
    """There is an entry for every band with sources; its mean is theirs."""
    for record in fixed:
        entries = [*record["prvDiaSources"], record["diaSource"]]
        features = dict(record["lc_features"])
        assert set(features) == {entry["band"] for entry in entries}
        for band, found in features.items():
            fluxes = [e["psfFlux"] for e in entries if e["band"] == band]
            assert found["mean"] == pytest.approx(np.mean(fluxes), rel=1e-5)
            assert (found["standard_deviation"] != found["standard_deviation"]) == (
                len(fluxes) == 1
            )


def test_labels_follow_from_classifier_and_match(records: list[Record]) -> None:
    """Labels repeat what matches and classifier say; several kinds occur."""
    for record in records:
        pred = record["pred"]
        assert pred["main_label_crossmatch"] == record["xm"]["simbad_otype"]
        assert pred["main_label_classifier"] == record["clf"]["cats_class"]

    labels = {record["xm"]["simbad_otype"] for record in records}
    classes = {record["clf"]["cats_class"] for record in records}
    assert {None, "QSO", "RR*", "EB*"} <= labels
    assert {-1, 11, 12, 21, 22} <= classes


def test_catalogues_know_all_of_a_match_or_nothing(records: list[Record]) -> None:
    """Names and numbers of one catalogue are null together."""
    groups = (
        ("gaiadr3_DR3Name", "gaiadr3_Plx", "gaiadr3_e_Plx"),
        ("tns_fullname", "tns_type", "tns_redshift"),
        ("mangrove_HyperLEDA_name", "mangrove_lum_dist", "mangrove_ang_dist"),
        ("legacydr8_zphot", "legacydr8_e_zphot"),
    )

    for record in records:
        for group in groups:
            assert len({record["xm"][name] is None for name in group}) == 1


def test_science_is_template_and_difference(records: list[Record]) -> None:
    """Fluxes add up, and no science image is darker than its noise."""
    for record in records:
        source = record["diaSource"]
        total = source["templateFlux"] + source["psfFlux"]
        assert source["scienceFlux"] == pytest.approx(total, rel=1e-4, abs=1)
        assert source["scienceFlux"] > -5 * source["scienceFluxErr"]

"""ZTF's records are whole, and consistent with what the object is."""

import re
from typing import Any

import pyarrow as pa
import pytest

from simulator.columns import read_columns

Record = dict[str, Any]


@pytest.fixture(scope="module")
def records(ztf: pa.Table) -> list[Record]:
    """All alerts, without stamps."""
    stamps = [f"cutout{name}" for name in ("Science", "Template", "Difference")]
    return ztf.drop_columns(stamps).to_pylist()


def test_what_readers_need_is_never_null(records: list[Record]) -> None:
    """Ids, times, places and magnitudes are there, and history is a list."""
    for record in records:
        candidate = record["candidate"]
        needed = ("jd", "ra", "dec", "magpsf", "sigmapsf", "fid", "diffmaglim")
        assert None not in [candidate[name] for name in needed]
        assert None not in (record["candid"], record["objectId"], record["cdsxmatch"])
        assert candidate["candid"] == record["candid"]
        assert isinstance(record["prv_candidates"], list)


def test_some_histories_are_empty(records: list[Record]) -> None:
    """An object seen for the first time has a history without entries."""
    lengths = [len(record["prv_candidates"]) for record in records]

    assert min(lengths) == 0
    assert max(lengths) > 15


def test_histories_are_earlier_and_in_order(records: list[Record]) -> None:
    """They end before the alert and go back at most thirty days and a bit."""
    for record in records:
        times = [entry["jd"] for entry in record["prv_candidates"]]
        assert times == sorted(times)
        if times:
            assert times[-1] < record["candidate"]["jd"]
            assert times[0] > record["candidate"]["jd"] - 31.5


def test_what_was_not_detected_has_a_limit(records: list[Record]) -> None:
    """An upper limit has no magnitude, id or place; a detection has all of them."""
    entries = [entry for record in records for entry in record["prv_candidates"]]
    limits = [entry for entry in entries if entry["magpsf"] is None]
    flagged = {
        field.name
        for column in read_columns("ztf")
        if column.name == "prv_candidates"
        for field in column.fields
        if field.flag
    }

    assert 0.1 < len(limits) / len(entries) < 0.9
    assert all(entry["diffmaglim"] is not None for entry in entries)
    assert all(entry[name] is None for entry in limits for name in flagged)
    for entry in entries:
        if entry["magpsf"] is not None:
            assert entry["magpsf"] <= entry["diffmaglim"] + 1e-4
            assert entry["candid"] is not None


def test_names_are_those_of_ztf(records: list[Record]) -> None:
    """Objects, images and ids look like real ones and agree with each other."""
    for record in records:
        candidate = record["candidate"]
        assert re.fullmatch(r"ZTF\d\d[a-z]{7}", record["objectId"])
        assert str(record["candid"]).startswith(str(candidate["pid"]))
        assert (
            f"_{candidate['field']:06d}_z{' gr'[candidate['fid']]}_"
            in (candidate["pdiffimfilename"])
        )
        assert candidate["nid"] == int(candidate["jd"] - 2457754.5)


def test_alerts_of_one_object_agree(records: list[Record]) -> None:
    """The second alert of a night has the first in its history, and its matches."""
    first: dict[str, Record] = {}
    pairs = 0
    for record in records:
        before = first.setdefault(record["objectId"], record)
        if before is record:
            continue
        pairs += 1
        last = record["prv_candidates"][-1]
        assert last["candid"] == before["candid"]
        assert last["magpsf"] == before["candidate"]["magpsf"]
        for name in ("cdsxmatch", "DR3Name", "tns", "vsx", "mulens", "mangrove"):
            assert record[name] == before[name]
        assert record["candidate"]["ndethist"] == before["candidate"]["ndethist"] + 1
    assert pairs > 50


def test_solar_system_objects_are_named(records: list[Record]) -> None:
    """What the Minor Planet Center knows has its name, and no earlier detection."""
    known = [record for record in records if record["roid"] == 3]

    assert 0.05 < len(known) / len(records) < 0.15
    for record in records:
        candidate = record["candidate"]
        if record["roid"] == 3:
            assert candidate["ssnamenr"].isdigit()
            assert 0 <= candidate["ssdistnr"] < 5
            assert candidate["ndethist"] == 1
        else:
            assert candidate["ssnamenr"] == "null"
            assert candidate["ssdistnr"] == -999


def test_bogus_alerts_have_low_scores(records: list[Record]) -> None:
    """Low deep-learning scores come with low real-bogus scores; none is below 0.55."""
    bogus = [r["candidate"] for r in records if r["candidate"]["drb"] < 0.5]

    assert 0.08 < len(bogus) / len(records) < 0.2
    assert all(0.55 <= candidate["rb"] < 0.65 for candidate in bogus)
    assert all(record["candidate"]["rb"] >= 0.55 for record in records)


def test_the_night_has_many_labels(records: list[Record]) -> None:
    """SIMBAD's labels are those of galaxies, stars and nothing, unknown among them."""
    labels = {record["cdsxmatch"] for record in records}

    assert {"Unknown", "QSO", "RRLyrae", "EclBin", "Galaxy", "Star"} <= labels


def test_what_gaia_has_not_is_not_a_number(records: list[Record]) -> None:
    """Parallaxes are NaN where Gaia has nothing, as in real records."""
    for record in records:
        unknown = record["Plx"] != record["Plx"]
        assert unknown == (record["DR3Name"] == "nan")


def test_features_have_nan_and_null_as_real_ones(records: list[Record]) -> None:
    """A band without points is null; one with too few has features that are NaN."""
    bands = [record[f"lc_features_{band}"] for record in records for band in "gr"]
    there = [band for band in bands if band is not None]

    assert len(there) < len(bands)
    assert any(band["kurtosis"] != band["kurtosis"] for band in there)
    assert all(band["mean"] == band["mean"] for band in there)


def test_maps_are_as_long_as_real_ones(records: list[Record]) -> None:
    """Galaxies have four texts, blazars three numbers."""
    for record in records:
        keys = [key for key, _ in record["mangrove"]]
        assert keys == ["HyperLEDA_name", "2MASS_name", "lum_dist", "ang_dist"]
        assert dict(record["blazar_stats"]) == {"m0": -1, "m1": -1, "m2": -1}


def test_rates_are_those_of_the_history(records: list[Record]) -> None:
    """The rate is the change since the last look in the same band, over its time."""
    compared = 0
    for record in records:
        candidate = record["candidate"]
        same = [e for e in record["prv_candidates"] if e["fid"] == candidate["fid"]]
        if not same:
            assert record["mag_rate"] is None
            continue
        last = same[-1]
        limit = last["magpsf"] is None
        before = last["diffmaglim"] if limit else last["magpsf"]
        days = candidate["jd"] - last["jd"]
        assert record["from_upper"] == limit
        assert record["mag_rate"] * days == pytest.approx(
            candidate["magpsf"] - before, abs=1e-3
        )
        compared += 1
    assert compared > 500

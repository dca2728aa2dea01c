"""The class of an alert."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest

from filters.classes import class_columns, classify
from nightmail import ColumnError
from nightmail.columns import narrow, resolve
from settings.errors import NothingThereError

PLAIN: dict[str, Any] = {
    "finkclass": None,
    "cdsxmatch": "Unknown",
    "roid": 0,
    "tracklet": None,
    "mulens": 0.0,
    "snn_snia_vs_nonia": 0.0,
    "snn_sn_vs_all": 0.0,
    "rf_snia_vs_nonia": 0.0,
    "rf_kn_vs_nonkn": 0.0,
    "candidate_drb": 0.9,
    "candidate_classtar": 0.9,
    "candidate_jd": 2461110.5,
    "candidate_jdstarthist": 2461108.5,
    "candidate_ndethist": 3,
}
"""A ZTF alert of which nothing is known."""

SN = {"snn_sn_vs_all": 0.9}
"""What makes it a supernova candidate."""

ZTF_CASES: list[tuple[dict[str, Any], str]] = [
    ({}, "Unknown"),
    ({"mulens": 0.1}, "Microlensing candidate"),
    (SN, "SN candidate"),
    (SN | {"rf_snia_vs_nonia": 0.9}, "Early SN Ia candidate"),
    ({"rf_kn_vs_nonkn": 0.9}, "Kilonova candidate"),
    (SN | {"rf_kn_vs_nonkn": 0.9}, "Kilonova candidate"),
    ({"roid": 2}, "Solar System candidate"),
    ({"roid": 3}, "Solar System MPC"),
    ({"tracklet": "TRCK_20260301_00"}, "Tracklet"),
    ({"tracklet": "TRCK_20260301_00", "roid": 2}, "Tracklet"),
    ({"tracklet": "TRCK_20260301_00", "roid": 3}, "Solar System MPC"),
    ({"tracklet": ""}, "Unknown"),
    ({"tracklet": "None"}, "Unknown"),
    (SN | {"mulens": 0.1}, "Ambiguous"),
    (SN | {"roid": 2}, "Ambiguous"),
    ({"mulens": 0.1, "roid": 3}, "Ambiguous"),
    ({"mulens": 0.1, "rf_kn_vs_nonkn": 0.9}, "Kilonova candidate"),
    ({"cdsxmatch": "RRLyrae", "roid": 3}, "RRLyrae"),
    ({"cdsxmatch": "QSO", "mulens": 0.1}, "QSO"),
    ({"cdsxmatch": "Galaxy"} | SN, "SN candidate"),
    ({"cdsxmatch": "GalaxyCandidate"}, "Unknown"),
    ({"cdsxmatch": "Transient"}, "Unknown"),
    ({"cdsxmatch": "Transient_x"}, "Transient_x"),
    ({"cdsxmatch": "Fail 504", "roid": 3}, "Solar System MPC"),
    ({"cdsxmatch": None, "roid": 3}, "Solar System MPC"),
    ({"finkclass": "Tracklet", "cdsxmatch": "QSO"}, "Tracklet"),
    ({"finkclass": "", "cdsxmatch": "QSO"}, "QSO"),
    (dict.fromkeys(PLAIN), "Unknown"),
]
"""A change, and the class."""

LSST_CASES: list[tuple[bool | None, str | None, int | None, str]] = [
    (False, None, -1, "Unknown"),
    (None, None, None, "Unknown"),
    (True, "QSO", 11, "Solar System"),
    (False, "QSO", 11, "QSO"),
    (None, "QSO", None, "QSO"),
    (False, "Unknown", 11, "SN-like"),
    (False, None, 11, "SN-like"),
    (False, None, 12, "Fast"),
    (False, None, 13, "Long"),
    (False, None, 21, "Periodic"),
    (False, None, 22, "AGN"),
    (False, None, 0, "Unknown"),
]
"""Whether it is a solar-system object, the two labels, and the class."""


def ztf_batch(*changes: dict[str, Any]) -> pa.RecordBatch:
    """Make ZTF alerts of changes to the plain one."""
    schema = pa.RecordBatch.from_pylist([PLAIN]).schema
    texts = {"finkclass": pa.string(), "tracklet": pa.string()}
    typed = pa.schema([(f.name, texts.get(f.name, f.type)) for f in schema])
    return pa.RecordBatch.from_pylist([PLAIN | c for c in changes], typed)


def test_ztf_order() -> None:
    """Later rules replace earlier ones, and what excludes each other is ambiguous."""
    classes = classify("ztf", ztf_batch(*(change for change, _ in ZTF_CASES)))

    assert classes.to_pylist() == [name for _, name in ZTF_CASES]


def test_lsst_order() -> None:
    """Rubin's solar system, then the catalogues' label, then the classifier's."""
    is_sso, label, number, names = map(list, zip(*LSST_CASES, strict=True))
    batch = pa.RecordBatch.from_pydict(
        {
            "pred_is_sso": pa.array(is_sso, pa.bool_()),
            "pred_main_label_crossmatch": pa.array(label, pa.string()),
            "pred_main_label_classifier": pa.array(number, pa.int32()),
        }
    )

    assert classify("lsst", batch).to_pylist() == names


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_any_column_may_be_absent(survey: str) -> None:
    """A file without the columns, or with columns of no type, is of unknown class."""
    bare = pa.RecordBatch.from_pydict({"candid": pa.array([1, 2])})
    untyped = {name: pa.nulls(2) for name in class_columns(survey)}

    for batch in (bare, pa.RecordBatch.from_pydict(untyped)):
        classes = classify(survey, batch)

        assert classes.equals(pa.array(["Unknown", "Unknown"]))


@pytest.mark.parametrize("name", sorted(set(PLAIN) - {"finkclass", "tracklet"}))
def test_each_column_may_be_absent(name: str) -> None:
    """Without one of the columns no alert of any kind fails."""
    batch = ztf_batch(*(change for change, _ in ZTF_CASES)).drop_columns([name])

    assert classify("ztf", batch).null_count == 0


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_no_alerts(survey: str) -> None:
    """No alerts have no classes."""
    empty = pa.RecordBatch.from_pydict({"candid": pa.array([], pa.int64())})

    assert classify(survey, empty).equals(pa.array([], pa.string()))


def test_unknown_survey() -> None:
    """A survey that we do not know is no survey."""
    with pytest.raises(
        NothingThereError, match="no survey des; the ones are ztf and l"
    ):
        class_columns("des")


def read(alerts: pa.Table, survey: str, *, without: str = "") -> pa.RecordBatch:
    """Take the class columns that the alerts have."""
    names = []
    for name in class_columns(survey):
        try:
            resolve(alerts.schema, name)
        except ColumnError:
            continue
        names += [name] * (name != without)
    return narrow(alerts, names)


def test_rules_give_the_class_that_is_stored(real: Any) -> None:
    """On 55 real alerts the rules give the class that the field had stored."""
    alerts: pa.Table = real("ztf_science_v402_fink-filters_few_SLSN_alerts")

    classes = classify("ztf", read(alerts, "ztf", without="finkclass")).to_pylist()

    assert classes == alerts.column("finkclass").to_pylist()
    assert Counter(classes) == {
        "SN candidate": 17,
        "Unknown": 15,
        "Ambiguous": 14,
        "Supernova": 9,
    }


def ztf_by_hand(alert: dict[str, Any]) -> str:
    """Name the class of one alert of these files in plain Python.

    Neither has microlensing, tracklets or a stored class.
    """
    c, label = alert["candidate"], alert["cdsxmatch"]
    if label not in ("Unknown", "Transient") and not label.startswith(
        ("Fail", "Galaxy")
    ):
        return str(label)
    if alert["roid"] > 1:
        return {2: "Solar System candidate", 3: "Solar System MPC"}[alert["roid"]]
    age, n = c["jd"] - c["jdstarthist"], c["ndethist"]
    is_real = c["drb"] > 0.5 and c["classtar"] > 0.4
    is_sn = is_real and max(alert["snn_snia_vs_nonia"], alert["snn_sn_vs_all"]) > 0.5
    if is_real and alert["rf_kn_vs_nonkn"] > 0.5 and age < 5 and n < 20:
        return "Kilonova candidate"
    if is_sn and alert["rf_snia_vs_nonia"] > 0.5 and n <= 20:
        return "Early SN Ia candidate"
    return "SN candidate" if is_sn and age <= 90 and n > 1 else "Unknown"


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        (
            "ztf_science_v33_fink-filters_regular_part-00002",
            {"Early SN Ia candidate": 2, "Unknown": 1, "Solar System MPC": 1, "QSO": 2},
        ),
        (
            "ztf_science_v402_fink-filters_regular_part-00000",
            {
                "SN candidate": 3,
                "Unknown": 2,
                "Solar System candidate": 2,
                "Kilonova candidate": 2,
            },
        ),
    ],
)
def test_real_ztf_as_by_hand(real: Any, file: str, counts: dict[str, int]) -> None:
    """On real alerts of both schemas the class is that of the rules by hand."""
    alerts: pa.Table = real(file)

    classes = classify("ztf", read(alerts, "ztf")).to_pylist()

    assert classes == [ztf_by_hand(alert) for alert in alerts.to_pylist()]
    assert {name: Counter(classes)[name] for name in counts} == counts


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        (
            "lsst_science_v100_fink-tutorials_20260310",
            {"QSO": 39, "Solar System": 25, "SN-like": 14, "AGN": 5, "Unknown": 2},
        ),
        (
            "lsst_science_v100_fink-filters_rubin_test_data_10_0",
            {"Unknown": 23, "Solar System": 3, "SN-like": 1},
        ),
    ],
)
def test_real_lsst_as_by_hand(real: Any, file: str, counts: dict[str, int]) -> None:
    """On real alerts of both schemas the class is that of the labels by hand."""
    alerts: pa.Table = real(file)
    names = {11: "SN-like", 12: "Fast", 13: "Long", 21: "Periodic", 22: "AGN"}
    predictions: list[Any] = alerts.column("pred").to_pylist()

    classes = classify("lsst", read(alerts, "lsst")).to_pylist()

    assert classes == [
        "Solar System"
        if pred["is_sso"]
        else pred["main_label_crossmatch"]
        or names.get(pred["main_label_classifier"], "Unknown")
        for pred in predictions
    ]
    assert {name: Counter(classes)[name] for name in counts} == counts

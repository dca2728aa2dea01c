"""The science of the ZTF filters."""

from typing import Any

import pytest

from filters import choose_filters, load_catalogue, load_filters
from nightmail.columns import narrow
from nightmail.evaluate import evaluate
from nightmail.testing import check_filter

GOOD: dict[str, Any] = {
    "cdsxmatch": "Unknown",
    "snn_snia_vs_nonia": 0.9,
    "snn_sn_vs_all": 0.9,
    "rf_snia_vs_nonia": 0.9,
    "rf_kn_vs_nonkn": 0.9,
    "mulens": 0.4,
    "roid": 0,
    "candidate_drb": 0.9,
    "candidate_classtar": 0.9,
    "candidate_jd": 2461110.5,
    "candidate_jdstarthist": 2461108.5,
    "candidate_ndethist": 3,
}
"""A two-day-old transient of three detections, with every classifier in favour."""

SUPERNOVAE = ("sn_candidates", "early_sn_candidates")
TRANSIENTS = (*SUPERNOVAE, "kn_candidates")
AGED = ("sn_candidates", "kn_candidates")

CASES: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"snn_snia_vs_nonia": 0.5, "snn_sn_vs_all": 0.5}, ("kn_candidates",)),
    ({"snn_snia_vs_nonia": 0.5}, TRANSIENTS),
    ({"snn_sn_vs_all": None}, TRANSIENTS),
    ({"rf_snia_vs_nonia": 0.5}, AGED),
    ({"rf_kn_vs_nonkn": 0.5}, SUPERNOVAE),
    ({"cdsxmatch": "Galaxy"}, TRANSIENTS),
    ({"cdsxmatch": "SN*_Candidate"}, TRANSIENTS),
    ({"cdsxmatch": "Fail 504"}, TRANSIENTS),
    ({"cdsxmatch": "RRLyrae"}, ()),
    ({"cdsxmatch": None}, ()),
    ({"candidate_drb": 0.5}, ()),
    ({"candidate_drb": None}, ()),
    ({"candidate_classtar": 0.4}, ()),
    ({"candidate_jdstarthist": 2461105.5}, SUPERNOVAE),
    ({"candidate_jdstarthist": 2461020.5}, SUPERNOVAE),
    ({"candidate_jdstarthist": 2461020.4}, ("early_sn_candidates",)),
    ({"candidate_ndethist": 1}, ("early_sn_candidates", "kn_candidates")),
    ({"candidate_ndethist": 19}, TRANSIENTS),
    ({"candidate_ndethist": 20}, SUPERNOVAE),
    ({"candidate_ndethist": 21}, ("sn_candidates",)),
    ({"roid": 2}, TRANSIENTS),
    ({"roid": 3}, ("early_sn_candidates", "sso_ztf_candidates")),
    ({"roid": None}, ("early_sn_candidates",)),
]
"""A change to the good alert, and which filters but microlensing keep it then."""


@pytest.mark.parametrize(("change", "keep"), CASES, ids=lambda case: str(case)[:60])
def test_rules(rows: Any, change: dict[str, Any], keep: tuple[str, ...]) -> None:
    """Each threshold decides, on both sides of it, and null keeps nothing."""
    done = evaluate(
        list(choose_filters(load_catalogue("ztf")).values()), rows(GOOD, [change])
    )

    assert done.failures == {}
    kept = {name for name, mask in done.masks.items() if mask[1]}
    assert kept == {*keep, "microlensing_candidates"}


@pytest.mark.parametrize(("mulens", "keep"), [(0.1, True), (0.0, False), (None, False)])
def test_microlensing(rows: Any, mulens: float | None, *, keep: bool) -> None:
    """Any probability that both bands share is a candidate."""
    one = load_filters("ztf")["microlensing_candidates"]

    done = evaluate([one], rows(GOOD, [{"mulens": mulens}]))

    assert done.masks[one.name].tolist() == [True, keep]


@pytest.mark.parametrize(
    "name", [*TRANSIENTS, "microlensing_candidates", "sso_ztf_candidates"]
)
def test_contract_on_made_rows(rows: Any, name: str) -> None:
    """It is safe to run on any batch, in any order."""
    check_filter(load_filters("ztf")[name], rows(GOOD, [change for change, _ in CASES]))


@pytest.mark.parametrize(
    "file",
    [
        "ztf_science_v33_fink-filters_regular_part-00002",
        "ztf_science_v402_fink-filters_regular_part-00000",
        "ztf_science_v402_fink-filters_few_SLSN_alerts",
        "ztf_science_fink-utils_alert_samples",
    ],
)
def test_contract_on_real_rows(real: Any, file: str) -> None:
    """The same on real alerts of both schema versions."""
    alerts = real(file)

    for one in load_filters("ztf").values():
        check_filter(one, alerts)


GALAXIES = [
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
]
NOTHING = ["Unknown", "Candidate_SN*", "SN*_Candidate", "SN", "Transient", "Fail"]


def by_hand(alert: dict[str, Any]) -> set[str]:
    """Decide one alert in plain Python, from the published rules."""
    c = alert["candidate"]
    extragalactic = alert["cdsxmatch"] in [*GALAXIES, *NOTHING, "Fail 504"]
    real = c["drb"] > 0.5 and c["classtar"] > 0.4 and extragalactic
    snn = alert["snn_snia_vs_nonia"] > 0.5 or alert["snn_sn_vs_all"] > 0.5
    age, n = c["jd"] - c["jdstarthist"], c["ndethist"]
    asteroid = alert["roid"] == 3
    kept = {
        "sn_candidates": real and snn and age <= 90 and n > 1 and not asteroid,
        "early_sn_candidates": (
            real and snn and alert["rf_snia_vs_nonia"] > 0.5 and n <= 20
        ),
        "kn_candidates": (
            real
            and alert["rf_kn_vs_nonkn"] > 0.5
            and age < 5
            and n < 20
            and not asteroid
        ),
        "microlensing_candidates": (alert["mulens"] or 0) > 0,
        "sso_ztf_candidates": asteroid,
    }
    return {name for name, keep in kept.items() if keep}


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        (
            "ztf_science_v33_fink-filters_regular_part-00002",
            {"sn_candidates": 2, "early_sn_candidates": 2, "sso_ztf_candidates": 1},
        ),
        (
            "ztf_science_v402_fink-filters_regular_part-00000",
            {"sn_candidates": 5, "kn_candidates": 2},
        ),
        (
            "ztf_science_v402_fink-filters_few_SLSN_alerts",
            {"sn_candidates": 31, "microlensing_candidates": 14},
        ),
    ],
)
def test_real_rows_as_by_hand(real: Any, file: str, counts: dict[str, int]) -> None:
    """On real alerts every filter keeps what the rule, applied by hand, keeps."""
    alerts = real(file)
    filters = choose_filters(load_catalogue("ztf"))
    columns = [column for one in filters.values() for column in one.columns]

    done = evaluate(list(filters.values()), narrow(alerts, columns))

    expected = [by_hand(alert) for alert in alerts.to_pylist()]
    for name, mask in done.masks.items():
        assert mask.tolist() == [name in kept for kept in expected]
    kept_counts = {name: int(mask.sum()) for name, mask in done.masks.items()}
    assert kept_counts == dict.fromkeys(filters, 0) | counts

"""Features are what their definitions say."""

import numpy as np
import pytest

from simulator.columns import read_columns
from simulator.features import Points, light_curve_features


def features(values: list[float], errors: list[float]) -> dict[str, float]:
    """Features of one light curve, a day between its points; a hole in the middle."""
    hole = len(values) // 2
    value = np.insert(np.array(values), hole, 1e9)[None, :]
    error = np.insert(np.array(errors), hole, 1e-9)[None, :]
    used = np.insert(np.ones(len(values), bool), hole, values=False)[None, :]
    time = np.insert(np.arange(len(values), dtype=float), hole, hole - 0.5)[None, :]
    found = light_curve_features(Points(time, value, error, used))
    return {name: float(column[0]) for name, column in found.items()}


def test_features_agree_with_numpy() -> None:
    """Moments, quantiles and slopes of a small light curve are numpy's."""
    values, errors = [1.0, 4.0, 2.0, 8.0, 5.0], [1.0, 0.5, 1.0, 2.0, 1.0]
    weights = np.array(errors) ** -2.0

    found = features(values, errors)

    slope = np.polyfit(np.arange(5), values, 1)[0]
    weighted = np.polyfit(np.arange(5), values, 1, w=1 / np.array(errors))[0]
    assert found["mean"] == pytest.approx(4)
    assert found["weighted_mean"] == pytest.approx(np.average(values, weights=weights))
    assert found["standard_deviation"] == pytest.approx(np.std(values, ddof=1))
    assert found["median"] == 4
    assert found["amplitude"] == 3.5
    assert found["inter_percentile_range_10"] == pytest.approx(
        np.quantile(values, 0.9) - np.quantile(values, 0.1)
    )
    assert found["median_absolute_deviation"] == 2
    assert found["percent_amplitude"] == 4
    assert found["maximum_slope"] == 6
    assert found["linear_trend"] == pytest.approx(slope)
    assert found["linear_fit_slope"] == pytest.approx(weighted)


def test_too_few_points_are_not_a_number() -> None:
    """Of one point only what one point has is known, as in real records."""
    found = features([3.0], [0.1])

    known = {name for name, value in found.items() if np.isfinite(value)}
    assert known == {
        *("mean", "weighted_mean", "median", "amplitude", "percent_amplitude"),
        *("inter_percentile_range_10", "median_absolute_deviation"),
        "median_buffer_range_percentage_10",
    }


def test_every_feature_of_the_store_is_there() -> None:
    """The features are those of the store's columns."""
    columns = {column.name: column for column in read_columns("ztf")}
    stored = {field.name for field in columns["lc_features_g"].fields}

    assert set(features([1.0, 2.0, 3.0, 5.0], [1.0] * 4)) == stored

"""Features of light curves, as the stores' `lc_features` name them.

Defined as in the light-curve package (Malanchev et al. 2021, MNRAS 502, 5147).
"""

from dataclasses import dataclass

import numpy as np

from simulator.arrays import Array, Bools, Floats, Ints


@dataclass(frozen=True)
class Points:
    """The points of n light curves in one band, up to m each."""

    time: Floats
    """Shape (n, m) [d], increasing along m."""

    value: Floats
    """Magnitude or flux, shape (n, m)."""

    error: Floats
    """Its standard error, shape (n, m)."""

    used: Bools
    """bool, shape (n, m): there is such a point."""

    @property
    def count(self) -> Ints:
        """How many points there are, shape (n,)."""
        count: Ints = self.used.sum(axis=1)
        return count

    def total(self, values: Array) -> Floats:
        """Sum of values over the points, shape (n,)."""
        total: Floats = np.where(self.used, values, 0).sum(axis=1)
        return total

    def ranked(self, values: Floats) -> Floats:
        """Values in increasing order, NaN behind the points."""
        return np.sort(np.where(self.used, values, np.nan), axis=1)


def light_curve_features(points: Points) -> dict[str, Floats]:
    """Compute the 26 features of light curves.

    Parameters
    ----------
    points
        Light curves of n objects in one band.

    Returns
    -------
    dict of numpy.ndarray of float, shape (n,)
        NaN where there are too few points.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {**_moments(points), **_quantiles(points), **_trends(points)}
    return {
        name: np.where(points.count >= FEWEST.get(name, 1), values, np.nan)
        for name, values in found.items()
    }


FEWEST = {
    "standard_deviation": 2,
    "beyond_1_std": 2,
    "cusum": 2,
    "mean_variance": 2,
    "chi2": 2,
    "stetson_K": 2,
    "maximum_slope": 2,
    "magnitude_percentage_ratio_40_5": 2,
    "magnitude_percentage_ratio_20_10": 2,
    "skew": 3,
    "linear_trend": 3,
    "linear_trend_sigma": 3,
    "linear_trend_noise": 3,
    "linear_fit_slope": 3,
    "linear_fit_slope_sigma": 3,
    "linear_fit_reduced_chi2": 3,
    "kurtosis": 4,
    "anderson_darling_normal": 4,
}
"""Fewest points that a feature needs; the others need one."""


def _moments(points: Points) -> dict[str, Floats]:
    count, value = points.count, points.value
    mean = points.total(value) / count
    weight = points.error**-2.0
    weighted = points.total(weight * value) / points.total(weight)
    off = value - mean[:, None]
    spread = np.sqrt(points.total(off**2) / (count - 1))
    scaled = off / spread[:, None]
    pull = (value - weighted[:, None]) / points.error
    path = np.cumsum(np.where(points.used, scaled, 0), axis=1) / count[:, None]
    squares = points.total(pull**2)
    return {
        "mean": mean,
        "weighted_mean": weighted,
        "standard_deviation": spread,
        "beyond_1_std": points.total(np.abs(scaled) > 1) / count,
        "cusum": path.max(axis=1) - path.min(axis=1),
        "mean_variance": spread / mean,
        "chi2": squares / (count - 1),
        "stetson_K": points.total(np.abs(pull)) / np.sqrt(count * squares),
        "skew": points.total(scaled**3) * count / ((count - 1) * (count - 2)),
        "kurtosis": _kurtosis(points.total(scaled**4), count),
        "anderson_darling_normal": _anderson_darling(points, scaled),
    }


def _kurtosis(fourth: Floats, count: Ints) -> Floats:
    n = count.astype(float)
    lead = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3))
    excess: Floats = lead * fourth - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
    return excess


def _anderson_darling(points: Points, scaled: Floats) -> Floats:
    """Statistic of normality, with a logistic curve that stands in for the normal."""
    n = points.count.astype(float)
    ranked = points.ranked(scaled)
    rank = np.arange(1, ranked.shape[1] + 1)
    odds = np.exp(-1.702 * ranked)
    below, above = -np.log1p(odds), -np.log1p(1 / odds)
    terms = (2 * rank - 1) * below + (2 * (n[:, None] - rank) + 1) * above
    statistic = -n - np.nansum(terms, axis=1) / n
    corrected: Floats = statistic * (1 + 4 / n - (5 / n) ** 2).clip(0.1)
    return corrected


def _quantiles(points: Points) -> dict[str, Floats]:
    ranked, count = points.ranked(points.value), points.count

    def at(share: float) -> Floats:
        return _quantile(ranked, count, share)

    median = at(0.5)
    off = np.abs(points.value - median[:, None])
    low, high = at(0), at(1)
    near = off < 0.1 * np.abs(high - low)[:, None] / 2
    return {
        "median": median,
        "amplitude": (high - low) / 2,
        "inter_percentile_range_10": at(0.9) - at(0.1),
        "magnitude_percentage_ratio_40_5": (at(0.6) - at(0.4)) / (at(0.95) - at(0.05)),
        "magnitude_percentage_ratio_20_10": (at(0.8) - at(0.2)) / (at(0.9) - at(0.1)),
        "median_absolute_deviation": _quantile(points.ranked(off), count, 0.5),
        "median_buffer_range_percentage_10": points.total(near) / count,
        "percent_amplitude": np.maximum(high - median, median - low),
    }


def _quantile(ranked: Floats, count: Ints, share: float) -> Floats:
    place = share * (np.maximum(count, 1) - 1)
    below = np.floor(place).astype(int)
    above = np.ceil(place).astype(int)
    row = np.arange(len(ranked))
    low, high = ranked[row, below], ranked[row, above]
    quantile: Floats = low + (high - low) * (place - below)
    return quantile


def _trends(points: Points) -> dict[str, Floats]:
    count = points.count
    plain = _fit(points, np.ones_like(points.value))
    weighted = _fit(points, points.error**-2.0)
    noise = np.sqrt(plain.squares / (count - 2))
    return {
        "linear_trend": plain.slope,
        "linear_trend_sigma": noise * plain.unit_error,
        "linear_trend_noise": noise,
        "linear_fit_slope": weighted.slope,
        "linear_fit_slope_sigma": weighted.unit_error,
        "linear_fit_reduced_chi2": weighted.squares / (count - 2),
        "maximum_slope": _steepest(points),
    }


@dataclass(frozen=True)
class _Fit:
    """A straight line through each light curve."""

    slope: Floats
    unit_error: Floats
    """Standard error of the slope, if the weights are inverse variances."""
    squares: Floats
    """Weighted sum of squared residuals."""


def _fit(points: Points, weight: Floats) -> _Fit:
    total = points.total(weight)
    time = points.time - (points.total(weight * points.time) / total)[:, None]
    value = points.value - (points.total(weight * points.value) / total)[:, None]
    lever = points.total(weight * time**2)
    slope = points.total(weight * time * value) / lever
    squares = points.total(weight * (value - slope[:, None] * time) ** 2)
    return _Fit(slope, np.sqrt(1 / lever), squares)


def _steepest(points: Points) -> Floats:
    """Largest absolute slope between a point and the next one."""
    order = np.argsort(~points.used, axis=1, kind="stable")
    value = np.take_along_axis(points.value, order, axis=1)
    time = np.take_along_axis(points.time, order, axis=1)
    both = np.take_along_axis(points.used, order, axis=1)[:, 1:]
    slope = np.abs(np.diff(value, axis=1) / np.diff(time, axis=1))
    steepest: Floats = np.where(both, slope, 0).max(axis=1)
    return steepest

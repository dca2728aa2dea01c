"""Columns that filters read, drawn anew: so that it is known how much they keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

Path = tuple[str, ...]
"""Names of nested fields, from the top."""

Array: TypeAlias = Any
"""A pyarrow array."""


@dataclass(frozen=True)
class Choice:
    """One of some values, each with its share; the rest have another value, or null."""

    shares: Mapping[Any, float]
    rest: Any = None
    usual: Mapping[Any, float] = field(default_factory=dict)
    """Shares of values that no filter looks for, the same however much is kept."""

    def draw(self, rows: int, factor: float, rng: np.random.Generator) -> Array:
        """Draw a value a row, those of `shares` so many times as often."""
        shares = {v: factor * s for v, s in self.shares.items()} | dict(self.usual)
        words = [*shares, self.rest]
        left = 1 - sum(shares.values())
        index = rng.choice(len(words), rows, p=[*shares.values(), left])
        return pa.array(words).take(pa.array(index))


@dataclass(frozen=True)
class Score:
    """A uniform number: some rows between `cut` and `best`, the rest from `worst`."""

    share: float
    cut: float = 0.5
    best: float = 1.0
    worst: float = 0.0

    def draw(self, rows: int, factor: float, rng: np.random.Generator) -> Array:
        """Draw a number a row, good ones so many times as often."""
        is_good = rng.random(rows) < factor * self.share
        start = np.where(is_good, self.cut, self.worst)
        end = np.where(is_good, self.best, self.cut)
        return pa.array(start + (end - start) * rng.random(rows))


ZTF: Mapping[Path, Choice | Score] = {
    ("cdsxmatch",): Choice(
        {
            "Blazar": 0.004,
            "BLLac": 0.002,
            "YSO_Candidate": 0.006,
            "TTau*_Candidate": 0.002,
            "GravLens_Candidate": 0.0005,
            "QSO": 0.02,
            "AGN": 0.01,
        },
        "Unknown",
        {"RRLyrae": 0.1, "EclBin": 0.08, "Star": 0.05, "Galaxy": 0.02},
    ),
    ("x4lac",): Choice({"4FGL J0950.4+0305": 0.006}, "Unknown"),
    ("tns",): Choice({"SN Ia": 0.006, "SN II": 0.002}, ""),
    ("DR3Name",): Choice({}, "nan", {"Gaia DR3 5193142228015636770": 0.5}),
    ("roid",): Choice({1: 0.02, 2: 0.005}, 0, {3: 0.1}),
    ("mulens",): Score(0.006, cut=0.25),
    ("snn_snia_vs_nonia",): Score(0.02),
    ("snn_sn_vs_all",): Score(0.03),
    ("rf_snia_vs_nonia",): Score(0.03),
    ("rf_kn_vs_nonkn",): Score(0.01),
    ("anomaly_score",): Score(0.05, cut=-0.024, best=-0.026),
    ("mag_rate",): Score(0.01, cut=-4, best=-8),
    ("sigma_rate",): Score(0.5, cut=1, best=0, worst=2),
    ("Plx",): Score(0.02, cut=2, best=8),
    ("e_Plx",): Score(0, cut=0.4, worst=0.02),
}
"""What filters of ZTF look for, in a night of which they keep about 8 %."""


LSST: Mapping[Path, Choice | Score] = {
    ("xm", "simbad_otype"): Choice(
        {"Blazar": 0.004, "BLLac": 0.003, "YSO": 0.005, "CataclyV*": 0.008},
        None,
        {"QSO": 0.2, "Sy1": 0.05, "EB*": 0.03, "*": 0.02},
    ),
    ("xm", "tns_fullname"): Choice({"SN 2026abc": 0.005}),
    ("xm", "mangrove_lum_dist"): Choice({110.5: 0.02}),
    ("xm", "legacydr8_zphot"): Score(0.2, cut=0.5, best=0, worst=2.5),
    ("xm", "gaiadr3_Plx"): Score(0.006, cut=2, best=8, worst=-1),
    ("xm", "gaiadr3_e_Plx"): Score(0, cut=0.4, worst=0.02),
    ("pred", "is_sso"): Choice({True: 0.01}, rest=False),
    ("clf", "cats_class"): Choice(
        {}, -1, {11: 0.5, 12: 0.1, 13: 0.05, 21: 0.1, 22: 0.1}
    ),
    ("clf", "cats_score"): Score(0.02, cut=0.75),
    ("clf", "snnSnVsOthers_score"): Score(0.02),
    ("clf", "earlySNIa_score"): Score(0.006),
    ("clf", "elephant_kstest_template"): Score(0.006, cut=0.125, best=0, worst=1),
    ("diaSource", "trailLength"): Score(0.004, cut=2, best=5, worst=0.5),
}
"""The same of LSST."""


def draw_columns(
    batch: pa.RecordBatch,
    draws: Mapping[Path, Choice | Score],
    factor: float,
    rng: np.random.Generator,
) -> pa.RecordBatch:
    """Give a batch in which some columns were drawn anew, in their own types.

    Parameters
    ----------
    factor
        How many times as much as in a light night the filters are to keep.
    """
    columns: dict[str, Any] = dict(zip(batch.schema.names, batch.columns, strict=True))
    for path, draw in draws.items():
        if path[0] in columns:
            values = draw.draw(len(batch), factor, rng)
            columns[path[0]] = put(columns[path[0]], path[1:], values)
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def put(column: Any, path: Sequence[str], values: Any) -> Any:
    """Replace a column, or a field of a structure that has no nulls."""
    if not path:
        return values.cast(column.type)
    fields = [column.type.field(i) for i in range(column.type.num_fields)]
    children = [
        put(child, path[1:], values) if one.name == path[0] else child
        for one, child in zip(fields, column.flatten(), strict=True)
    ]
    return pa.StructArray.from_arrays(children, fields=fields)

"""The native filters find some alerts of a simulated night, and not too many."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters import load_filters
from nightmail.columns import pick, resolve_all
from nightmail.evaluate import evaluate
from simulator import simulate_night

NATIVE = {
    "ztf": {
        *("sn_candidates", "early_sn_candidates", "kn_candidates"),
        *("microlensing_candidates", "sso_ztf_candidates"),
    },
    "lsst": {
        *("extragalactic_new_candidate", "sn_near_galaxy_candidate"),
        *("hostless_candidate", "in_tns", "is_solar_system"),
    },
}
"""The filters that every simulated night must feed."""

SOLAR_SYSTEM = {"sso_ztf_candidates", "is_solar_system"}
"""Filters that may keep up to 15 %; others up to 5 %."""


@pytest.mark.parametrize(("survey", "alerts"), [("ztf", 5000), ("lsst", 1000)])
@pytest.mark.parametrize("seed", [7, 8])
def test_every_native_filter_keeps_its_share(
    survey: str, alerts: int, seed: int, tmp_path: Path
) -> None:
    """Each keeps 0.3 to 5 % of the demo's night, solar-system objects up to 15 %."""
    filters = [f for n, f in load_filters(survey).items() if n in NATIVE[survey]]
    names = sorted({column for one in filters for column in one.columns})
    kept: Counter[str] = Counter()

    for path in simulate_night(
        tmp_path, survey=survey, night="20260304", alerts=alerts, seed=seed
    ):
        paths = resolve_all(pq.read_schema(path), names)
        table = pq.read_table(path, columns=sorted({p[0] for p in paths.values()}))
        batch = table.combine_chunks().to_batches()[0]
        narrow = {n: pick(batch.column(p[0]), p[1:]) for n, p in paths.items()}
        evaluation = evaluate(filters, pa.RecordBatch.from_pydict(narrow))
        assert evaluation.failures == {}
        kept.update({n: int(m.sum()) for n, m in evaluation.masks.items()})

    assert set(kept) == NATIVE[survey]
    for name, count in kept.items():
        most = 0.15 if name in SOLAR_SYSTEM else 0.05
        assert 0.003 <= count / alerts <= most, name

"""The nights that benchmarks are measured on, and the filters that run on them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks._night_answer import select
from benchmarks._night_filters import read_filters
from benchmarks._stores import Store, build, real_alerts
from nightmail.columns import narrow
from settings.names import ID_COLUMN

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_there_are_twenty_filters_with_twins(survey: str) -> None:
    """Each has its rule in SQL; those of histories have a function for rows."""
    found = read_filters(survey)
    historic = {n for n, f in found.filters.items() if "prv" in " ".join(f.columns)}

    assert len(found.filters) == 20
    assert list(found.sql) == list(found.filters)
    assert set(found.per_row) == historic
    assert len(historic) == 2


@pytest.mark.usefixtures("shared_data")
@pytest.mark.parametrize(
    ("store", "low", "high"),
    [
        (Store("real", "ztf", 4000, "real", cutouts=False), 0.05, 0.1),
        (Store("heavy", "ztf", 4000, "real", cutouts=False, factor=6.6), 0.35, 0.45),
        (Store("simulated", "ztf", 4000, "simulated", cutouts=False), 0.05, 0.1),
        (Store("lsst", "lsst", 400, "real"), 0.04, 0.1),
    ],
)
def test_filters_keep_what_they_are_to(
    store: Store, low: float, high: float, tmp_path: Path
) -> None:
    """Light nights 5 to 10 %, a heavy one about 40 %; every id stands once."""
    filters = list(read_filters(store.survey).filters.values())

    files = build(store, tmp_path / "night")
    kept = sum(len(select(store.survey, path, filters).rows) for path in files)
    ids = np.concatenate(
        [pq.read_table(f, columns=[ID_COLUMN[store.survey]])[0] for f in files]
    )

    assert len(np.unique(ids)) == len(ids) == store.alerts
    assert low <= kept / store.alerts <= high


@pytest.mark.usefixtures("shared_data")
@pytest.mark.parametrize("source", ["real", "simulated"])
def test_a_night_without_cutouts_has_all_else(source: str, tmp_path: Path) -> None:
    """Its columns are those of the night with cutouts, less three."""
    schemas = {}

    for cutouts in (True, False):
        store = Store("night", "ztf", 24, source, cutouts=cutouts)  # type: ignore[arg-type]
        files = build(store, tmp_path / str(cutouts))
        schemas[cutouts] = pq.read_schema(files[0])

    whole = [field for field in schemas[True] if "cutout" not in field.name]
    assert pa.schema(whole) == schemas[False].remove_metadata()
    assert len(schemas[True]) == len(schemas[False]) + 3


@pytest.mark.usefixtures("shared_data")
def test_real_alerts_stay_as_they_are(tmp_path: Path) -> None:
    """What is not drawn anew is that of some real alert."""
    real = narrow(real_alerts("ztf"), ["candidate_pid"]).column(0).to_pylist()

    files = build(Store("real", "ztf", 40, "real"), tmp_path / "night")
    made = narrow(pq.read_table(files[0]), ["candidate_pid"]).column(0).to_pylist()

    assert len(made) == 5
    assert set(made) <= set(real)

"""A simulated night of each survey, made once, and what it is made of."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulator import simulate_night
from simulator.sightings import Sightings, draw_sightings
from simulator.visits import plan_visits

NIGHT = "20260301"
"""The night of the fixtures."""


@pytest.fixture(scope="session")
def rng() -> np.random.Generator:
    """Draw the same in every run."""
    return np.random.Generator(np.random.PCG64(7))


@pytest.fixture(scope="session")
def ztf_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of a ZTF night of 1,200 alerts."""
    root = tmp_path_factory.mktemp("ztf store")
    return simulate_night(
        root, survey="ztf", night=NIGHT, alerts=1200, seed=7, rows_per_file=500
    )


@pytest.fixture(scope="session")
def lsst_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of an LSST night of 1,000 alerts."""
    root = tmp_path_factory.mktemp("lsst store")
    return simulate_night(
        root, survey="lsst", night=NIGHT, alerts=1000, seed=7, rows_per_file=400
    )


@pytest.fixture(scope="session")
def ztf(ztf_files: list[Path]) -> pa.Table:
    """Read the ZTF night."""
    return pa.concat_tables([pq.read_table(path) for path in ztf_files])


@pytest.fixture(scope="session")
def lsst(lsst_files: list[Path]) -> pa.Table:
    """Read the LSST night."""
    return pa.concat_tables([pq.read_table(path) for path in lsst_files])


@pytest.fixture(scope="session")
def sight() -> Callable[..., Sightings]:
    """Draw the alerts of one file."""

    def draw(survey: str = "ztf", rows: int = 2000, seed: int = 7) -> Sightings:
        rng = np.random.Generator(np.random.PCG64(seed))
        visits = plan_visits(survey, NIGHT, (0, 1), rng)
        return draw_sightings(survey, visits, rows, rng)

    return draw

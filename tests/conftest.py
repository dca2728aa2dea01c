"""What tests of several rooms need: real alerts, one real Kafka, nights to run."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from cluster.local import start, stop
from settings.model import Archive, Settings, Store, Topics
from simulator import simulate_night

SHARED = Path(__file__).parents[2] / "shared" / "data"
"""Real alerts, beside the checkout."""

REAL_NIGHTS = {
    ("ztf", "20260301"): (
        "ztf_science_v33_fink-filters_regular_part-00002.parquet",
        "ztf_science_v402_fink-filters_regular_part-00000.parquet",
    ),
    ("lsst", "20260310"): (
        "lsst_science_v100_fink-tutorials_20260310.parquet",
        "lsst_science_v100_fink-filters_rubin_test_data_10_0.parquet",
    ),
}
"""Science records that make a night each, of two schemas."""

FULL_KB = 256
"""Size of a small disk, of which a night's slice needs several times as much [kB]."""

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what someone has set in a shell away from the tests."""
    for name in list(os.environ):
        if name.upper().startswith("NIGHTMAIL_") or name == "SLACK_API_TOKEN":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real alerts; without it, the test is skipped."""
    if not SHARED.is_dir():
        pytest.skip("The real alerts (../shared/data) are not here.")
    return SHARED


@pytest.fixture(scope="session")
def kafka_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """State folder of one real Kafka, for all tests that need any."""
    state_dir = tmp_path_factory.mktemp("kafka state")
    settings = Settings(state_dir=state_dir)
    start(settings)
    yield state_dir
    stop(settings)


@pytest.fixture
def settings(kafka_state: Path, tmp_path: Path) -> Settings:
    """Give settings of a test's own: store, archive, topics, in the one Kafka."""
    return Settings(
        state_dir=kafka_state,
        store=Store(uri=str(tmp_path / "store" / "{survey}")),
        archive=Archive(uri=str(tmp_path / "archive")),
        topics=Topics.model_validate({"prefix": f"fink_t{next(_numbers)}_"}),
    )


@pytest.fixture
def real_night(settings: Settings, shared_data: Path) -> Callable[[str, str], Path]:
    """Put a night of real records into the test's store."""

    def put(survey: str, night: str) -> Path:
        folder = settings.store_root(survey) / "science" / night
        folder.mkdir(parents=True)
        for name in REAL_NIGHTS[survey, night]:
            shutil.copy(shared_data / name, folder / name)
            (folder / name).chmod(0o644)
        return folder

    return put


@pytest.fixture
def simulated_night(settings: Settings) -> Callable[..., Path]:
    """Put a simulated night into the test's store."""

    def put(
        survey: str = "ztf",
        night: str = "20260301",
        alerts: int = 300,
        rows_per_file: int = 100,
    ) -> Path:
        simulate_night(
            settings.store_root(survey),
            survey=survey,
            night=night,
            alerts=alerts,
            seed=7,
            rows_per_file=rows_per_file,
        )
        return settings.store_root(survey) / "science" / night

    return put


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path], None]]:
    """Put a small disk of its own into a folder; a second call makes it large."""
    mounted: list[Path] = []

    def mount(folder: Path) -> None:
        again = folder in mounted
        folder.mkdir(parents=True, exist_ok=True)
        options = "remount,size=200m" if again else f"size={FULL_KB}k"
        words = ["mount", "-t", "tmpfs", "-o", options, "nightmail-test", str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"No tmpfs can be mounted here: {done.stderr.strip()}")
        if not again:
            mounted.append(folder)

    if not shutil.which("mount"):
        pytest.skip("There is no command mount here.")
    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)

"""A night is written whole, the same for the same seed, and not by mistake."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from nightmail import ConfigError, RetryableError
from simulator import simulate_night
from simulator.times import observing_hours

AGAIN = """
import hashlib, json, sys
from pathlib import Path
from simulator import simulate_night
survey, root = sys.argv[1:]
files = simulate_night(
    Path(root), survey=survey, night="20260301", alerts=130, seed=7, rows_per_file=60
)
print(json.dumps([hashlib.sha256(f.read_bytes()).hexdigest() for f in files]))
"""
"""Simulates a night, and prints the digests of its files."""


def digests(files: list[Path]) -> list[str]:
    """Digest of each file."""
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def rows_of(file: Path, column: str) -> list[dict[str, Any]]:
    """Rows of one column of a file."""
    rows: list[dict[str, Any]] = pq.read_table(file, columns=[column]).to_pylist()
    return rows


def ids_of(survey: str, files: list[Path]) -> list[int]:
    """Ids of the alerts of files."""
    column = {"ztf": "candid", "lsst": "diaSourceId"}[survey]
    return [row[column] for f in files for row in rows_of(f, column)]


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_another_process_writes_the_same_bytes(survey: str, tmp_path: Path) -> None:
    """Same seed, same bytes, whatever the process hashes strings to."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", AGAIN, survey, str(tmp_path / number)],
            env={"PYTHONHASHSEED": number, "PATH": ""},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for number in ("1", "2")
    ]

    assert runs[0] == runs[1]
    assert len(set(json.loads(runs[0]))) == 3


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_ids_are_unique_and_exact(survey: str, tmp_path: Path) -> None:
    """No id occurs twice in a night, or in the next one; all need 64 bits."""
    ids = []
    for night in ("20260301", "20260302"):
        files = simulate_night(
            tmp_path, survey=survey, night=night, alerts=900, seed=7, rows_per_file=50
        )
        ids += ids_of(survey, files)

    assert len(set(ids)) == 1800
    assert min(ids) > 2**53


def test_another_seed_is_another_night(tmp_path: Path) -> None:
    """Two seeds share no object's place."""
    found = []
    for seed in (1, 2):
        files = simulate_night(
            tmp_path / str(seed), survey="lsst", night="20260301", alerts=50, seed=seed
        )
        found.append({r["diaSource"]["ra"] for r in rows_of(files[0], "diaSource")})

    assert not found[0] & found[1]


@pytest.mark.parametrize(
    ("survey", "column", "field", "zero"),
    [
        ("ztf", "candidate", "jd", 2400000.5),
        ("lsst", "diaSource", "midpointMjdTai", 37 / 86400),
    ],
)
def test_times_lie_within_the_night(
    survey: str, column: str, field: str, zero: float, request: pytest.FixtureRequest
) -> None:
    """Alerts come in the order of time, from evening to morning at the observatory."""
    records = request.getfixturevalue(survey)[column].to_pylist()
    mjd = [record[field] - zero for record in records]

    opens, closes = observing_hours(survey, "20260301")
    assert mjd == sorted(mjd)
    assert opens < mjd[0]
    assert mjd[-1] < closes
    assert mjd[-1] - mjd[0] > 0.8 * (closes - opens)


def test_a_night_without_alerts_has_one_empty_file(tmp_path: Path) -> None:
    """It has all columns and no row."""
    files = simulate_night(tmp_path, survey="ztf", night="20260301", alerts=0, seed=7)

    assert [file.name for file in files] == ["part-00000.parquet"]
    assert pq.read_table(files[0]).shape == (0, 53)


def test_files_hold_as_many_rows_as_asked_for(
    ztf_files: list[Path], tmp_path: Path
) -> None:
    """The last file holds the rest; each has several row groups."""
    rows = [pq.read_metadata(file).num_rows for file in ztf_files]
    said: list[str] = []

    simulate_night(
        tmp_path,
        survey="lsst",
        night="20260301",
        alerts=5,
        seed=7,
        rows_per_file=2,
        say=said.append,
    )

    assert rows == [500, 500, 200]
    assert pq.read_metadata(ztf_files[0]).num_row_groups == 2
    assert said[-1] == "lsst 20260301: 5 of 5 alerts written"


def test_a_night_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """It is overwritten only on demand, and then nothing of it stays."""
    kept = simulate_night(
        tmp_path, survey="lsst", night="20260301", alerts=9, seed=7, rows_per_file=3
    )
    before = digests(kept)

    with pytest.raises(ConfigError, match="has a night already"):
        simulate_night(tmp_path, survey="lsst", night="20260301", alerts=9, seed=8)
    assert digests(kept) == before

    made = simulate_night(
        tmp_path, survey="lsst", night="20260301", alerts=3, seed=8, overwrite=True
    )
    assert sorted(kept[0].parent.iterdir()) == made


def test_real_files_are_never_overwritten(tmp_path: Path) -> None:
    """A file that the simulator did not name so keeps its night."""
    real = tmp_path / "science" / "20260301" / "part-00000-7b1e.c000.snappy.parquet"
    real.parent.mkdir(parents=True)
    real.write_bytes(b"the sky")

    with pytest.raises(ConfigError, match="was not simulated"):
        simulate_night(
            tmp_path, survey="ztf", night="20260301", alerts=1, seed=7, overwrite=True
        )
    assert real.read_bytes() == b"the sky"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"survey": "des"}, "no survey 'des': choose ztf or lsst"),
        ({"night": "20260230"}, "'20260230' is not the name of a night"),
        ({"alerts": -1}, "-1 alerts"),
        ({"seed": -3}, "seed -3"),
        ({"rows_per_file": 0}, "0 rows per file"),
        ({"alerts": 10_001, "rows_per_file": 1}, "give more rows per file"),
    ],
)
def test_what_cannot_be_made_is_refused(
    wrong: dict[str, object], said: str, tmp_path: Path
) -> None:
    """One sentence names it, and nothing is written."""
    asked = {"survey": "ztf", "night": "20260301", "alerts": 5, "seed": 7}

    with pytest.raises(ConfigError, match=said):
        simulate_night(tmp_path, **(asked | wrong))  # type: ignore[arg-type]

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is told of, and no half file stays."""

    def fill_disk(table: object, where: Path, **options: object) -> None:
        del table, options
        where.write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", fill_disk)

    with pytest.raises(RetryableError, match="No space left on device"):
        simulate_night(tmp_path, survey="lsst", night="20260301", alerts=1, seed=7)
    assert list((tmp_path / "science" / "20260301").iterdir()) == []

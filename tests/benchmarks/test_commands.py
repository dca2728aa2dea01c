"""Each benchmark is a command, which runs in a small form."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
"""The checkout."""

FOLDER = ROOT / "benchmarks"
COMMANDS = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))

SMALL = {
    "client": [],
    "decode": [],
    "encode": [],
    "exactly_once": [],
    "night": ["--stores", "real", "simulated"],
    "scale": [],
    "spark_source": [],
}
"""Options of each small form."""

FIGURES = {
    "client": {
        "client_size",
        "client_import",
        "client_import_memory",
        *(
            f"client_{survey}_{work}"
            for survey in ("ztf", "lsst")
            for work in (
                *("poll", "poll_light", "save", "save_light"),
                *("to_pandas", "to_arrow"),
            )
        ),
    },
    "decode": {
        f"decode_{case}_{width}_over_fastavro"
        for case in ("ztf", "ztf-bare", "lsst", "lsst-bare")
        for width in ("all", "narrow")
    },
    "encode": {
        f"encode_{case}_over_fastavro"
        for case in ("ztf", "ztf-bare", "lsst", "lsst-bare")
    },
    "exactly_once": {"overhead_percent"},
    "night": {
        "night_real_a_over_ours",
        *(
            f"night_{store}_{ratio}"
            for store in ("real", "simulated")
            for ratio in (
                "b_column_over_ours",
                "b_pandas_over_ours",
                "ours_over_floor",
            )
        ),
    },
    "scale": {
        "scale_alerts_cpu_growth_percent",
        "scale_alerts_memory_growth_percent",
        "scale_filters_growth_percent",
        "scale_executors_speedup",
    },
    "spark_source": {"spark_source_loop_over_ours"},
}
"""Names of the figures that each ends on."""


def _run(name: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, FOLDER / f"{name}.py", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_command_is_known_here() -> None:
    """One that is new must be run below, too."""
    assert sorted(SMALL) == sorted(FIGURES) == COMMANDS


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does(name: str) -> None:
    """Its help has a sentence, and the options that all share."""
    ended = _run(name, "--help")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert all(word in ended.stdout for word in ("--rounds", "--quick", "--json"))


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.spark
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("shared_data")
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_runs_in_a_small_form(name: str) -> None:
    """It ends well, with a line of JSON and then its figures, all of them numbers."""
    ended = _run(name, "--quick", "--json", *SMALL[name])

    if "pip does not install fink-client" in ended.stderr:
        pytest.skip(ended.stderr.splitlines()[-1])
    assert ended.returncode == 0, ended.stderr
    first, *others = ended.stdout.splitlines()
    assert json.loads(first)
    figures = [
        re.fullmatch(r"figure: (\S+) (-?[\d.]+(?:e[+-]\d+)?)", o) for o in others
    ]
    assert {figure[1] for figure in figures if figure} == FIGURES[name]
    assert all(figures)

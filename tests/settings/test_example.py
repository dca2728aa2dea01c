"""The example file has every setting, and changes none."""

import itertools
from pathlib import Path

import pytest

from settings.example import WIDTH, example_toml
from settings.load import keys, load_with_origins
from settings.model import Settings

COMMITTED = Path(__file__).parents[2] / "nightmail.example.toml"


def test_committed_file_is_the_generated_one() -> None:
    """After a change: python -m settings.example > nightmail.example.toml."""
    assert COMMITTED.read_text(encoding="utf-8") == example_toml()


def test_example_changes_nothing(tmp_path: Path) -> None:
    """The file as it is gives the defaults."""
    file = tmp_path / "nightmail.toml"
    file.write_text(example_toml())

    settings, origins = load_with_origins(file)

    assert settings == Settings()
    assert {origin.source for origin in origins} == {"default"}


def test_every_line_is_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the marks taken off, all settings are there, at their defaults."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "nightmail.toml"
    lines = example_toml().splitlines()
    unmarked = [line.removeprefix("# ") if " = " in line else line for line in lines]
    file.write_text("\n".join(unmarked))

    settings, origins = load_with_origins(file)

    assert settings == Settings()
    assert [origin.source for origin in origins] == [str(file)] * len(list(keys()))


def test_every_setting_says_why() -> None:
    """Each has a comment above it, and no line is too long."""
    lines = example_toml().splitlines()

    for above, line in itertools.pairwise(lines):
        if " = " in line:
            assert above.startswith("# "), line
    assert max(map(len, lines)) <= WIDTH

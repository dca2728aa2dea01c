"""Routes come from the file or the environment, and wrong ones are named."""

from pathlib import Path

import pytest

from settings.errors import SettingsError
from settings.load import load, load_with_origins, shown
from settings.routes import Route

FILE = """
[slack]
channel = "#nights"
allow = ["#rrlyr"]

[[slack.routes]]
channel = "#supernovae"
survey = "ztf"
filters = ["sn_*"]
classes = ["SN*"]
minimum = 3

[[slack.routes]]
channel = "#{class}"
"""

ROUTES = (
    Route(
        channel="#supernovae",
        survey="ztf",
        filters=("sn_*",),
        classes=("SN*",),
        minimum=3,
    ),
    Route(channel="#{class}"),
)


def test_routes_of_the_file(tmp_path: Path) -> None:
    """Tables of an array, and shown in a line each."""
    file = tmp_path / "nightmail.toml"
    file.write_text(FILE)

    settings, origins = load_with_origins(file)

    assert settings.slack.routes == ROUTES
    assert settings.slack.allow == ("#rrlyr",)
    told = next(shown(o.value) for o in origins if o.key == "slack.routes")
    assert told == (
        "survey ztf, filters sn_*, classes SN* from 3 → #supernovae, all → #{class}"
    )


def test_routes_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An array in JSON; the allowed channels separated by commas."""
    monkeypatch.setenv("NIGHTMAIL_SLACK__ROUTES", '[{"channel": "#a", "minimum": 2}]')
    monkeypatch.setenv("NIGHTMAIL_SLACK__ALLOW", "#a, #b")

    slack = load().slack

    assert slack.routes == (Route(channel="#a", minimum=2),)
    assert slack.allow == ("#a", "#b")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[{"channel": "#a", "filter": "b"}]',
            r"slack\.routes\.0\.filter.*not permitted",
        ),
        ('[{"channel": ""}]', r"slack\.routes\.0\.channel"),
        ('[{"channel": "#{clas}"}]', r"\{clas\} means nothing"),
        ('[{"channel": "#a", "survey": "sdss"}]', "ztf and lsst"),
        ('[{"channel": "#a", "minimum": -1}]', r"slack\.routes\.0\.minimum"),
        ("#a", "are JSON"),
    ],
)
def test_a_wrong_route_is_named(
    monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    """With the variable, which of the routes it is, and why."""
    monkeypatch.setenv("NIGHTMAIL_SLACK__ROUTES", text)

    with pytest.raises(SettingsError, match=says) as caught:
        load()

    assert str(caught.value).startswith("NIGHTMAIL_SLACK__ROUTES: ")


@pytest.mark.parametrize("name", ["ztf_portal", "lsst_portal"])
def test_a_portal_has_a_place_for_the_object(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An address that is the same for every object is refused."""
    monkeypatch.setenv(f"NIGHTMAIL_SLACK__{name.upper()}", "https://example.org/")

    with pytest.raises(SettingsError, match=name):
        load()

"""The script in the manual of the existing client runs with two changes."""

from pathlib import Path

import pytest

from client.tests.avro_alerts import record, write
from nightmail._fingerprint import compact
from tests.reading.conftest import StartScript, Topic

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

MANUALS = Path(__file__).parents[3] / "shared" / "seeds"
"""Manuals of the existing client, beside the checkout."""

CANDIDATE = record(jd="double", magpsf="double") | {"name": "candidate"}
SCHEMA = record(objectId="string", cdsxmatch="string", candidate=CANDIDATE)

TABULATE = """
def tabulate(rows, headers, tablefmt):
    return "\\n".join(" | ".join(map(str, row)) for row in (headers, *rows))
"""
"""Stands in for a package of the script's own, which we do not need."""


@pytest.fixture
def script() -> str:
    """Give the script, its places for servers, group and topics still empty."""
    for manual in sorted(MANUALS.glob("000_*.txt")):
        text = manual.read_text(encoding="utf-8")
        begin = text.index('""" Poll the Fink servers only once at a time """')
        end = text.index("    poll_single_alert(myconfig, topics)", begin)
        return text[begin:end] + "    poll_single_alert(myconfig, topics)\n"
    pytest.skip("The manual (../shared/seeds) is not here.")


def changed(script: str, topic: Topic) -> str:
    """Change the import of the client and that of tabulate, and fill the script in."""
    changes = {
        "from fink_client.consumer import AlertConsumer\n"
        "from fink_client.configuration import load_credentials\n": (
            "from nightmail import AlertConsumer\n"
        ),
        "import tabulate\n": "from tabulate import tabulate\n",
        "'bootstrap.servers': ''": f"'bootstrap.servers': '{topic.config['servers']}'",
        "'group_id': ''": f"'group_id': '{topic.group}'",
        "topics = ['', '']": f"topics = ['{topic.name}', '{topic.name}']",
    }
    for old, new in changes.items():
        assert script.count(old) == 1, old
        script = script.replace(old, new)
    return script


def test_the_manuals_script_shows_an_alert(
    topic: Topic, script: str, start_script: StartScript, tmp_path: Path
) -> None:
    """The next run finds nothing new, and says so."""
    (tmp_path / "tabulate.py").write_text(TABULATE)
    candidate = {"jd": 2461121.96102, "magpsf": 16.5}
    alert = {"objectId": "ZTF26aamcbly", "cdsxmatch": "Star", "candidate": candidate}
    topic.send(*write(SCHEMA, alert), key=compact(SCHEMA))
    code = changed(script, topic)

    first = start_script(code).communicate(timeout=60)
    second = start_script(code).communicate(timeout=60)

    assert first[1] == second[1] == ""
    heading, row = first[0].splitlines()
    assert heading == (
        "Emitted at (UTC) | Received at (UTC) | Topic | objectId | Simbad | Magnitude"
    )
    assert row.startswith("2026-03-22 11:03:52.128 | ")
    assert row.endswith(f" | {topic.name} | ZTF26aamcbly | Star | 16.5")
    assert second[0] == "No alerts received in the last 5 seconds\n"

"""`nightmail verify` as a user runs it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from tests.flows.conftest import Run
from tests.tasks.conftest import access, walk

__all__ = ["access", "walk"]

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

WORDS = ("nightmail", "verify", "--survey", "ztf", "--night", "20260301")


def test_verify_says_whether_a_night_is_whole(
    simulated_night: Callable[..., Path],
    access: Any,
    walk: Any,
    run: Run,
) -> None:
    """0 if all agree, 1 with a sentence that says what if not, 3 for no such night."""
    simulated_night(alerts=200)
    walked = walk()
    whole = run(*WORDS, "--json")
    full = max(walked.summary.topics, key=lambda topic: topic.delivered)
    admin = AdminClient(dict(access.admin))
    for future in admin.delete_topics([full.topic]).values():
        future.result()
    lost = run(*WORDS)
    repaired = run(*WORDS, "--repair")
    nothing = run(*WORDS[:-1], "20260302")

    assert whole.returncode == 0, whole.stderr
    told = json.loads(whole.stdout)
    assert (told["agrees"], told["problems"]) == (True, [])
    assert sum(f["ledger"] for f in told["files"] if f["topic"] == full.topic) == (
        full.delivered
    )
    assert lost.returncode == 1, lost.stderr
    assert f"Error: {full.topic}: " in lost.stderr
    assert "the topic does not exist." in lost.stderr
    assert repaired.returncode == 0, repaired.stderr
    assert "all agree: every alert is on its topics once" in repaired.stdout
    assert nothing.returncode == 3, nothing.stderr
    assert "Traceback" not in lost.stderr + repaired.stderr + nothing.stderr

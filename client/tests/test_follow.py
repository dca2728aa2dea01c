"""`nightmail follow` shows what comes, newest first."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self

import pytest
from click.testing import CliRunner

from nightmail.commands import follow as module
from nightmail.commands.follow import Board

ZTF = {
    "objectId": "ZTF1",
    "candidate": {"jd": 2461121.5, "magpsf": 17.25, "fid": 2},
}
LSST = {
    "diaSourceId": 5,
    "diaObject": {"diaObjectId": 6},
    "diaSource": {"midpointMjdTai": None, "psfFlux": -5.5, "band": "y"},
}
WHEN = datetime(2026, 3, 22, 8, 30, 19, tzinfo=UTC)


class _Source:
    def __init__(self, *alerts: Any) -> None:
        self.alerts = list(alerts)

    def __call__(
        self, topics: Sequence[str], config: Any, survey: str | None, **options: Any
    ) -> Self:
        assert (topics, config["group.id"], survey) == (["t"], "me", None)
        self.options = options
        return self

    def poll(self, timeout: float) -> Any:
        assert timeout == 10
        if not self.alerts:
            raise KeyboardInterrupt
        alert = self.alerts.pop(0)
        return ("t", alert, "{}") if alert else (None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


def test_the_board_has_the_newest_first() -> None:
    """As many as fit, and how many came of each topic."""
    board = Board(2, started=0.0)
    for topic, alert in (("a_ztf", ZTF), ("a_ztf", ZTF), ("b_lsst", LSST)):
        board.add(topic, alert, WHEN)

    assert board.text(now=2.0) == (
        "3 alerts, 1.5 a second\n"
        "a_ztf: 2, b_lsst: 1\n"
        "\n"
        "received  topic   name  emitted              brightness\n"
        "08:30:19  b_lsst  6                          y -5.5 nJy\n"
        "08:30:19  a_ztf   ZTF1  2026-03-22 00:00:00  r 17.25 mag"
    )


def test_an_empty_board_waits() -> None:
    """It says so."""
    assert "Waiting for alerts." in Board(5, started=0.0).text(now=1.0)


def test_a_pipe_gets_a_line_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain, columns by tabs, whatever is missing; silence is not in it."""
    source = _Source(ZTF, None, {"objectId": "ZTF2", "candidate": None})
    monkeypatch.setattr(module, "AlertConsumer", source)
    line = "t --servers h:1 --group me --start-at -2h --limit 2"

    done = CliRunner().invoke(module.follow, line.split())

    rows = [text.split("\t")[1:] for text in done.stdout.splitlines()]
    assert rows == [
        ["t", "ZTF1", "2026-03-22 00:00:00", "r 17.25 mag"],
        ["t", "ZTF2", "", ""],
    ]
    assert source.options == {"start_at": "-2h"}

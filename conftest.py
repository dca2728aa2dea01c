"""What holds for the tests of the system and for those of the client."""

import logging

import pytest


@pytest.fixture(autouse=True)
def _everything_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what a command or Prefect, in an earlier test, has set for our logger."""
    logger = logging.getLogger("nightmail")
    logger.setLevel(logging.WARNING)  # flows keep Prefect quiet by root's level
    monkeypatch.setattr(logger, "propagate", True)
    monkeypatch.setattr(logger, "disabled", False)

"""Every error crosses a process, says how a command ends, and is exported."""

import importlib
import pickle
from types import ModuleType

import pytest

from nightmail import NightmailError

EXIT_CODES = {1, 2, 3, 4, 5}


def _errors(module: ModuleType) -> list[type[NightmailError]]:
    found = [getattr(module, name) for name in module.__all__]
    return [error for error in found if issubclass(error, NightmailError)]


def _all_errors() -> list[type[NightmailError]]:
    """Errors of the client, and of the pipeline where it is installed."""
    found = _errors(importlib.import_module("nightmail._errors"))
    try:
        pipeline = importlib.import_module("settings.errors")
    except ModuleNotFoundError:
        return found
    return list(dict.fromkeys([*found, *_errors(pipeline)]))


ERRORS = _all_errors()


@pytest.mark.parametrize("error", ERRORS)
def test_it_pickles(error: type[NightmailError]) -> None:
    """Spark and Prefect carry errors between processes."""
    raised = error("Kafka does not answer at 127.0.0.1:9092.")

    back = pickle.loads(pickle.dumps(raised))  # noqa: S301  our own bytes

    assert type(back) is error
    assert str(back) == "Kafka does not answer at 127.0.0.1:9092."


@pytest.mark.parametrize("error", ERRORS)
def test_it_has_an_exit_code_and_a_meaning(error: type[NightmailError]) -> None:
    """Its name ends in Error, and its docstring says what it means."""
    assert error.exit_code in EXIT_CODES
    assert error.__name__.endswith("Error")
    assert error.__doc__


def test_the_client_exports_its_errors() -> None:
    """`from nightmail import …` gives each of them."""
    nightmail = importlib.import_module("nightmail")
    errors = importlib.import_module("nightmail._errors")

    assert set(errors.__all__) <= set(nightmail.__all__)

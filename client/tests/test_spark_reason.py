"""What nightmail said, found below Spark's words."""

from nightmail import BrokerUnavailableError, ConfigError, NightmailError
from nightmail.spark import find_reason

SAID = """[PYTHON_DATA_SOURCE_ERROR] Failed to create it: Traceback (most recent call):
  File "log.py", line 1, in ask
confluent_kafka.error.KafkaException: nothing
nightmail._errors.{name}: Kafka does not answer.
 SQLSTATE: 38000"""


def test_the_sentence_is_found_with_its_class() -> None:
    """So that a command ends with its exit code."""
    found = find_reason(RuntimeError(SAID.format(name="BrokerUnavailableError")))

    assert isinstance(found, BrokerUnavailableError)
    assert str(found) == "Kafka does not answer."


def test_the_last_one_is_what_happened() -> None:
    """Where an error was caused by another of ours."""
    text = "nightmail._errors.AlertError: One.\nnightmail._errors.ConfigError: Two."

    found = find_reason(RuntimeError(text))

    assert isinstance(found, ConfigError)
    assert str(found) == "Two."


def test_an_unknown_class_is_ours_all_the_same() -> None:
    """A newer worker may know more kinds."""
    found = find_reason(RuntimeError(SAID.format(name="NewError")))

    assert type(found) is NightmailError


def test_what_is_not_ours_has_no_reason() -> None:
    """An error of Spark alone is left as it is."""
    assert find_reason(RuntimeError("java.lang.Error: nightmail._errors")) is None

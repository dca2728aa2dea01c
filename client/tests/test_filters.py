"""What a filter is, and what it may be called."""

import subprocess
import sys

import pytest

from nightmail import Filter, FilterError, alert_filter


def named(name: str) -> Filter:
    """Make a filter of a function that is called so."""

    def keep(candidate_magpsf: object) -> object:
        return candidate_magpsf

    keep.__name__ = name
    return alert_filter(owner="someone@example.org")(keep)


def test_takes_what_the_function_says() -> None:
    """Name, summary and columns are those of the function."""

    @alert_filter(owner="someone@example.org", survey="ztf")
    def bright(candidate_magpsf: object, candidate_rb: object) -> object:
        """Bright alerts.

        And more about them.
        """
        return candidate_magpsf, candidate_rb

    said = (bright.name, bright.survey, bright.summary, bright.owner, bright.columns)
    assert said == (
        "bright",
        "ztf",
        "Bright alerts.",
        "someone@example.org",
        ("candidate_magpsf", "candidate_rb"),
    )


@pytest.mark.parametrize("name", ["nights", "ztf_bright", "été", "a b", "", "x" * 201])
def test_refuses_what_cannot_be_a_topic(name: str) -> None:
    """A name that is no part of a topic, or that means another topic, is refused."""
    with pytest.raises(FilterError, match=f"cannot be called .?{name}"):
        named(name)


@pytest.mark.parametrize("name", ["nights_2", "my_ztf_filter", "v1.2-b"])
def test_takes_what_can_be_a_topic(name: str) -> None:
    """Only what collides is refused."""
    assert named(name).name == name


@pytest.mark.parametrize(
    "keep", [lambda *columns: columns, lambda a=1: a, lambda **a: a, lambda *, a: a]
)
def test_refuses_arguments_that_are_no_columns(keep: object) -> None:
    """Every argument is one column, without a default."""
    keep.__name__ = "bright"  # type: ignore[attr-defined]

    with pytest.raises(FilterError, match="bright cannot have the argument"):
        alert_filter(owner="x")(keep)  # type: ignore[arg-type]


def test_refuses_a_filter_without_columns() -> None:
    """A filter that reads nothing is a mistake."""

    def always() -> bool:
        return True

    with pytest.raises(FilterError, match="name a column"):
        alert_filter(owner="x")(always)


def test_is_light() -> None:
    """Importing the decorator loads none of the heavy libraries."""
    heavy = "{'pandas', 'pyarrow', 'awkward', 'duckdb', 'numpy', 'numba'}"
    code = f"import sys, nightmail; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert done.stdout.decode().strip() == "set()"


def test_a_filter_may_be_off_by_default() -> None:
    """It says so itself; one that says nothing runs."""

    @alert_filter(owner="someone@example.org", on_by_default=False)
    def costly(candid: object) -> object:
        """All alerts."""
        return candid

    assert not costly.on_by_default
    assert named("cheap").on_by_default

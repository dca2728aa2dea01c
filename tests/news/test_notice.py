"""A notice is the recorded one, and fits Slack however much went wrong."""

import pytest

from news.notice import Notice, compose_notice, run_again
from nightmail.slack import limits
from tests.news.golden import as_json, recorded


@pytest.mark.parametrize(
    ("kind", "sentences"),
    [
        (
            "failed",
            ("bright: the column nope is in no file.", "Odd <!here>."),
        ),
        ("crashed", ("Flow run was terminated by SIGTERM.",)),
        ("did not run", ("There is no summary of 20260301.",)),
    ],
)
def test_notice_is_the_recorded_one(kind: str, sentences: tuple[str, ...]) -> None:
    """A change of a notice shows in a diff of its golden file."""
    again = run_again("ztf", "20260301")
    notice = Notice(
        survey="ztf", night="20260301", kind=kind, sentences=sentences, again=again
    )

    text = as_json(compose_notice(notice))

    assert "<" not in text
    assert text == recorded(f"notice_{kind.replace(' ', '_')}.json", text)


def test_a_long_notice_fits() -> None:
    """A thousand failures are counted, and the first ones told."""
    sentences = tuple(f"{n}: {'&' * 5000}" for n in range(1000))
    notice = Notice(
        survey="ztf", night="20260301", kind="failed", sentences=sentences, again="Run."
    )

    message = compose_notice(notice)

    limits.check(message.arguments())
    assert "0: &amp;" in str(message.blocks)

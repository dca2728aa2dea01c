"""A notice to the operators: a night that failed, crashed or did not run, a sweep."""

from collections.abc import Sequence
from dataclasses import dataclass

from news.layout import Message, Part, context, fitting, header, sections
from nightmail.slack import escape

MAX_SENTENCES = 20
"""What went wrong that is listed."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What operators have to know."""

    survey: str
    """`ztf` or `lsst`."""

    night: str
    """Date of the morning on which the night ends, YYYYMMDD."""

    kind: str
    """`failed`, `crashed`, `did not run` or `not swept`."""

    sentences: tuple[str, ...]
    """What went wrong, a sentence each."""

    again: str
    """What to do, or what is done."""


def compose_notice(notice: Notice) -> Message:
    """Make the message of a notice.

    Parameters
    ----------
    notice
        Nothing in it acts as markup.
    """
    title = f"{notice.survey.upper()} night {notice.night}: {notice.kind}"
    told = [*dict.fromkeys(notice.sentences)]
    lines = (*told[:MAX_SENTENCES], *_more(told))
    around = [header(title), context(escape(notice.again))]
    texts = list(sections(Part("", lines))) if lines else []
    blocks = (around[0], *fitting(texts, around), around[1])
    first = f" {told[0]}" if told else ""
    return Message(escape(f"{title}.{first[:500]}"), blocks)


def run_again(survey: str, night: str) -> str:
    """Say how a night is run again by hand."""
    return f"By hand: nightmail night --survey {survey} --night {night}"


def _more(told: Sequence[str]) -> list[str]:
    rest = len(told) - MAX_SENTENCES
    return [f"… and {rest:,} more"] if rest > 0 else []

"""Why a query failed, in the sentence that stands below Spark's traceback."""

import re

from nightmail import _errors
from nightmail._errors import NightmailError

__all__ = ["find_reason"]

_OURS = re.compile(r"^(?:.*\s)?nightmail\._errors\.(\w+): (.+)$", re.MULTILINE)


def find_reason(error: BaseException) -> NightmailError | None:
    """Find what nightmail said in an error that Spark raised.

    Parameters
    ----------
    error
        Spark's, with the traceback of a worker in its text.

    Returns
    -------
    NightmailError
        The error that the worker raised; None if it was none of nightmail's.
    """
    found = _OURS.findall(str(error))
    if not found:
        return None
    name, sentence = found[-1]
    kind = getattr(_errors, name, NightmailError)
    made: NightmailError = kind(sentence.strip())
    return made

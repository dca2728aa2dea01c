"""Which channel a class of objects has.

The manual's rule is: the letters of the class, in lower case. Alone it would put `Sy1`
with `Sy2`, `s*b` with `SB*`, `RR?` with `RR*`, and leave nothing of `*` and `**`. Ours
gives the manual's names and keeps those apart; it looks at nothing but the class, so a
class has the same channel every night:

1. letters and digits stay, in lower case; other signs are left out, but:
2. a `*` is spelled `star` in a class of at most three characters, as SIMBAD's short
   types are; in a longer one it is left out, as in the manual (`EB*WUMa`);
3. a `?`, SIMBAD's sign of a candidate, is spelled `candidate`, between hyphens;
4. a class of which nothing stays has the channel `other`.

Classes that differ in nothing but capitals and other signs share a channel.
"""

import re
import unicodedata

__all__ = ["channel_of", "is_classified"]

SHORT = 3
"""Longest class in which `*` is spelled [characters]."""

MAX_NAME = 80
"""Longest name of a channel, by Slack [characters]."""

NOTHING_LEFT = "other"
"""Channel of classes in which there is no letter, digit, `*` or `?`."""

UNKNOWN = frozenset({"", "?", "none", "nan", "nat", "null", "<na>", "unknown"})
"""What stands for no class, in lower case; `?` is SIMBAD's type of unknown nature."""

FAILED = "fail"
"""How the value begins that a cross-match leaves when it got no answer."""


def channel_of(class_name: str) -> str:
    """Name the channel of a class, without `#`.

    Parameters
    ----------
    class_name
        As a catalogue or classifier spells it.

    Returns
    -------
    str
        Lower-case letters, digits and hyphens; at least one, at most 80.

    Examples
    --------
    >>> [channel_of(name) for name in ("RRLyr", "EB*WUMa", "Sy1", "*", "**", "RR?")]
    ['rrlyr', 'ebwuma', 'sy1', 'star', 'starstar', 'rr-candidate']
    """
    plain = unicodedata.normalize("NFKC", class_name).strip()
    if len(plain) <= SHORT:
        plain = plain.replace("*", "star")
    plain = plain.replace("?", "\N{SOFT HYPHEN}candidate\N{SOFT HYPHEN}").lower()
    kept = "".join(c for c in plain if c.isalnum() or c == "\N{SOFT HYPHEN}")
    parts = re.split("\N{SOFT HYPHEN}+", kept)
    name = "-".join(part for part in parts if part)
    return name[:MAX_NAME].rstrip("-") or NOTHING_LEFT


def is_classified(class_name: object) -> bool:
    """Whether a value names a class.

    Parameters
    ----------
    class_name
        Text, or what stands for none: None, NaN and their likes.

    Returns
    -------
    bool
        False for nulls, `Unknown`, `?`, empty text and what begins with `Fail`.
    """
    if not isinstance(class_name, str):
        return False
    plain = class_name.strip().lower()
    return plain not in UNKNOWN and not plain.startswith(FAILED)

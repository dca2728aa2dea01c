"""Names of topics, groups, ids and folders; nothing else spells them."""

import hashlib
from collections.abc import Iterable

SURVEYS: tuple[str, ...] = ("ztf", "lsst")
"""The surveys that nightmail knows."""

LEDGER_TOPIC = "nightmail_ledger"
"""The compacted topic of what was sent. Not `fink_`: anonymous may read that."""

LEDGER_PARTITIONS = 16
"""Shards of a night on a cluster of one's own, unless the ledger has others already."""

PUBLISHER = "nightmail"
"""The Kafka user that publishes on the local cluster."""

GROUP_PREFIX = "nightmail"
"""Consumer groups and transactional ids of our own begin with this."""

ID_COLUMN = {"ztf": "candid", "lsst": "diaSourceId"}
"""The column that names an alert, int64, unique within a survey."""

OBJECT_COLUMNS = {
    "ztf": ("objectId",),
    "lsst": ("diaSource_diaObjectId", "diaSource_ssObjectId"),
}
"""The columns that name the object, in order of preference; null and 0 mean none."""

CUTOUT_COLUMNS = ("cutoutScience", "cutoutTemplate", "cutoutDifference")
"""The columns of images, of both surveys: most of an alert's bytes."""

TIME_ZONE = {"ztf": "America/Los_Angeles", "lsst": "America/Santiago"}
"""Where the telescope stands; nights run from noon to noon there."""


def topic(prefix: str, filter_name: str, survey: str) -> str:
    """Name of the topic that a filter's alerts go to."""
    return f"{prefix}{filter_name}_{survey}"


def nights_topic(prefix: str, survey: str) -> str:
    """Name of the topic that holds one record per night."""
    return topic(prefix, "nights", survey)


def transactional_id(prefix: str, survey: str, night: str, shard: int | str) -> str:
    """Id under which one shard of one night publishes; a newer owner fences it."""
    return f"{GROUP_PREFIX}.{prefix}{survey}.{night}.{shard}"


def sent_columns(names: Iterable[str], *, cutouts: bool) -> list[str]:
    """Columns of the store that a topic gets.

    Parameters
    ----------
    names
        All of them, as the store has them at the top.
    cutouts
        Whether the topic gets images too.
    """
    return [name for name in names if cutouts or name not in CUTOUT_COLUMNS]


def stable_hash(text: str, modulus: int) -> int:
    """Give the same number for the same text, on every machine and in every version.

    Parameters
    ----------
    text
        What to hash, as UTF-8.
    modulus
        How many values there are.

    Returns
    -------
    int
        At least 0 and less than `modulus`.
    """
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % modulus

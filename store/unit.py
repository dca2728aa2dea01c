"""A unit of work: a file, or a run of row groups of a large one."""

from collections.abc import Iterator
from dataclasses import dataclass

from store.footer import Footer

UNIT_BYTES = 1 << 30
"""A file above this is cut into several units [byte, uncompressed]."""


@dataclass(frozen=True)
class Unit:
    """Rows that are filtered, sent and remembered together."""

    name: str
    """The file's name within the night; `#first-last` row group where it is cut."""

    path: str
    identity: str
    """Identity of the file, see `store.footer`."""

    groups: tuple[int, ...]
    """Row groups of the file."""

    rows: int
    bytes: int
    """Uncompressed size [byte]."""


def cut_into_units(footer: Footer) -> Iterator[Unit]:
    """Cut a file into units of at most about 1 GB each."""
    runs = list(_runs(footer.group_bytes))
    for first, last in runs:
        groups = tuple(range(first, last + 1))
        whole = len(runs) == 1
        yield Unit(
            name=footer.name if whole else f"{footer.name}#{first}-{last}",
            path=footer.path,
            identity=footer.identity,
            groups=groups,
            rows=sum(footer.group_rows[g] for g in groups),
            bytes=sum(footer.group_bytes[g] for g in groups),
        )


def _runs(sizes: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """First and last index of runs whose sizes add up to UNIT_BYTES or less."""
    first, total = 0, 0
    for index, size in enumerate(sizes):
        if total + size > UNIT_BYTES and index > first:
            yield first, index - 1
            first, total = index, 0
        total += size
    yield first, len(sizes) - 1

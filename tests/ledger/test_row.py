"""Rows of the ledger, as bytes and back."""

import pytest

from ledger.row import LedgerKey, LedgerRow, PartitionRange
from settings.errors import LedgerError

SENT = LedgerRow(
    "sent",
    "0123456789abcdef",
    "89abcdef",
    rows=3,
    read=100,
    digest="fedcba9876543210",
    archive_slice="007-0123456789ab",
    classes={"SN candidate": 2, "Unknown": 1},
    partitions=(PartitionRange(0, 5, 9, 2), PartitionRange(3, 7, 7, 1)),
    size=12345,
    seconds=0.25,
    nulls=("anomaly_score",),
)
FAILED = LedgerRow("failed", "0123456789abcdef", "89abcdef", reason="ValueError: no")


@pytest.mark.parametrize("row", [SENT, FAILED], ids=["sent", "failed"])
def test_a_row_comes_back_as_it_was(row: LedgerRow) -> None:
    """Nothing of a row is lost in the topic."""
    assert LedgerRow.decode(row.encode()) == row


def test_a_key_comes_back_as_it_was() -> None:
    """A unit may lie in a folder, and its name hold any character."""
    key = LedgerKey("fink_", "ztf", "20260301", 'a b/"c".parquet#0-3', "fink_x_ztf")

    assert LedgerKey.decode(key.encode()) == key


def test_a_row_of_another_version_is_refused() -> None:
    """Bytes of an unknown schema are never read as if they were known."""
    foreign = bytearray(SENT.encode())
    foreign[2] ^= 0xFF

    with pytest.raises(LedgerError, match="another version"):
        LedgerRow.decode(bytes(foreign))

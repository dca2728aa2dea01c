"""What a worker tells the driver: what the ledger does not say."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True)
class Report:
    """One line of a worker's report."""

    outcome: str
    """`done`, `failed`, `newer run` or `unavailable`."""

    shard: int
    unit: str = ""
    topic: str = ""
    message: str = ""
    duplicates: int = 0
    """Alerts left out because their id was there already."""

    seconds: float = 0.0
    """Wall time that the unit took [s]."""

    code: str = ""
    """Digest of the code that ran, see `runtime.shipping`."""

    def encode(self) -> str:
        """Text that crosses from the worker to the driver."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read what `encode` wrote."""
        return cls(**json.loads(text))

"""What a worker tells the driver: what the ledger does not say."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True)
class Report:
    """One line of a worker's report."""

    outcome: str
    """`done`, `failed`, `denied`, `newer run` or `unavailable`."""

    message: str = ""
    """One sentence; none where all is well."""

    duplicates: int = 0
    """Rows left out because their id stands in another row, or was sent before."""

    def encode(self) -> str:
        """Text that crosses from the worker to the driver."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read what `encode` wrote."""
        return cls(**json.loads(text))

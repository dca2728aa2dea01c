"""Golden files: what is composed, recorded; REFRESH_GOLDEN=1 writes them anew."""

import json
import os
from pathlib import Path
from typing import Any

from news.layout import Message

GOLDEN = Path(__file__).parent / "golden"


def as_json(message: Message) -> str:
    """Text of a message's golden file."""
    return json.dumps(message.arguments(), indent=1, ensure_ascii=False) + "\n"


def recorded(name: str, text: str) -> Any:
    """Read what is recorded under a name, once it is refreshed if that is asked."""
    file = GOLDEN / name
    if os.environ.get("REFRESH_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return file.read_text(encoding="utf-8")

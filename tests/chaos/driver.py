"""A driver that runs nights one after the other: the real flow, one Spark for all.

Reads `{"night": …, "names": […], "result": …}` from its standard input, a line each.
"""

import json
import sys
from pathlib import Path
from typing import Any

from flows.by_hand import run_night
from runtime.spark import spark_session
from settings.load import load


def main() -> None:
    """Run what is asked for until the input ends."""
    settings = load()
    with spark_session(settings):
        for line in sys.stdin:
            wish: dict[str, Any] = json.loads(line)
            ending = run_night(
                settings, survey="ztf", night=wish["night"], filters=wish["names"]
            )
            result = Path(wish["result"])
            pending = result.with_name(f"_{result.name}")
            pending.write_text(json.dumps([ending.exit_code, *ending.failures]))
            pending.rename(result)


if __name__ == "__main__":
    main()

"""One client reads one topic, in one way: a program for the Python of that client.

It imports nothing but the client, and what an astronomer would beside it, so that it
runs in environments that have no more.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

PATIENCE_S = 60.0
"""How long an alert may take to come [s]."""

CHUNK = 500
"""Alerts of a table or a DataFrame."""

Told = Mapping[str, Any]
"""Servers, topic, group, survey, alerts, and the folder to save in."""


def main() -> None:
    """Do what the line says, and print what came of it as JSON."""
    client, work, told = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    alerts = _works()[client, work](told)
    print(json.dumps({"alerts": alerts, "peak_mb": _peak_mb()}))


def _works() -> Mapping[tuple[str, str], Callable[[Told], int]]:
    return {
        ("nightmail", "import"): _import_ours,
        ("nightmail", "poll"): _poll_ours,
        ("nightmail", "save"): _save_ours,
        ("nightmail", "to_pandas"): _frames_ours,
        ("nightmail", "to_arrow"): _tables_ours,
        ("fink-client", "import"): _import_theirs,
        ("fink-client", "poll"): _poll_theirs,
        ("fink-client", "save"): _save_theirs,
        ("fink-client", "to_pandas"): _frames_theirs,
        ("fink-client", "to_arrow"): _tables_theirs,
    }


def _import_ours(_: Told) -> int:
    from nightmail import AlertConsumer  # noqa: PLC0415

    return int(bool(AlertConsumer))


def _import_theirs(_: Told) -> int:
    return int(bool(_theirs("consumer").AlertConsumer))


def _ours(told: Told) -> Any:
    from nightmail import AlertConsumer  # noqa: PLC0415

    config = {"bootstrap.servers": told["servers"], "group.id": told["group"]}
    return AlertConsumer([told["topic"]], config, told["survey"])


def _poll_ours(told: Told) -> int:
    with _ours(told) as consumer:
        return sum(1 for _ in _polled(consumer, told))


def _save_ours(told: Told) -> int:
    with _ours(told) as consumer:
        return _saved(consumer, told)


def _frames_ours(told: Told) -> int:
    with _ours(told) as consumer:
        return _chunked(consumer.to_pandas, told)


def _tables_ours(told: Told) -> int:
    with _ours(told) as consumer:
        return _chunked(consumer.to_arrow, told)


def _chunked(read: Callable[..., Any], told: Told) -> int:
    found = 0
    while found < told["alerts"]:
        most = min(CHUNK, told["alerts"] - found)
        found += len(read(max_alerts=most, timeout=PATIENCE_S))
    return found


def _theirs(module: str) -> ModuleType:
    from importlib import import_module  # noqa: PLC0415

    return import_module(f"fink_client.{module}")


def _consumer(told: Told) -> Any:
    config = {"bootstrap.servers": told["servers"], "group.id": told["group"]}
    make = _theirs("consumer").AlertConsumer
    return make([told["topic"]], config, told["survey"])


def _poll_theirs(told: Told) -> int:
    with _consumer(told) as consumer:
        return sum(1 for _ in _polled(consumer, told))


def _save_theirs(told: Told) -> int:
    with _consumer(told) as consumer:
        return _saved(consumer, told)


def _frames_theirs(told: Told) -> int:
    """Make DataFrames of the dictionaries, as its own reader of files does."""
    import pandas as pd  # noqa: PLC0415

    with _consumer(told) as consumer:
        return sum(len(pd.DataFrame(rows)) for rows, _ in _chunks(consumer, told))


def _tables_theirs(told: Told) -> int:
    """Make tables of the dictionaries, by its own function."""
    make = _theirs("avro2arrow").avro_to_arrow
    with _consumer(told) as consumer:
        chunks = _chunks(consumer, told)
        return sum(len(make(schema, rows)[0]) for rows, schema in chunks)


def _chunks(
    consumer: Any, told: Told
) -> Iterator[tuple[list[dict[str, Any]], dict[str, Any]]]:
    rows = []
    for number, (_, alert, key) in enumerate(_polled(consumer, told), 1):
        rows.append(alert)
        if len(rows) == CHUNK or number == told["alerts"]:
            yield rows, json.loads(key)
            rows = []


def _polled(consumer: Any, told: Told) -> Iterator[Any]:
    for _ in range(told["alerts"]):
        received = consumer.poll(timeout=PATIENCE_S)
        if received[0] is None:
            sys.exit("Error: an alert did not come.")
        yield received


def _saved(consumer: Any, told: Told) -> int:
    found = 0
    for _ in range(told["alerts"]):
        received = consumer.poll_and_write(told["folder"], timeout=PATIENCE_S)
        found += received[0] is not None
    return found


def _peak_mb() -> float:
    """Give the largest resident set of this program, not of what started it [MB]."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(peak) * 1024 / 1e6


if __name__ == "__main__":
    main()

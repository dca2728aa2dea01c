"""Options that benchmarks share, and how they end."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from benchmarks._machine import describe_machine
from benchmarks._stores import SHARED
from benchmarks._table import Row, write_figures, write_table
from settings.errors import NightmailError

Result = tuple[Sequence[Row], Mapping[str, float]]
"""Rows of the table, and figures."""


def parser(doc: str | None, examples: str) -> argparse.ArgumentParser:
    """Make a parser with the options of all.

    Parameters
    ----------
    doc
        Docstring of the command's file, whose first line says what it does.
    examples
        Lines to show below the options.
    """
    made = argparse.ArgumentParser(
        description=(doc or "").splitlines()[0],
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--rounds", type=int, help="default 3, in the full form 10")
    made.add_argument("--quick", action="store_true", help="a small form: seconds")
    made.add_argument("--full", action="store_true", help="a longer form")
    made.add_argument("--json", action="store_true", help="a line of JSON, no table")
    return made


def rounds(options: argparse.Namespace) -> int:
    """Give the number of rounds that is asked for."""
    usual = 1 if options.quick else 10 if options.full else 3
    return int(options.rounds or usual)


def report(measure: Callable[[], Result], *, as_json: bool) -> None:
    """Measure, and print a table or a line of JSON, and the figures last."""
    if not SHARED.is_dir():
        print("The real alerts (../shared/data) are not here: nothing is measured.")
        return
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's & has the first ignored
        signal.signal(number, signal.default_int_handler)
    try:
        rows, figures = measure()
    except KeyboardInterrupt:
        sys.exit(130)
    except NightmailError as error:
        sys.exit(f"Error: {error}")
    if as_json:
        table = [row.encode() for row in rows]
        print(json.dumps({"table": table, "figures": dict(figures)}))
    else:
        print("\n".join([*describe_machine(), "", write_table(rows), ""]))
    print(write_figures(figures))

"""`python -m tests.chaos`: nights that are killed, run again, and counted.

Kills (SIGKILL) a run in a plain process, Spark's and Prefect's processes, and the
broker; after each kill comes one rerun, an independent reader counts topics and
archive, and `nightmail verify` must say what that reader says. Ends on three figures;
exit code 1 where anything is wrong, or where it took too long.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from tests.chaos.campaign import Campaign
from tests.chaos.stage import say
from tests.chaos.tally import COLUMNS, Tally


def main(words: Sequence[str] | None = None) -> int:
    """Run a campaign, print what came of it, and give the exit code."""
    given = _parse(words)
    plain = max(0, given.kills - given.spark_kills - given.broker_kills)
    campaign = Campaign(plain, given.spark_kills, given.broker_kills, given.seed)
    say(f"seed {campaign.seed}")
    started = time.monotonic()
    try:
        tally = campaign.run()
    except KeyboardInterrupt:
        say("interrupted; nothing is left running")
        return 130
    seconds = time.monotonic() - started
    lines = _json(campaign, tally, seconds) if given.json else _text(campaign, tally)
    sys.stdout.write("\n".join(lines) + "\n")
    say(f"{seconds:.0f} s")
    if seconds > given.minutes * 60:
        say(f"IT TOOK TOO LONG: more than {given.minutes:g} minutes.")
        return 1
    return 0 if campaign.is_proof(tally) else 1


def _text(campaign: Campaign, tally: Tally) -> list[str]:
    figures = [f"figure: {name} {value}" for name, value in tally.figures().items()]
    return [f"seed {campaign.seed}", *tally.table(), *tally.notes(), *figures]


def _json(campaign: Campaign, tally: Tally, seconds: float) -> list[str]:
    found = {
        **asdict(campaign),
        "seconds": round(seconds),
        "is_proof": campaign.is_proof(tally),
        "rows": {
            kind: dict(zip(COLUMNS, row.values(), strict=True))
            for kind, row in tally.rows.items()
        },
        "random_moments": tally.moments,
        "second_runs": tally.others,
        "runs_under_a_killed_broker": tally.under,
        "spent": {name: round(spent) for name, spent in tally.seconds.items()},
        "reruns": tally.reruns,
        "verified": tally.verified,
        "between": tally.happened,
        "records": tally.records,
        "faults": tally.faults,
        "figures": tally.figures(),
    }
    return [json.dumps(found, indent=2)]


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=int, default=200, help="in all; 200")
    parser.add_argument(
        "--spark-kills", type=int, default=40, help="of them through Spark; 40"
    )
    parser.add_argument(
        "--broker-kills", type=int, default=10, help="of them of the broker; 10"
    )
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="printed; any"
    )
    parser.add_argument(
        "--minutes", type=float, default=45, help="it may take at most; 45"
    )
    parser.add_argument(
        "--json", action="store_true", help="everything as JSON instead of the table"
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())

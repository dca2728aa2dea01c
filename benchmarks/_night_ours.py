"""A night by the product: its distribution step, in a Spark session that stays."""

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks._night_profile import no_spark, profile
from benchmarks._process import serve
from benchmarks._spark_workers import touch_workers
from cluster.access import connect
from runtime.spark import spark_session
from settings.model import Archive, Settings, Spark, Store, Topics
from tasks.distribute_night import distribute_night, raise_worst
from tasks.find_night import find_night
from tasks.plan_night import NightPlan, plan_night
from tasks.prepare_topics import prepare_topics


class _Ours:
    """The product's settings, and the night that was planned last."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._state_dir: Path
        self._settings: Settings
        self._plan: NightPlan
        self._spark: Any = None

    def start(self, state_dir: str, master: str = "local[*]") -> None:
        """Start the product's Spark, which stays."""
        self._state_dir = Path(state_dir)
        settings = Settings(state_dir=self._state_dir, spark=Spark(master=master))
        self._spark = self._stack.enter_context(spark_session(settings))

    def plan(
        self, survey: str, night: str, prefix: str, store: str, filters: list[str]
    ) -> None:
        """Make the topics of a night, and plan it; its archive begins empty."""
        archive = self._state_dir / "archive"
        shutil.rmtree(archive, ignore_errors=True)
        self._settings = Settings(
            state_dir=self._state_dir,
            store=Store(uri=store),
            archive=Archive(uri=str(archive)),
            topics=Topics(prefix=prefix),
        )
        found = find_night(self._settings, survey=survey, night=night, names=filters)
        access = connect(self._settings)
        prepare_topics(self._settings, access, found)
        self._plan = plan_night(self._settings, access, found)

    def run(self) -> None:
        """Distribute the night that was planned."""
        access = connect(self._settings)
        raise_worst(distribute_night(self._settings, access, self._plan))

    def touch(self) -> None:
        """Keep Spark's Python workers from ending, as idle ones do after a minute."""
        touch_workers(self._spark)

    def profile(self) -> dict[str, float]:
        """Distribute it in this process alone, and give the CPU time by stage [s]."""
        with no_spark(self._spark.sparkContext.defaultParallelism):
            return profile(self.run)


if __name__ == "__main__":
    with ExitStack() as stack:
        ours = _Ours(stack)
        serve(
            {
                "start": ours.start,
                "plan": ours.plan,
                "run": ours.run,
                "profile": ours.profile,
                "touch": ours.touch,
            }
        )

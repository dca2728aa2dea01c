"""Kills of a shard's task that runs as a plain process, and of the broker under it."""

import os
import signal
import time
from random import Random
from typing import Any

from cluster.local import start, status
from tests.chaos.nights import Night
from tests.chaos.reader import Offsets
from tests.chaos.stage import RERUN_S, Stage, wait
from tests.chaos.tally import BESIDE, BROKER, PLANNING, POINTS, RANDOM
from tests.chaos.worker import DURING_COMMIT, Errand, begin

LONGEST_COMMIT_S = 0.02
"""How long after `before commit` a kill comes, at most [s]."""

PRODUCED = 30
"""A kill while producing comes within so many records."""

ROUNDS = 3
"""How often a night is killed and finished, at most."""

AT_WORK = 0.7
"""How often a random moment is one at which alerts are being sent."""

TAKING_OVER = 0.5
"""How often, of two runs, the second is killed where it claims the night."""

OFTEN = 0.6
"""How often something happens to a night between the kill and the rerun."""


COPY_EVERY = 3
"""Of so many nights one is merged, and the merge is half done when the kill comes."""

LOOK_EVERY = 3
"""Of so many kills the reader looks at what one has left, and `verify` too."""


def plan_kinds(count: int, rng: Random) -> list[str]:
    """Plan so many kills: every point first, then all kinds mixed."""
    kinds = [*POINTS, BESIDE, RANDOM]
    while len(kinds) < count:
        more = [*POINTS, *[RANDOM] * 3, *[BESIDE] * 2]
        rng.shuffle(more)
        kinds += more
    return kinds[:count]


def kill_plain(stage: Stage, kinds: list[str]) -> None:
    """Kill as planned, each kill followed by one rerun and a check."""
    left = list(reversed(kinds))
    while left:
        night, since = stage.next_night()
        if len(stage.played) % COPY_EVERY == 0:
            night.copy(stage.rng)
        for turn in range(ROUNDS):
            if not left or (turn and not bring_work(night, stage.rng)):
                break
            if kill_once(stage, night, since, left[-1]):
                left.pop()


def kill_once(stage: Stage, night: Night, since: Offsets, kind: str) -> bool:
    """Run a night to its end by a kill, finish it, and tell whether it was killed."""
    started = time.monotonic()
    killed = _KILLS.get(kind, _at_a_point)(stage, night, kind)
    if killed:
        is_open = stage.checker.count_open() > 0
        stage.tally.kill(kind, night.name)
        stage.tally.row(kind).open += is_open
        night.story.append(f"killed: {kind}")
    stage.tally.spend("kills", time.monotonic() - started)
    if killed and not is_open and stage.tally.total("kills") % LOOK_EVERY == 0:
        stage.look(night, since, kind)
    if night.doomed:
        night.remove_doomed()
        night.story.append("owner gone")
    elif stage.rng.random() < OFTEN:
        change(night, stage.rng)
    stage.finish(night, since, kind)
    return killed


def change(night: Night, rng: Random) -> None:
    """Let something happen to a night that must not lose or double anything."""
    what = rng.choice(["late", "edition", "filter", "merge", "move", "repeat"])
    if what == "late" and night.late:
        night.arrive()
    elif what == "edition":
        night.edition += 1
    elif what == "filter" and night.missing():
        night.add_filter(rng)
    elif what == "merge" and len(night.files()) > 1:
        night.merge(rng)
    elif what == "move" and not night.is_moved():
        night.move()
    elif what == "repeat":
        night.repeat(rng)
    else:
        return
    night.story.append(what)


def bring_work(night: Night, rng: Random) -> bool:
    """Give a finished night something to do; tell whether there was anything."""
    if night.late:
        night.arrive()
        night.waiting = 1
        night.story.append("late")
    elif night.missing():
        night.add_filter(rng)
        night.waiting = len(night.files())
        night.story.append("filter")
    else:
        return False
    return True


def _at_a_point(stage: Stage, night: Night, kind: str) -> bool:
    # Where alerts stand in two files, a run plans twice.
    plans = dict.fromkeys(PLANNING, 2 if night.doomed else 1)
    most = {"produce": PRODUCED, **plans}
    errand = stage.errand(
        night,
        point=kind,
        nth=stage.rng.randint(1, most.get(kind, night.waiting)),
        after_s=stage.rng.uniform(0, LONGEST_COMMIT_S),
    )
    process = begin(errand)
    process.join(RERUN_S)
    if process.is_alive():
        stage.tally.fail(kind, wait(process, errand))
        return False
    # The commit may have been faster than the kill.
    missed = kind == DURING_COMMIT and errand.points()[-1:] != ["before commit"]
    return _was_killed(process) and not missed


def _at_a_random_moment(stage: Stage, night: Night, _: str) -> bool:
    errand = stage.errand(night)
    process = begin(errand)
    if stage.rng.random() < AT_WORK:
        _await_point(errand, process, "owned")
        process.join(stage.rng.uniform(0, 0.5 * stage.usual_s))
    else:
        process.join(stage.rng.uniform(0, stage.usual_s))
    process.kill()
    process.join()
    if _was_killed(process):
        last = errand.points()[-1:] or ["before any"]
        stage.tally.moments[last[0]] += 1
        return True
    return False


def _beside_a_second_run(stage: Stage, night: Night, kind: str) -> bool:
    """Kill one of two runs of a night; the other ends well, or by the newer one.

    Half of the time the one that comes second dies where it takes the night over.
    """
    point = stage.rng.choice(PLANNING) if stage.rng.random() < TAKING_OVER else None
    errands = [stage.errand(night), stage.errand(night, point=point)]
    processes = [begin(errands[0])]
    processes[0].join(stage.rng.uniform(0, 0.5 * stage.usual_s))
    processes.append(begin(errands[1]))
    _await_point(errands[1], processes[1], point or "owned")
    processes[1].join(stage.rng.uniform(0, 0.3 * stage.usual_s))
    both = processes[0].is_alive() and point is None
    victim = stage.rng.choice([0, 1] if both else [1])
    processes[victim].kill()
    processes[victim].join()
    other = 1 - victim
    why = wait(processes[other], errands[other])
    if why and not why.startswith("newer run"):
        stage.tally.fail(kind, f"{errands[other].notes.name}: {why}")
    stage.tally.others[why.partition(":")[0] or "complete"] += 1
    return _was_killed(processes[victim])


def _under_a_run(stage: Stage, night: Night, _: str) -> bool:
    """Kill the broker while a run is at work, and start it again."""
    errand = stage.errand(night)
    process = begin(errand)
    _await_point(errand, process, stage.rng.choice([*PLANNING, "owned"]))
    time.sleep(stage.rng.uniform(0, 0.5 * stage.usual_s))
    alive = process.is_alive()
    killed = kill_broker(stage)
    time.sleep(stage.rng.uniform(0, 2))
    start(stage.settings)
    why = wait(process, errand)
    if alive and killed:
        stage.tally.under[why.partition(":")[0] or "complete"] += 1
    return alive and killed


def kill_broker(stage: Stage) -> bool:
    """Kill the broker, and tell whether it lived until then."""
    pid = status(stage.settings).pid
    if pid is None:
        return False
    os.kill(pid, signal.SIGKILL)
    while status(stage.settings).running:
        time.sleep(0.02)
    return True


def _await_point(errand: Errand, process: Any, point: str) -> None:
    while process.is_alive() and point not in errand.points():
        time.sleep(0.01)


def _was_killed(process: Any) -> bool:
    return bool(process.exitcode == -signal.SIGKILL)


_KILLS = {
    RANDOM: _at_a_random_moment,
    BESIDE: _beside_a_second_run,
    BROKER: _under_a_run,
}
"""What kills where it is not done at a point."""

"""A process that does one thing after another, and is measured from outside."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks._tree import Tree, Usage

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""

END_S = 60.0
"""How long a process is given to end by itself [s]."""

Deeds = Mapping[str, Callable[..., Any]]
"""What a process can do, by name; arguments and answers are JSON's."""


@dataclass(frozen=True)
class Done:
    """A deed that was done."""

    answer: Any
    usage: Usage
    wall_s: float


class Process:
    """A process of ours that runs a module, and waits for what to do."""

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self._child = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._module = module
        self._tree = Tree(self._child.pid)

    def do(self, deed: str, **arguments: Any) -> Done:
        """Have a deed done, and measure the process and all that it starts."""
        begun = monotonic()
        with self._tree.watched() as told:
            answer = self._ask([deed, arguments])
        return Done(answer, told[0], monotonic() - begun)

    def _ask(self, line: Any) -> Any:
        write, read = self._child.stdin, self._child.stdout
        if write is None or read is None:
            raise RuntimeError("The process has no pipes.")
        write.write(json.dumps(line) + "\n")
        write.flush()
        answer = read.readline()
        if not answer:
            sys.exit(f"Error: {self._module} ended in the middle of {line[0]}.")
        return json.loads(answer)

    def end(self) -> None:
        """Have it end by itself, or kill it."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(END_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()


@contextmanager
def started(module: str, **environment: str) -> Iterator[Process]:
    """Start a process, and end it afterwards."""
    process = Process(module, environment)
    try:
        yield process
    finally:
        process.end()


def serve(deeds: Deeds) -> None:
    """Do what standard input says, line by line, and print an answer to each."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is none
    for line in sys.stdin:
        deed, arguments = json.loads(line)
        print(json.dumps(deeds[deed](**arguments)), file=answers, flush=True)

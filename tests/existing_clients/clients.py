"""What one types for each version of fink-client."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHOWS_NOTHING = """
from matplotlib import _pylab_helpers
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas
from matplotlib.backend_bases import FigureManagerBase as FigureManager

def show(*args, **kwargs):
    for manager in _pylab_helpers.Gcf.get_all_fig_managers():
        figure = manager.canvas.figure
        figure.savefig(f"figure{manager.num}.png")
        images = sum(len(axes.images) for axes in figure.axes)
        points = sum(len(line.get_xdata()) for a in figure.axes for line in a.lines)
        print("figure", manager.num, images, points)
"""
"""A backend of matplotlib that writes and counts what a window would show."""

PLAIN = """
import json, sys

def plain(found):
    json.dump(found, sys.stdout, default=lambda b: {"bytes": b.hex()})
"""
"""Prints what was found, bytes included, for `Client.python` to read."""


@dataclass(frozen=True)
class Client:
    """An environment with one version of fink-client, and the folder of its user."""

    version: str
    environment: Path
    home: Path

    @property
    def names_survey(self) -> bool:
        """Whether the survey is said on the line, and given to AlertConsumer."""
        return self.version != "8.2"

    def credentials(self, survey: str) -> Path:
        """File of the credentials that `register` writes."""
        name = f"{survey}_credentials.yml" if self.names_survey else "credentials.yml"
        return self.home / ".finkclient" / name

    def register(
        self, survey: str, topics: Sequence[str], servers: str, group: str
    ) -> None:
        """Write the user's credentials, as the manual of the version says."""
        said = {"-username": "me", "-servers": servers, "-maxtimeout": "5"}
        words = [word for pair in said.items() for word in pair]
        if self.version.startswith("12"):
            start = ["auth", "register", *self._survey(survey), "-groupid", group]
            self.run("finkctl", *start, *words)
            for topic in topics:
                line = ["topic", "subscribe", *self._survey(survey), "-name", topic]
                self.run("finkctl", *line)
        else:
            more = ["-group_id", group, "-mytopics", *topics]
            self.run("fink_client_register", *self._survey(survey), *more, *words)

    def consume(self, survey: str, *words: str) -> str:
        """Run the command that reads, and give what it prints."""
        name = ["fink_consumer"]
        if self.version.startswith("12"):
            name = ["finkctl", "stream"]
        return self.run(*name, *self._survey(survey), *words)

    def view(self, survey: str, file: Path) -> str:
        """Look at a saved alert, and give what it prints."""
        if self.version == "8.2":
            return self.run("fink_alert_viewer", "-filename", str(file))
        name = ["fink_alert_viewer"]
        if self.version.startswith("12"):  # the module has stayed, the command has not
            name = ["python", "-m", "fink_client.scripts.fink_alert_viewer"]
        return self.run(*name, *self._survey(survey), "-f", str(file))

    def python(self, code: str, *arguments: object, typed: str = "") -> Any:
        """Run a program in which `plain` tells what was found; give that."""
        script = self.home / "script.py"
        script.write_text(PLAIN + code)
        told = self.run("python", str(script), *map(str, arguments), typed=typed)
        return json.loads(told, object_hook=_bytes)

    def run(self, *words: str, typed: str = "") -> str:
        """Run a program of the environment, and refuse to fail unseen."""
        (self.home / "shows_nothing.py").write_text(SHOWS_NOTHING)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        programs = self.environment / "bin"
        done = subprocess.run(
            [programs / words[0], *words[1:]],
            cwd=self.home,
            env=kept
            | {
                "HOME": str(self.home),
                "MPLBACKEND": "module://shows_nothing",
                "PYTHONPATH": str(self.home),
                "COLUMNS": "200",
            },
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def _survey(self, survey: str) -> list[str]:
        return ["-survey", survey] if self.names_survey else []


def _bytes(found: dict[str, Any]) -> Any:
    return bytes.fromhex(found["bytes"]) if found.keys() == {"bytes"} else found

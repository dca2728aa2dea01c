"""What the documents show can be typed, followed and loaded."""

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cluster.wished import parse_wished
from nightmail.cli import nightmail
from settings import Settings
from settings.load import OTHER_VARIABLES, keys
from settings.model import ENV_PREFIX

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

DOCUMENTS = sorted(
    {
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("changes/*.md"),
        *ROOT.glob("*/README.md"),
    }
)
"""Everything written for people."""

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
"""A fenced block: its language and its text."""

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)[^)]*\)")
"""A link to a file of the repository."""

MAKE = re.compile(r"(?:^[$ ]*|`)make((?: [a-z.]+)+)", re.MULTILINE)
"""A call of make, in a block or in a sentence."""

VARIABLE = re.compile(rf"\b{ENV_PREFIX}[A-Z_]+[A-Z]\b")
"""An environment variable of ours."""

TARGETS = frozenset(
    re.findall(r"^([a-z.]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
)
"""What make knows."""

documents = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


def blocks(document: Path, *languages: str) -> Iterator[str]:
    """Yield the fenced blocks of some languages."""
    for language, text in BLOCK.findall(document.read_text(encoding="utf-8")):
        if language in languages:
            yield text


def calls(document: Path) -> Iterator[list[str]]:
    """Yield the words after `nightmail` of each call of it in a shell block."""
    for text in blocks(document, "sh", "bash", "console", "shell"):
        for line in text.replace("\\\n", " ").splitlines():
            shown = line.removeprefix("$ ").strip()
            if re.match(r"(\w+=\S* )*(\S*/)?(python -m )?nightmail\b", shown):
                yield words(shown)


def words(line: str) -> list[str]:
    """Split a call, up to where its output goes elsewhere."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found = list(lexer)
    first = next(i for i, word in enumerate(found) if word.endswith("nightmail"))
    ends = [i for i, word in enumerate(found) if set(word) <= set("|&;<>")]
    return found[first + 1 : min(ends, default=len(found))]


def understand(arguments: list[str]) -> None:
    """Parse a call as the command would, without running it; refuse as it would."""
    command: click.Command = nightmail
    context = click.Context(command, info_name="nightmail")
    while isinstance(command, click.Group):
        _, rest, _ = command.make_parser(context).parse_args(list(arguments))
        if not rest:
            return
        name, below, arguments = command.resolve_command(context, rest)
        assert below, name
        command, context = below, click.Context(below, context, name)
    command.make_parser(context).parse_args(list(arguments))


@documents
def test_links_lead_somewhere(document: Path) -> None:
    """A link to a file of the repository leads to one."""
    links = LINK.findall(document.read_text(encoding="utf-8"))

    assert [link for link in links if not (document.parent / link).exists()] == []


@documents
def test_make_knows_what_is_shown(document: Path) -> None:
    """Every target that a document names is one."""
    shown = MAKE.findall(document.read_text(encoding="utf-8"))

    named = {word for group in shown for word in group.split()}
    assert named - TARGETS == set()


@documents
def test_commands_can_be_typed(document: Path) -> None:
    """Every call of `nightmail` in a shell block is one that it understands."""
    for arguments in calls(document):
        understand(arguments)


@documents
def test_variables_are_settings(document: Path) -> None:
    """Every environment variable of ours that a document names sets something."""
    known = {ENV_PREFIX + key.replace(".", "__").upper() for key in keys()}

    named = set(VARIABLE.findall(document.read_text(encoding="utf-8")))
    assert named - known - OTHER_VARIABLES == set()


@documents
def test_settings_shown_are_valid(document: Path) -> None:
    """A TOML block is a settings file that loads; that of access.md is its own."""
    for text in blocks(document, "toml"):
        if document.name == "access.md":
            parse_wished(text, source=document.name)
        else:
            Settings.model_validate(tomllib.loads(text))


@documents
def test_python_shown_is_python(document: Path) -> None:
    """A Python block compiles."""
    for text in blocks(document, "python", "py"):
        ast.parse(text)


@pytest.mark.parametrize(
    "arguments", [["no-such-command"], ["night", "--no-such-option"]]
)
def test_what_cannot_be_typed_is_noticed(arguments: list[str]) -> None:
    """A document that showed an unknown command or option would fail."""
    with pytest.raises(click.UsageError):
        understand(arguments)

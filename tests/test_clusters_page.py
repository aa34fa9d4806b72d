"""`docs/clusters.md`: its commands are ones that there are, and what it says is printed is."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import typer.core

from orchestrator.results.cli import app as results
from orchestrator.sweep.cli import app as sweep

TOP = Path(__file__).resolve().parents[1]
PAGE = (TOP / "docs" / "clusters.md").read_text()
APPS = {"sweep": sweep, "results": results}


def _lines() -> list[str]:
    """The lines of its indented code, those that end in a backslash joined to the next."""
    code = [line[4:] for line in PAGE.splitlines() if line.startswith("    ")]
    return re.sub(r"\\\n\s*", "", "\n".join(code)).splitlines()


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Each command of the package that it gives: name and words."""
    for line in _lines():
        found = re.search(r"(?:finetune-sweep |python -m orchestrator\.)(\w+)( .*)?$", line)
        if found is not None:
            words = shlex.split(found[2] or "", comments=True)
            yield found[1], words


def _ray_commands() -> Iterator[list[str]]:
    for line in _lines():
        if line.startswith("ray start "):
            yield shlex.split(line, comments=True)[1:]


def test_it_begins_with_ten_commands() -> None:
    _, _, rest = PAGE.partition("in ten commands\n\n")
    block, _, _ = rest.partition("\n\n")
    assert len(block.splitlines()) == 10
    assert all(line.startswith("    ") for line in block.splitlines())


@pytest.mark.parametrize(("name", "words"), list(_commands()))
def test_its_commands_are_taken_as_they_stand(
    name: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = typer.main.get_command(APPS[name])
    if isinstance(command, typer.core.TyperGroup):
        verb, *words = words
        command = command.commands[verb]
    command.make_context(name, words)


def test_its_options_of_ray_start_are_rays() -> None:
    ray = Path(sys.executable).with_name("ray")
    told = subprocess.run([ray, "start", "--help"], capture_output=True, text=True, check=True)
    for words in _ray_commands():
        for word in words[1:]:
            assert word.partition("=")[0] in told.stdout


def _said() -> list[str]:
    _, _, table = PAGE.partition("## What is printed, and what to do\n")
    return re.findall(r"^\| `([^`]+)` \|", table, flags=re.MULTILINE)


@pytest.mark.parametrize("words", _said())
def test_what_it_says_is_printed_stands_in_the_sources(words: str) -> None:
    sources = [
        path
        for name in ("ray_tune", "nodes", "state", "sweep")
        for path in (TOP / "orchestrator" / name).rglob("*.py")
    ]
    # A text that goes on in the next line is one text.
    texts = [re.sub(r'"\n\s*f?"', "", path.read_text()) for path in sources]
    pieces = words.split(": it ") if ": it " in words else [words]
    assert all(any(piece in text for text in texts) for piece in pieces)


def test_the_table_of_what_is_printed_is_there() -> None:
    assert len(_said()) > 15


def test_the_files_that_it_names_are_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (TOP / "docs" / target).exists()
    for target in re.findall(r"`((?:tests|docs)/[\w./]+)`", PAGE):
        assert (TOP / target).exists()

"""A question, a path or an error with markup and control characters is shown as it is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from orchestrator.search.proposals import Proposal
from orchestrator.sweep.cli import app
from orchestrator.sweep.progress import Progress
from orchestrator.terminal.plain_console import PlainConsole
from tests.orchestrator import sweeps
from trainables.contract.visible import INVISIBLE

TEXT = "Is [4] or [/b] better, or [red]?\x1b[2J\x9b31m\u202e\r\x07"
SHOWN = r"Is [4] or [/b] better, or [red]?\x1b[2J\x9b31m\u202e\r\x07"


def _cli(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def _acting(text: str) -> set[str]:
    return set(INVISIBLE.findall(text)) - {"\n"}


@pytest.mark.parametrize("question", ["Is rank [4] or [/b] better, or [red]?", "[/]", "[link=x]a"])
def test_a_plan_shows_the_question_as_it_is(tmp_path: Path, question: str) -> None:
    file = sweeps.write(tmp_path, question=question)
    code, out, _ = _cli(str(file), "--profile", "embedded", "--plan")
    assert code == 0
    assert out.splitlines()[0] == question


def test_a_plan_shows_what_would_act(tmp_path: Path) -> None:
    file = sweeps.write(tmp_path)
    text = file.read_text().replace("Does it run?", r'"a\x1b[2J\u202e [b]"')
    file.write_text(text)
    code, out, err = _cli(str(file), "--profile", "embedded", "--plan")
    assert code == 0, err
    assert out.splitlines()[0] == r"a\x1b[2J\u202e [b]"
    assert _acting(out) == set()


@pytest.mark.parametrize("key", ["base_model", "dataset"])
def test_a_path_that_is_not_there_is_named_as_text(tmp_path: Path, key: str) -> None:
    file = sweeps.write(tmp_path, **{key: f"/nowhere/{TEXT}"})
    for options in (["--plan"], ["--root", str(tmp_path / "store")]):
        code, out, err = _cli(str(file), "--profile", "embedded", *options)
        assert (code, out) == (2, "")
        assert "[/b]" in err
        assert _acting(err) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        [f"/nowhere/{TEXT}.yaml"],
        ["FILE", "--profile", TEXT],
        ["FILE", "--set", f"{TEXT}=1"],
        ["FILE", "--set", f"question=[{TEXT}"],
        ["FILE", "--root", f"/proc/{TEXT}", "--profile", "embedded"],
    ],
)
def test_a_mistake_is_told_as_text(tmp_path: Path, arguments: list[str]) -> None:
    file = str(sweeps.write(tmp_path))
    code, out, err = _cli(*(file if word == "FILE" else word for word in arguments))
    assert code == 2
    assert err
    assert _acting(out) == _acting(err) == set()


@pytest.mark.parametrize("kind", [Console, PlainConsole])
@pytest.mark.parametrize("terminal", [False, True])
def test_progress_shows_names_and_errors_as_they_are(
    tmp_path: Path, kind: type[Console], terminal: bool
) -> None:
    console = kind(file=io.StringIO(), force_terminal=terminal, width=400)
    progress = Progress(sweeps.toy(tmp_path), "toy-1", console, lambda: 2, {}, lambda: 0.0)
    proposal = Proposal(1, 0, 0, {"technique": "lora", "data_size": 9, "target_modules": TEXT})
    row: dict[str, Any] = {"objective": None, "outcome": "failed", "error": f"Traceback\n{TEXT}"}
    progress.started(proposal)
    console.print(progress.screen())
    progress.ended(proposal, row)
    progress.news = lambda: TEXT
    progress.passed()
    console.print(progress.screen())
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert SHOWN in said
    if not terminal:
        assert _acting(said) == set()
        # What follows from a carriage return or a line feed is still of the same line.
        assert sum("failed" in line for line in said.splitlines()) == 2

"""A command that is printed is the command that was meant, whatever is in its words."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from orchestrator.terminal.commands import command, given_words
from orchestrator.terminal.options import path, whole

app = typer.Typer()


@app.command()
def _main(
    context: typer.Context,
    file: Path,
    sets: Annotated[list[str] | None, typer.Option("--set")] = None,
    root: Annotated[Path, typer.Option(parser=path)] = Path("experiments"),
    trials: Annotated[int | None, typer.Option("--trials", parser=whole(1))] = None,
    new: Annotated[bool, typer.Option("--new")] = False,
    dashboard: Annotated[bool, typer.Option("--dashboard/--no-dashboard")] = True,
) -> None:
    print(*given_words(context, without=("new",)), sep="\n")


def _given(*arguments: str) -> list[str]:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout.removesuffix("\n").split("\n")


@pytest.mark.parametrize("words", [(), ("a b",), ("it's", '"x"', "$HOME", "a;b", "*", "`c`", "~")])
def test_a_shell_reads_the_words_as_they_were(words: tuple[str, ...]) -> None:
    done = subprocess.run(
        f"set -- {command('orchestrator.results', *words)}; printf '%s\\n' \"$@\"",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[1:] == ["-m", "orchestrator.results", *words]


@given(st.lists(st.text()))
def test_every_word_is_quoted(words: list[str]) -> None:
    assert shlex.split(command("orchestrator.sweep", *words))[3:] == words


@pytest.mark.parametrize("on_path", [True, False])
def test_it_begins_with_the_interpreter_that_runs(
    monkeypatch: pytest.MonkeyPatch, on_path: bool
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: sys.executable if on_path else "/bin/python")
    first = shlex.split(command("orchestrator.results"))[0]
    assert first == ("python" if on_path else sys.executable)


def test_what_was_given_comes_back_without_what_is_left_out() -> None:
    assert _given("a file.yaml", "--new") == ["a file.yaml"]
    words = ["--set", "a=1", "--set", "b=[1, 2]", "--trials", "3", "--no-dashboard", "--new"]
    assert _given(*words, "x.yaml", "--root", "st ore") == [
        *("x.yaml", "--set", "a=1", "--set", "b=[1, 2]"),
        *("--root", "st ore", "--trials", "3", "--no-dashboard"),
    ]


def test_a_home_folder_is_spelled_out() -> None:
    assert _given("x.yaml", "--root=~/store") == ["x.yaml", "--root", str(Path.home() / "store")]

"""`finetune-sweep` and `python -m orchestrator`: one name for all commands."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from orchestrator import program
from orchestrator.errors import UserError
from orchestrator.terminal.commands import command

TOP = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())


def test_it_says_what_there_is_and_what_comes_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--help"]):
        program.run(words, "finetune-sweep")
        out = capsys.readouterr().out
        for name in (*program.COMMANDS, "rank", "smoke"):
            assert name in out
        assert max(map(len, out.splitlines())) <= 88


@pytest.mark.parametrize("name", program.COMMANDS)
def test_every_command_is_one_and_is_called_so(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.run([name, "--help"], "finetune-sweep")
    assert ended.value.code in (0, None)
    assert f"finetune-sweep {name}" in " ".join(capsys.readouterr().out.split())


def test_an_unknown_command_names_the_nearest() -> None:
    with pytest.raises(UserError, match="no command 'swep'; did you mean \"sweep\""):
        program.run(["swep"], "finetune-sweep")


def test_the_module_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "resluts"], cwd=TOP, capture_output=True, text=True
    )
    assert done.returncode == 2
    said = "python -m orchestrator has no command 'resluts'; did you mean"
    assert done.stderr == f'{said} "results"?\n'


def test_commands_are_printed_as_the_running_one_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "finetune-sweep"
    script.touch(mode=0o755)
    monkeypatch.setattr("sys.argv", [str(script)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command("orchestrator.results", "show", "a b") == "finetune-sweep results show 'a b'"
    monkeypatch.setenv("PATH", "/nowhere")
    assert command("orchestrator.sweep", "x") == f"{script} sweep x"


def test_the_installed_command_is_this_one() -> None:
    module, _, function = PROJECT["project"]["scripts"]["finetune-sweep"].partition(":")
    assert getattr(import_module(module), function) is program.main


def test_every_file_that_is_no_module_goes_into_the_wheel() -> None:
    setup = PROJECT["tool"]["setuptools"]
    included, data = setup["packages"]["find"]["include"], setup["package-data"]
    tracked = subprocess.run(
        ["git", "ls-files", "orchestrator", "trainables", "search_spaces"],
        cwd=TOP, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    files = [Path(line) for line in tracked if not line.endswith(".py")]
    assert {path.name for path in files} >= {"rank.yaml", "schema.json", "model.safetensors"}
    for path in files:
        packages = [parent for parent in path.parents if ".".join(parent.parts) in data]
        assert any(
            fnmatch.fnmatchcase(path.relative_to(parent).as_posix(), pattern)
            for parent in packages
            for pattern in data[".".join(parent.parts)]
        ), path
        assert any(fnmatch.fnmatchcase(path.parts[0], pattern) for pattern in included), path

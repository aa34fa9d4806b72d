"""A command runs however its process was started: streams closed, locales old, words no text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.terminal.process import prepare

STORE = Path(__file__).parents[2] / "data" / "store-v1"


def _run(line: str, *words: str | bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Runs the command `results` through a shell, whose line may close streams."""
    shell = f'exec "$0" -m orchestrator.results "$@" {line}'
    arguments = [sys.executable, "--root", str(STORE), *words]
    return subprocess.run(
        ["sh", "-c", shell, *arguments], capture_output=True, env={**os.environ, **environment}
    )


@pytest.mark.parametrize("line", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_fault(line: str) -> None:
    done = _run(line, "sweeps")
    assert (done.returncode, done.stderr) == (0, b"")
    assert bool(done.stdout) == (">&-" not in line.replace("2>&-", ""))


def test_a_closed_stream_is_not_taken_for_a_file(tmp_path: Path) -> None:
    done = _run(">&- 2>&-", "export", str(tmp_path / "out"), "--format", "json")
    assert done.returncode == 0
    lines = (tmp_path / "out" / "trials.json").read_text().splitlines()
    assert all(json.loads(line)["trial_id"] for line in lines)


@pytest.mark.parametrize("form", ["json", "table", "csv"])
def test_what_an_encoding_lacks_is_written_by_its_escape(form: str) -> None:
    query = "SELECT chr(233) || chr(8230) || chr(128512) AS a"
    done = _run("", "query", query, "--format", form, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u00e9\u2026\ud83d\ude00" in done.stdout
    if form == "json":
        assert json.loads(done.stdout) == [{"a": "\u00e9\u2026\U0001f600"}]


def test_a_word_that_is_no_text_is_named() -> None:
    done = _run("", "query", b"SELECT '\xff\x1b[2J'")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(rb'Word 4 of the command line, "SELECT ' + rb"'\udcff\x1b[2J'")


@pytest.mark.parametrize("given", [None, "0"])
def test_a_command_loads_no_compiler_unless_it_is_told_to(
    given: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "TORCHDYNAMO_DISABLE"
    monkeypatch.setenv(name, given or "")
    if given is None:
        monkeypatch.delenv(name)
    prepare()
    assert os.environ[name] == (given or "1")

"""Every way in which a command ends: exit code and words on standard error."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import errors
from orchestrator.errors import CommandError, ExitCode, Terminated, UserError, exit_codes, remedy
from orchestrator.outcomes.failures import AlikeFailuresError, MachineError
from orchestrator.predict import cli as predict
from orchestrator.predict.questions import QuestionsError
from orchestrator.ray_tune.access import AccessError
from orchestrator.ray_tune.placement import NoRoomError
from orchestrator.results import cli as results
from orchestrator.results.errors import ResultsError
from orchestrator.search_space import Problem, SpecError
from orchestrator.state.lock import SweepHeldError
from orchestrator.store import (
    NewerSchemaError,
    NotPublishedError,
    PublicationUnknownError,
    StoreError,
    StoreUnusableError,
    UnreadableFileError,
)
from orchestrator.store.errors import DamagedError
from orchestrator.sweep import cli as sweep
from orchestrator.sweep.run import LimitReachedError
from trainables.contract.errors import SharedError
from trainables.data.errors import DatasetError
from trainables.runtime.hub import Unavailable
from trainables.sql.database_file import DatabaseUnreadable

SAYS = "The widget is missing; name another one with --root."


class NewUserError(UserError):
    """Stands in no list."""


class NewSharedError(SharedError):
    """Stands in no list."""


class NewCommandError(CommandError):
    """Stands in no list."""


TOLD: list[tuple[Exception, int]] = [
    *(
        (kind(SAYS), 2)
        for kind in (
            *(UserError, NewUserError, NewSharedError, ResultsError, QuestionsError, AccessError),
            *(NoRoomError, SweepHeldError, StoreUnusableError, Unavailable, DatasetError),
            DatabaseUnreadable,
        )
    ),
    (SpecError([Problem("rank.yaml", 3, "x")]), 2),
    *(
        (kind(SAYS), 1)
        for kind in (
            *(CommandError, NewCommandError, StoreError, NotPublishedError, NewerSchemaError),
            *(PublicationUnknownError, UnreadableFileError, DamagedError, MachineError),
            AlikeFailuresError,
        )
    ),
    (LimitReachedError(SAYS), 3),
]

COMMANDS: dict[str, tuple[Callable[[list[str]], None], list[str]]] = {
    "sweep": (sweep.app, ["rank"]),
    "results": (results.main, ["sweeps"]),
    "predict": (predict.main, ["How many?", "--context", "CREATE TABLE t (a INT)"]),
}

Run = Callable[[BaseException], tuple[int, str, str]]


@pytest.fixture(params=list(COMMANDS))
def command(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs a command in the middle of which something is raised."""

    def run(error: BaseException) -> tuple[int, str, str]:
        def fail(*arguments: object, **options: object) -> None:
            raise error

        monkeypatch.setattr(sweep, "load", fail)
        monkeypatch.setattr(results, "select_sweeps", fail)
        monkeypatch.setattr(predict, "choose", fail)
        main, arguments = COMMANDS[request.param]
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.mark.parametrize(("error", "code"), TOLD, ids=lambda each: type(each).__name__)
def test_an_error_is_its_text_and_an_exit_code(command: Run, error: Exception, code: int) -> None:
    assert command(error) == (code, "", f"{error}\n")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "No space left on device; free some space and run the same command again."),
        (errno.EACCES, "Permission denied; change its permissions or name another place."),
        (errno.EROFS, "Read-only file system; name another place."),
    ],
)
def test_a_disk_that_refuses_is_one_line(command: Run, number: int, advice: str) -> None:
    error = OSError(number, os.strerror(number), "/tmp/somewhere")
    assert command(error) == (1, "", f"/tmp/somewhere: {advice}\n")


def test_a_signal_is_no_error(command: Run) -> None:
    code, out, err = command(KeyboardInterrupt())
    assert (code, err) == (130, "")
    assert "Traceback" not in out


@pytest.mark.parametrize(
    ("signal", "code", "word"),
    [(KeyboardInterrupt(), 130, "Interrupted"), (Terminated(), 143, "Terminated")],
)
def test_an_interrupted_sweep_says_how_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    signal: BaseException,
    code: int,
    word: str,
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise signal

    monkeypatch.setattr(sweep, "load", fail)
    with pytest.raises(SystemExit) as ended:
        sweep.app(["rank"])
    assert ended.value.code == code
    says = f"{word}. Nothing that was reported is lost; the same command continues.\n"
    assert capsys.readouterr() == (says, "")


@pytest.mark.parametrize("fault", [ZeroDivisionError("x"), FileNotFoundError(2, "x"), ValueError()])
def test_a_fault_of_the_program_keeps_its_traceback(fault: Exception) -> None:
    with pytest.raises(type(fault)), exit_codes():
        raise fault


def test_a_traceback_acts_on_no_terminal() -> None:
    program = (
        "from orchestrator.errors import exit_codes\n"
        "with exit_codes(): raise ValueError('SELECT \\x1b[2J\\u202e \\x9b31m\\nx')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):\n  File ")
    assert done.stderr.endswith("ValueError: SELECT \\x1b[2J\\u202e \\x9b31m\nx\n")


@pytest.mark.parametrize("command", ["sweep", "results", "predict"])
def test_ctrl_c_while_the_modules_are_loaded_is_no_traceback(command: str, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", f"orchestrator.{command}", "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.fixture
def full() -> Path:
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("only Linux has /dev/full")
    return device


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_an_answer_that_finds_no_space_is_one_line(full: Path, form: str) -> None:
    store = Path(__file__).parents[1] / "data" / "store-v1"
    arguments = ["--root", str(store), "sweeps", "--format", form]
    with full.open("w") as out:
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator.results", *arguments],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    says = "No space left on device; free some space and run the same command again.\n"
    assert done.stderr == says


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_reader_that_has_seen_enough_is_no_error(size: int) -> None:
    program = (
        "import sys; from orchestrator.errors import exit_codes\n"
        "sys.stdin.readline()\n"  # until nobody reads any more
        f"with exit_codes(): print('x' * {size})\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write("\n")
        process.stdin.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_the_codes_are_those_that_help_names() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "ERROR": 1,
        "USER": 2,
        "LIMIT": 3,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }


def test_every_cause_names_what_to_do() -> None:
    for number in errors._CAUSES:
        words = remedy(OSError(number, "x"), "name another folder")
        cause, _, advice = words.partition("; ")
        assert cause
        assert advice.startswith(("free some", "raise it", "change its", "name another folder"))
        assert "{" not in words
    assert remedy(OSError(errno.EROFS, "x")).endswith("; choose another folder with --root")
    assert remedy(OSError(errno.EIO, "Input/output error")) == "Input/output error (errno 5)"
    assert remedy(OSError("no number")) == "no number"

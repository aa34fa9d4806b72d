"""What the sweep command prints at its end, and with which exit code it ends."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from orchestrator.results.cli import app as results
from orchestrator.search.proposals import Numbering
from orchestrator.search_space import Sweep, load
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.sweep import result
from orchestrator.sweep.cli import app
from tests.orchestrator import sweeps
from tests.orchestrator.results.synthetic import write_trial

SPACE = {"technique": {"lora": {"rank": {"choice": [4, 8]}}}, "data_size": 100}
ERROR = "Traceback (most recent call last)\nValueError: no [b] layer\x1b[2J"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return sweeps.write(tmp_path, space=SPACE, trials=2, stopping=None, baseline=True)


def _finish(file: Path, root: Path, outcomes: Sequence[str]) -> StoredSweep:
    """Writes a final row for every trial of the sweep, as if all had run."""
    sweep: Sweep = load(file, profile="embedded")
    stored = latest(sweep, Store(root))
    numbers = [number for number, _, _ in Numbering(sweep)]
    for number, outcome in zip(numbers, ["completed", *outcomes], strict=True):
        parameters = {"technique": "lora", "rank": 4 * number, "data_size": 100}
        write_trial(
            stored.store,
            number,
            parameters if number else {"technique": "pretrained"},
            outcome,
            sweep_id=stored.id,
            trial_id=stored.trial_id(number),
            rungs=3 if outcome == "completed" else 0,
            error=ERROR if outcome == "failed" else None,
            predictions=False,
        )
    return stored


def _run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [*map(str, arguments), "--profile", "embedded"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("outcomes", [("failed", "failed"), ("failed", "stopped")])
def test_a_sweep_of_which_no_trial_completed_is_an_error(
    file: Path, tmp_path: Path, outcomes: tuple[str, str]
) -> None:
    root = tmp_path / "it's my store"
    stored = _finish(file, root, outcomes)
    code, out, err = _run(file, "--root", root)
    assert code == 1
    assert "There is no answer" in out
    counted = "2 failed" if outcomes[1] == "failed" else "1 failed, 1 stopped"
    assert f"No trial of {stored.id} completed: lora: {counted}." in err
    assert r"The last error was: ValueError: no [b] layer\x1b[2J" in err
    show, retry = (shlex.split(line) for line in err.splitlines() if line.startswith("  "))
    done = CliRunner().invoke(results, show[3:])
    assert done.exit_code == 0
    assert r"ValueError: no [b] layer\x1b[2J" in done.stdout
    assert retry[1:3] == ["-m", "orchestrator.sweep"]
    assert retry[3:] == [str(file), "--profile", "embedded", "--root", str(root), "--retry-failed"]
    planned = CliRunner().invoke(app, [*retry[3:], "--plan"])
    assert planned.exit_code == 0


def test_a_trial_that_completed_is_an_answer(file: Path, tmp_path: Path) -> None:
    _finish(file, tmp_path / "store", ("failed", "completed"))
    code, out, err = _run(file, "--root", tmp_path / "store")
    assert (code, err) == (0, "")
    assert "Best of 3 trials is lora" in out
    assert "1 run failed. Once the cause is mended, this tries them again:" in out
    retry = shlex.split(out.splitlines()[-1])
    assert retry[3:4] + retry[-1:] == [str(file), "--retry-failed"]


def test_one_that_diverged_is_a_result(file: Path, tmp_path: Path) -> None:
    stored = _finish(file, tmp_path / "store", ("diverged", "diverged"))
    code, out, err = _run(file, "--root", tmp_path / "store")
    assert code == 1
    assert f"No trial of {stored.id} completed: lora: 2 diverged." in err
    assert shlex.split(err.splitlines()[-1])[-1] == "--new"
    code, out, err = _run(file, "--root", tmp_path / "store", "--retry-failed")
    assert code == 1
    assert f"No run of {stored.id} has failed" in out


def test_what_failed_cannot_be_tried_again_in_a_new_sweep(file: Path, tmp_path: Path) -> None:
    code, _, err = _run(file, "--root", tmp_path / "store", "--retry-failed", "--new")
    assert code == 2
    assert "leave out one of them" in err
    assert not (tmp_path / "store").exists()


def test_a_sweep_of_the_untuned_model_alone_is_finished_with_it(tmp_path: Path) -> None:
    points = [{"technique": "pretrained"}]
    file = sweeps.write(
        tmp_path, space=None, trials=None, stopping=None, points=points, baseline=None, budget=None
    )
    _finish(file, tmp_path / "store", ())
    code, _, err = _run(file, "--root", tmp_path / "store")
    assert (code, err) == (0, "")


@pytest.mark.parametrize("name", ["store", "my store", "it's $HOME `x`"])
def test_the_commands_at_the_end_work_when_they_are_pasted(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = tmp_path / name
    stored = _finish(file, root, ("completed", "completed"))
    _, out, _ = _run(file, "--root", root)
    query, ask, page = (shlex.split(line) for line in out.splitlines()[-3:])
    assert query[:2] == ["duckdb", "-c"]
    assert len(duckdb.execute(query[2]).fetchall()) == 3
    done = CliRunner().invoke(results, ask[3:])
    assert done.exit_code == 0, done.output
    assert stored.trial_id(1) in done.stdout
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(results, page[3:])
    assert done.exit_code == 0, done.output
    assert stored.trial_id(1) in (tmp_path / f"{stored.id}.html").read_text(encoding="utf-8")
    shell = shutil.which("bash") or "sh"
    printed = out.splitlines()[-3].replace("duckdb -c", "printf %s", 1)
    said = subprocess.run([shell, "-c", printed], capture_output=True, text=True, check=True)
    assert said.stdout == query[2]


def test_a_profile_is_called_what_it_is(file: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    lines = (f"q{n},CREATE TABLE t{n % 50} (a INT),SELECT {n}\n" for n in range(500))
    rows.write_text("sql_prompt,sql_context,sql\n" + "".join(lines))
    code, out, err = _run(file, "--set", f"dataset={rows}", "--set", "split_by=row", "--plan")
    assert code == 0, err
    assert re.search(r"profile +embedded with your own data \(asked for", out)


def test_home_folders_may_be_meant_by_every_path(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    _finish(file, tmp_path / "store", ("completed", "completed"))
    code, out, err = _run(f"~/{file.name}", "--root=~/store")
    assert code == 0, err
    assert f"in {tmp_path / 'store'}." in out


def test_the_version_is_said() -> None:
    code, out, _ = _run("--version")
    assert (code, out.split()[0]) == (0, "finetune-sweep")


@pytest.mark.parametrize("metric", ["rouge_l", "eval_loss"])
def test_the_printed_query_gives_the_best_first_and_the_stopped_below(
    tmp_path: Path, metric: str
) -> None:
    stored = latest(sweeps.toy(tmp_path, objective={"metric": metric}), Store(tmp_path / "store"))
    ends = [("stopped", 0, 0.9), ("completed", 3, 0.3), ("stopped", 1, 0.7), ("completed", 3, 0.2)]
    for number, (outcome, rung, loss) in enumerate(ends):
        completed = outcome == "completed"
        own = {"eval_loss": loss} | ({"rouge_l": 1 - loss} if completed else {})
        stored.store.publish_trial(
            {
                "sweep_id": stored.id,
                "trial_id": stored.trial_id(number),
                "trial_number": number,
                "outcome": outcome,
                "last_rung": rung,
                "objective": own.get(metric) if completed else None,
                **own,
            }
        )
    (query,) = shlex.split(result._query(stored))
    assert [row[-2:] for row in duckdb.execute(query).fetchall()] == [
        *((0.2, "completed"), (0.3, "completed"), (0.7, "stopped"), (0.9, "stopped"))
    ]

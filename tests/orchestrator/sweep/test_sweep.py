"""The sweep command as a person meets it, with the toy learner in its trials."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from orchestrator.results.start import is_left_unfinished, start_of
from orchestrator.state.device_seconds import DeviceSeconds
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from tests.orchestrator import running, sweeps, toy


@dataclass(frozen=True)
class _Finished:
    """A sweep of everything that can happen to a trial, run to its end."""

    file: Path
    root: Path
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> _Finished:
    folder = tmp_path_factory.mktemp("run")
    # Those that are to get past their first rung have a technique of their own: early stopping
    # compares within one.
    special = {6.0: "prefix", 9.0: "lora", 8.0: "lora", 7.0: "lora", 4.0: "qlora", 3.0: "full"}
    points = [
        {"technique": technique, "data_size": 100, "learning_rate": rate}
        for rate, technique in special.items()
    ]
    file = sweeps.write(folder, points=points, limits={"heartbeat_minutes": 0.1})
    return _Finished(file, folder / "store", running.run(file, folder / "store", dashboard=True))


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_how_it_was_started_is_on_record(finished: _Finished) -> None:
    (sweep_id,) = {row["sweep_id"] for row in running.rows(finished.root, "trials")}
    start = start_of(finished.root, sweep_id)
    assert start is not None
    assert start.search_space["points"][0]["technique"] == "prefix"
    assert not is_left_unfinished(finished.root, sweep_id, start)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_trial_has_one_final_row_with_its_outcome(finished: _Finished) -> None:
    assert finished.done.returncode == 0, finished.done.stderr
    rows = running.rows(finished.root, "trials")
    assert [row["trial_number"] for row in rows] == list(range(15))
    assert [row["outcome"] for row in rows[:7]] == [
        "completed",
        "failed",
        "diverged",
        "failed",
        "out_of_memory",
        "hung",
        "completed",
    ]
    assert {row["outcome"] for row in rows[7:]} == {"completed", "stopped"}
    assert "told to fail" in str(rows[3]["error"])
    # Killed three times, each time before its second report.
    assert (rows[1]["attempts"], rows[1]["last_rung"]) == (3, 0)
    # Memory that does not suffice is asked for once more, for half the micro-batch.
    assert [row["attempts"] for row in rows[4:7]] == [2, 1, 2]
    assert "toy.py" in str(rows[5]["error"])
    assert "limits.heartbeat_minutes" in str(rows[5]["error"])
    sizes = [json.loads(rows[n]["config_json"])["parameters"]["micro_batch_size"] for n in (2, 6)]
    assert sizes[0] == 2 * sizes[1]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_person_reads_progress_result_and_how_to_query(finished: _Finished) -> None:
    said = finished.done.stdout
    assert "Profile embedded" in said
    assert "dashboard at http://127.0.0.1:" in said
    assert "ray get-auth-token" in said
    assert "15 of 15 trials" in said
    assert "duckdb -c" in said
    assert "Traceback" not in said
    assert not finished.done.stderr


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_same_command_again_adds_nothing(finished: _Finished) -> None:
    before = running.files(finished.root)
    again = running.run(finished.file, finished.root)
    assert again.returncode == 0
    assert "Starting Ray" not in again.stdout
    assert again.stdout.splitlines()[-1] == finished.done.stdout.splitlines()[-1]
    assert running.files(finished.root) == before


@contextmanager
def _held(
    folder: Path, reports: int, max_attempts: int = 3, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """A sweep of trials one at a time that goes no further than so many reports."""
    file = sweeps.write(folder, limits={"max_concurrent": 1, "max_attempts": max_attempts})
    gate = folder / "gate"
    os.mkfifo(gate)
    held = {"TOY_GATE": str(gate), "TOY_GATE_AFTER": str(reports), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        running.command(file, folder / "store"),
        cwd=running.TOP,
        env=running.environment(folder / "log") | held | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _await_reports(process, reports)
        _await(process, "starts")  # who reported waits for others, and the slot trains the next one
        records = "store/state/sweep=*/attempts/*/*-start.json"
        while len(list(folder.glob(records))) <= reports:  # said before its process has it
            assert process.poll() is None
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_terminated_sweep_goes_on_within_its_limit_of_device_hours(tmp_path: Path) -> None:
    with _held(tmp_path, reports=3) as started:
        (state,) = (tmp_path / "store" / "state").glob("sweep=*")
        record = DeviceSeconds(SweepFiles(Store(tmp_path / "store"), state.name.partition("=")[2]))
        while not record.read():  # without an end of any trial, as if the driver was killed here
            assert started.poll() is None
            time.sleep(0.05)
        started.send_signal(signal.SIGTERM)
        out, err = started.communicate(timeout=120)
    assert started.returncode == 143, err
    assert "the trials save where they are and end" in out
    assert "Terminated. Nothing that was reported is lost" in out
    # The trial that waited after its third report was saved there, beside the report's checkpoint.
    saved = {int(path.name) for path in (tmp_path / "store" / "checkpoints").glob("*/*/*")}
    assert saved - {90, 270, 810, 900} in ({1}, {91}, {271}, {811})
    assert "Traceback" not in out + err
    file, root, log = tmp_path / "toy.yaml", tmp_path / "store", tmp_path / "log"
    before = log.read_text()
    record.write(3600 * 2.0)  # more than the reports say: it was lost in crashes
    limited = running.run(file, root, log, "--hours-of-devices=2")
    assert limited.returncode == 3, limited.stderr
    assert "The limit of 2 hours of devices (--max-device-hours) was reached" in limited.stderr
    assert record.read() == 3600 * 2.0
    assert log.read_text() == before
    done = running.run(file, root, log)
    assert done.returncode == 0, done.stderr
    assert set(running.trained(log).values()) == {1}


def _await_reports(process: subprocess.Popen[str], count: int) -> None:
    for _ in range(count):
        _await(process, "reports")


def _await(process: subprocess.Popen[str], event: str) -> None:
    assert process.stdout is not None
    if not any(f" {event}: " in line for line in process.stdout):
        raise AssertionError(f"the sweep ended before: {event}")


def _trial_process(log: Path) -> psutil.Process:
    """Returns the process that made the latest report."""
    return psutil.Process(int(log.read_text().splitlines()[-1].split(" ", 1)[0]))


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(600)
def test_a_trials_process_that_is_terminated_saves_first_and_no_attempt_is_used_up(
    tmp_path: Path,
) -> None:
    log, root = tmp_path / "log", tmp_path / "store"
    with _held(tmp_path, reports=3, max_attempts=1) as started:
        process = _trial_process(log)
        process.terminate()
        _await(started, "interrupted")
        process.wait(60)
        saved = {int(path.name) for path in (root / "checkpoints").glob("*/*/*")}
        assert saved - {90, 270, 810, 900} in ({1}, {91}, {271}, {811})
        toy.open_gate(tmp_path / "gate")
        _, err = started.communicate(timeout=500)
        assert started.returncode == 0, err
    assert set(running.trained(log).values()) == {1}
    rows = running.rows(root, "trials")
    assert len(rows) == 9
    assert {row["outcome"] for row in rows} == {"completed", "stopped"}
    assert sorted(row["attempts"] for row in rows) == [*[1] * 8, 2]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(600)
def test_an_evaluation_that_is_terminated_costs_the_work_since_the_last_rung_or_is_finished(
    tmp_path: Path,
) -> None:
    file, log, root = tmp_path / "toy.yaml", tmp_path / "log", tmp_path / "store"
    with _held(tmp_path, reports=3, TOY_GATE_DEAF="1") as started:
        process = _trial_process(log)
        while process.is_running():  # the first one would wait for the evaluation, up to 20 seconds
            with contextlib.suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
                process.terminate()
                process.wait(0.2)
        _await(started, "interrupted")
        _await(started, "starts")
        started.terminate()
        (state,) = (root / "state").glob("sweep=*")
        while not (state / "stop").exists():
            assert started.poll() is None
            time.sleep(0.05)
        toy.open_gate(tmp_path / "gate")
        out, err = started.communicate(timeout=120)
        assert started.returncode == 143, err
    assert "Terminated. Nothing that was reported is lost" in out
    before = running.rows(root, "reports")
    assert len(before) == 4  # the evaluation in the driver's way was finished
    done = running.run(file, root, log)
    assert done.returncode == 0, done.stderr
    assert set(running.trained(log).values()) == {1}
    after = running.rows(root, "reports")
    assert [row for row in after if row in before] == before
    assert len({(row["trial_id"], row["rung"]) for row in after}) == len(after)
    rows = running.rows(root, "trials")
    assert {row["outcome"] for row in rows} == {"completed", "stopped"}
    assert max(row["attempts"] for row in rows) == 2


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(tmp_path: Path) -> None:
    with _held(tmp_path, reports=3) as started:
        second = running.run(tmp_path / "toy.yaml", tmp_path / "store")
        assert second.returncode == 2
        assert f"process {started.pid}" in second.stderr
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=120)
        assert started.returncode == 130, err
    assert "the same command continues" in out
    assert "Traceback" not in out + err
    done = running.run(tmp_path / "toy.yaml", tmp_path / "store", tmp_path / "log")
    assert done.returncode == 0, done.stderr
    assert "Continuing:" in done.stdout
    assert len(running.rows(tmp_path / "store", "trials")) == 9
    assert set(running.trained(tmp_path / "log").values()) == {1}


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_error_of_the_machine_stops_the_sweep_and_blames_no_trial(tmp_path: Path) -> None:
    point = {"technique": "lora", "data_size": 100, "learning_rate": 5.0}
    file = sweeps.write(tmp_path, points=[point], limits={"max_concurrent": 1})
    done = running.run(file, tmp_path / "store")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "interrupted: not finished; the next start of the sweep goes on" in done.stdout
    assert "interrupted: goes on" not in done.stdout
    assert "Traceback" not in done.stderr
    assert [row["technique"] for row in running.rows(tmp_path / "store", "trials")] == [
        "pretrained"
    ]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_sweep_whose_first_trials_all_fail_alike_stops_and_says_so(tmp_path: Path) -> None:
    sizes = range(1, 7)
    points = [{"technique": "lora", "data_size": size, "learning_rate": 8.0} for size in sizes]
    file = sweeps.write(tmp_path, points=points, trials=6, limits={"max_concurrent": 1})
    done = running.run(file, tmp_path / "store")
    assert done.returncode == 1
    assert "All 3 trials so far ended alike" in done.stderr
    assert "ValueError: the toy was told to fail" in done.stderr
    assert "Traceback (" not in done.stderr
    words = shlex.split(done.stderr.splitlines()[-1])
    shown = subprocess.run(words, cwd=running.TOP, capture_output=True, text=True, check=True)
    assert "ValueError: the toy was told to fail" in shown.stdout
    assert len(running.rows(tmp_path / "store", "trials")) == 4  # with the untuned baseline


@pytest.mark.ray
@pytest.mark.slow
def test_a_program_reads_events_and_the_answer_and_a_quiet_sweep_says_the_answer_alone(
    tmp_path: Path,
) -> None:
    file, root = sweeps.write(tmp_path, trials=2, stopping=None), tmp_path / "store"
    done = running.run(file, root, None, "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = Counter(event["event"] for event in events)
    assert (names["starts"], names["completed"], names["answer"]) == (3, 3, 1)
    assert events[-1]["event"] == "answer"
    assert events[-1]["answer"]
    last = [event for event in events if event["event"] == "completed"][-1]
    assert (last["ended"], last["runs"], last["seconds_left"]) == (3, 3, 0.0)
    again = sweeps.write(tmp_path, trials=3, stopping=None)
    quiet = running.run(again, root, None, "--quiet")
    assert quiet.returncode == 0, quiet.stderr
    assert "starts" not in quiet.stdout
    assert "Ray" not in quiet.stdout
    assert events[-1]["question"] in quiet.stdout

"""The study of a running sweep: append only, and at the end what the store has."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from typer.testing import CliRunner

from benchmarks.simulation import Clock, Simulation, Unsynced, synthetic
from orchestrator.results.cli import app
from orchestrator.results.errors import ResultsError
from orchestrator.results.optuna_follow import follow_journal
from orchestrator.state.lock import hold, is_held
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from tests.orchestrator import sweeps


@pytest.fixture
def stored(tmp_path: Path) -> StoredSweep:
    sweep = sweeps.toy(tmp_path, stopping=sweeps.BY_OBJECTIVE)
    return latest(sweep, Store(tmp_path / "store", Unsynced()))


def _load(file: Path, sweep_id: str) -> optuna.Study:
    storage = JournalStorage(JournalFileBackend(str(file)))
    return optuna.load_study(study_name=sweep_id, storage=storage)


def test_a_file_grows_with_the_sweep_and_is_only_appended_to(
    stored: StoredSweep, tmp_path: Path
) -> None:
    simulation = Simulation(stored, synthetic, slots=2, clock=Clock())
    file, said, seen = tmp_path / "study.journal", list[str](), [b""]
    states: set[TrialState] = set()
    reader: list[optuna.Study] = []
    while not stored.store.trials(stored.id):
        simulation.advance()

    def run_on() -> None:
        text = file.read_bytes()
        assert text.startswith(seen[-1])
        seen.append(text)
        if not reader:  # as a dashboard that was opened at the beginning
            reader.append(_load(file, stored.id))
        states.update(trial.state for trial in reader[0].get_trials(deepcopy=False))
        for _ in range(3):
            if not simulation.advance():
                holding.close()

    with ExitStack() as holding:
        holding.enter_context(hold(stored.files))
        answer = follow_journal(stored.root, [stored.id], file, said.append, run_on)
    assert len(seen) > 4
    assert TrialState.RUNNING in states
    assert isinstance(answer.data, dict)
    assert answer.data["trials"] == stored.sweep.runs
    assert said[0] == f"To look at it: optuna-dashboard {file}"


def test_at_the_end_the_study_is_what_one_look_would_have_written(
    stored: StoredSweep, tmp_path: Path
) -> None:
    simulation = Simulation(stored, synthetic, slots=2, clock=Clock())
    while not stored.store.trials(stored.id):
        simulation.advance()
    file, once = tmp_path / "study.journal", tmp_path / "once.journal"

    def run_on() -> None:
        for _ in range(2):
            if not simulation.advance():
                holding.close()

    with ExitStack() as holding:
        holding.enter_context(hold(stored.files))
        follow_journal(stored.root, [stored.id], file, lambda words: None, run_on)
    follow_journal(stored.root, [stored.id], once, lambda words: None)
    grown = {t.user_attrs["trial_number"]: t for t in _load(file, stored.id).trials}
    whole = {t.user_attrs["trial_number"]: t for t in _load(once, stored.id).trials}
    assert grown.keys() == whole.keys()
    for number, trial in whole.items():
        other = grown[number]
        assert (other.state, other.params) == (trial.state, trial.params)
        assert other.distributions == trial.distributions
        assert other.user_attrs == trial.user_attrs
        assert other.values == trial.values
        assert other.intermediate_values.keys() == trial.intermediate_values.keys()
        for step, value in trial.intermediate_values.items():
            assert math.isclose(other.intermediate_values[step], value)
    assert _load(file, stored.id).metric_names == ["rouge_l"]
    # One space for all that completed within a technique: the same ranges from first to last.
    ranges = {
        (name, str(distribution))
        for trial in grown.values()
        for name, distribution in trial.distributions.items()
    }
    assert len(ranges) == len({name for name, _ in ranges})


def test_a_sweep_that_does_not_run_is_written_once(stored: StoredSweep, tmp_path: Path) -> None:
    Simulation(stored, synthetic, slots=2, clock=Clock()).run()
    file = tmp_path / "study.journal"
    words = ["--root", str(stored.root), "optuna", str(file), "--follow"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "The sweep does not run any more." in done.output
    assert len(_load(file, stored.id).trials) == stored.sweep.runs


def test_a_copy_is_not_followed(stored: StoredSweep, tmp_path: Path) -> None:
    Simulation(stored, synthetic, slots=2, clock=Clock()).run()
    copy = tmp_path / "copy"
    done = CliRunner().invoke(app, ["--root", str(stored.root), "export", str(copy)])
    assert done.exit_code == 0, done.output
    with pytest.raises(ResultsError, match="is a copy, in which no sweep runs"):
        follow_journal(copy, [stored.id], tmp_path / "study.journal", print)


def test_a_lock_is_seen_while_it_is_held(stored: StoredSweep) -> None:
    assert not is_held(stored.files)
    with hold(stored.files):
        assert is_held(stored.files)
    assert not is_held(stored.files)

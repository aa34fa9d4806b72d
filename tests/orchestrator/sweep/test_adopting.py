"""What a start says of the runs that it takes over."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestrator.errors import UserError
from orchestrator.results.leaderboard import leaderboard
from orchestrator.results.selection import final_rows
from orchestrator.results.show import show
from orchestrator.results.sweeps import overview
from orchestrator.search_space import Sweep
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.sweep.adopting import planned_adoption
from orchestrator.sweep.preflight import StartOptions
from orchestrator.sweep.run import run
from orchestrator.terminal.plain_console import PlainConsole
from tests.orchestrator import sweeps
from tests.orchestrator.stand_in import Seen, instead_of_ray, run_trials


class Command:
    """The command with the stand-in for Ray Tune, on sweeps that differ in their ranks."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.root, self.started = folder, folder / "store", 0

        def run_here(stored: StoredSweep, *others: Any, **named: Any) -> None:
            instead_of_ray(stored, monkeypatch)
            seen = Seen()
            run_trials(stored, seen)
            self.started = len({number for what, number in seen.events if what == "started"})

        monkeypatch.setattr("orchestrator.sweep.run._run_trials", run_here)

    def sweep(self, *ranks: int, **changes: Any) -> Sweep:
        rates = {"uniform": [0.1, 0.9]}
        branch = {"rank": {"choice": list(ranks)}, "learning_rate": rates}
        space = {"technique": {"lora": branch}, "data_size": 100}
        return sweeps.toy(self.folder, **({"space": space, "trials": 4} | changes))

    def run(self, sweep: Sweep, **options: Any) -> str:
        out, self.started = io.StringIO(), 0
        run(sweep, self.root, PlainConsole(file=out, width=1000), StartOptions(**options))
        return out.getvalue()

    def plan(self, sweep: Sweep, **options: Any) -> str:
        return planned_adoption(sweep, self.root, None, StartOptions(**options))


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(tmp_path, monkeypatch)


def test_the_plan_and_the_first_start_say_how_many(command: Command) -> None:
    old, new = command.sweep(4, 8), command.sweep(4, 8, 16, trials=6)
    assert command.plan(old) == "none: there is nothing in the store"
    said = command.run(old)
    assert "adopted" not in said
    (sweep_id,) = ids(command)
    words = f"5 runs of {sweep_id} are adopted; 2 are left"
    assert command.plan(new) == words
    assert f"{words}.\n" in command.run(new)
    assert command.started == 2
    assert command.plan(new) == words
    assert "adopted;" not in command.run(new)  # a finished sweep is shown
    assert command.started == 0
    longer = command.sweep(4, 8, 16, trials=7)
    assert "adopted;" not in command.run(longer)
    assert command.started == 1


def test_what_is_there_already_needs_no_ray(command: Command) -> None:
    command.run(command.sweep(4, 8))
    said = command.run(command.sweep(4, 8, 16, trials=4))
    assert "are adopted; 0 are left" in said
    assert "leaderboard --sweep toy-" in said
    assert command.started == 0


def test_fresh_and_new_train_everything(command: Command) -> None:
    command.run(command.sweep(4, 8))
    new = command.sweep(4, 8, 16)
    assert command.plan(new, fresh=True) == "none, by --fresh"
    assert command.plan(new, new=True) == "none, by --new"
    assert "adopted" not in command.run(new, fresh=True)
    assert command.started == 5
    command.run(new, fresh=True)  # goes on
    command.run(new, new=True)
    assert command.started == 5


def test_a_sweep_that_began_with_them_does_not_go_on_without(command: Command) -> None:
    command.run(command.sweep(4, 8))
    command.run(command.sweep(4, 8, 16, trials=6))
    longer = command.sweep(4, 8, 16, trials=7)
    with pytest.raises(UserError, match=r"begun with runs of other sweeps, and --fresh"):
        command.run(longer, fresh=True)


def test_readers_count_a_run_once(command: Command) -> None:
    command.run(command.sweep(4, 8))
    (first,) = ids(command)
    command.run(command.sweep(4, 8, 16, trials=6))
    (adopting,) = {*ids(command)} - {first}
    both = final_rows(command.root, ids(command))
    assert len(both) == 5 + 2
    assert all(row["adopted_from"] is None for row in both)
    alone = final_rows(command.root, [adopting])
    assert len(alone) == 7
    assert sum(row["adopted_from"] is not None for row in alone) == 5
    assert len(leaderboard(command.root, adopting)) == 7
    (of_it,) = overview(command.root, [adopting]).data
    assert isinstance(of_it, dict)
    assert (of_it["trials"], of_it["adopted"], of_it["running"]) == (7, 5, 0)
    adopted = next(row for row in alone if row["adopted_from"])
    shown = io.StringIO()
    Console(file=shown, width=500).print(show(command.root, adopted).view)
    assert f"adopted from {adopted['adopted_from']}" in shown.getvalue()


def ids(command: Command) -> list[str]:
    return sorted(path.name[6:] for path in (command.root / "trials").iterdir())

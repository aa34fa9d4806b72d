"""A sweep's decisions, replayed on the recorded curves of the whole grid.

Every configuration of the grid is trained once, without Ray, and reports at the sweep's rungs what
it scores and how long it took. The sweep is then replayed: its own study proposes, its own halving
decides, one trial at a time; a trial takes as long as its recording took to the rung at which it
ends. This measures the decisions and what they save, not Ray, the store or two trials side by side.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.same_decision.decision import Ran
from benchmarks.same_decision.question import METRIC, Question
from orchestrator.search import optuna_space
from orchestrator.search.halving import Halving
from orchestrator.search.identity import configuration_id
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import Proposal, rungs, trial_configuration
from orchestrator.search.run_result import RunResult
from orchestrator.search.study import ConfigurationStudy
from orchestrator.search_space import Sweep, load
from trainables.contract.reports import RungReport


@dataclass(frozen=True)
class Point:
    """A recorded report.

    Attributes:
        rung: Examples at which it was made.
        objective: The score that decides in the end.
        loss: The validation loss, which decides before.
        error: Its standard error over the validation rows.
        elapsed: Seconds since the trial began, the scores of this rung included.
        scoring: Of these, seconds of all scores so far.
    """

    rung: int
    objective: float
    loss: float
    error: float
    elapsed: float
    scoring: float


Curve = tuple[Point, ...]


def asked(question: Question, way: str, seed: int) -> Sweep:
    """Returns the resolved search space of one of `WAYS`."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{way}.yaml"
        file.write_text(question.search_space(way, seed))
        return load(file, profile="embedded")


def record(question: Question, seed: int, folder: Path) -> dict[str, Curve]:
    """Trains what the folder lacks of the grid; returns the curves by configuration."""
    sweep = asked(question, "sweep", seed)
    assert sweep.space is not None
    curves = {}
    for number, configuration in enumerate(optuna_space.grid(sweep.space)):
        identifier = configuration_id(configuration)
        file = folder / f"recorded-{seed}" / f"{identifier}.json"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            points = _train(sweep, configuration, number)
            file.write_text(json.dumps([vars(point) for point in points]))
            print(f"seed {seed}, {number + 1} of {question.size}: {points[-1]}", flush=True)
        curves[identifier] = tuple(Point(**point) for point in json.loads(file.read_text()))
    return curves


def replay(sweep: Sweep, curves: Mapping[str, Curve]) -> Ran:
    """Returns how the sweep would have gone, one trial at a time.

    Args:
        sweep: The search, with or without early stopping.
        curves: Of every configuration that it may propose, at its rungs.
    """
    study, halving = ConfigurationStudy(sweep), Halving(sweep)
    by_loss = sweep.compared_by == "eval_loss"
    seconds, completed, errors = 0.0, {}, {}
    ran: list[Curve] = []
    identifiers: list[str] = []
    going_on: list[tuple[int, int]] = []

    def finish(number: int, outcome: str, count: int) -> None:
        told = [
            (p.rung, -p.loss if by_loss and p is not ran[number][-1] else p.objective)
            for p in ran[number][:count]
        ]
        study.finish(number, [RunResult(outcome, tuple(told))])
        halving.leave(str(number))

    while going_on or len(ran) < sweep.trials:
        number, index = going_on.pop(0) if going_on else (len(ran), 0)
        if index == 0:
            configuration = study.propose(number)
            if configuration is None:
                break
            identifiers.append(configuration_id(configuration))
            ran.append(curves[identifiers[-1]])
            halving.enter(str(number), str(configuration["technique"]))
        point = ran[number][index]
        seconds += _seconds(ran[number], index, scored=not by_loss or index == len(ran[number]) - 1)
        if index == len(ran[number]) - 1:
            completed[identifiers[number]] = point.objective
            errors[identifiers[number]] = point.error
            finish(number, "completed", index + 1)
        else:
            value = point.loss if by_loss else point.objective
            halving.report(str(number), point.rung, value, point.loss)
            if halving.verdict(str(number), point.rung) is False:
                going_on.append((number, index + 1))
        for name, rung, stopped in halving.settle():
            place = [each.rung for each in ran[int(name)]].index(rung) + 1
            if stopped:
                finish(int(name), "stopped", place)
            else:
                going_on.append((int(name), place))
    return Ran(
        seconds=seconds,
        command_seconds=None,
        without_rungs=1.0,
        completed=completed,
        errors=errors,
        trials=sweep.trials,
    )


def _seconds(curve: Curve, index: int, *, scored: bool) -> float:
    """Returns how long a trial took from the rung before; in the recording each was scored."""
    before = curve[index - 1] if index else None
    point = curve[index]
    seconds = point.elapsed - (before.elapsed if before else 0.0)
    if scored:
        return seconds
    return seconds - point.scoring + (before.scoring if before else 0.0)


def everything(curves: Mapping[str, Curve]) -> Ran:
    """Returns how running the whole grid went, one trial after another."""
    seconds = sum(curve[-1].elapsed for curve in curves.values())
    before = sum(curve[-2].scoring for curve in curves.values() if len(curve) > 1)
    return Ran(
        seconds=seconds,
        command_seconds=None,
        without_rungs=1 - before / seconds,
        completed={name: curve[-1].objective for name, curve in curves.items()},
        errors={name: curve[-1].error for name, curve in curves.items()},
        trials=len(curves),
    )


@dataclass
class _Recorder:
    points: list[Point] = field(default_factory=list)

    def rung(self, report: RungReport) -> None:
        found: dict[str, Any] = dict(report.metrics)
        self.points.append(
            Point(
                report.rung_examples,
                found[METRIC],
                found["eval_loss"],
                found[f"{METRIC}_se"],
                found["elapsed_seconds"],
                found["eval_seconds"],
            )
        )

    def test(self, predictions: list[dict[str, Any]], metrics: Any, protocol: str) -> None:
        pass

    def follow(self, rung: int) -> None:
        raise AssertionError("there is one worker")


def _train(sweep: Sweep, configuration: Configuration, number: int) -> list[Point]:
    from trainables.finetune import finetune  # imports torch, which a replay does not need

    trial = trial_configuration(sweep, Proposal(number, number, 0, configuration))
    trial = dataclasses.replace(trial, scored_rungs="all")
    recorder = _Recorder()
    finetune(trial, rungs(sweep, trial), recorder)
    return recorder.points

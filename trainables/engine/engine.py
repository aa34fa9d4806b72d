"""Trials that share a device, advanced together one optimiser step at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from trainables.contract.reports import (
    NO_TRAINING,
    Evaluation,
    EvaluationInterruptedError,
    Training,
)
from trainables.finetune import Finetuning
from trainables.passes.gradients import add_gradients
from trainables.runtime.seeding import isolated
from trainables.training.trainer import NextStep, Trainer


@dataclass
class _Member:
    """A trial on its way.

    Attributes:
        key: Its name.
        trial: The trial.
        goal: Examples that it is to advance to; None while it is nowhere to go.
        seconds: Its share of the time since it set out.
        steps: Its steps since it set out.
        shared: Trials that took these steps, itself included, summed over them.
    """

    key: str
    trial: Finetuning
    goal: int | None = None
    seconds: float = 0.0
    steps: int = 0
    shared: int = 0

    @property
    def trainer(self) -> Trainer:
        """Of a trial that trains."""
        assert self.trial.trainer is not None
        return self.trial.trainer

    @property
    def goes_on(self) -> bool:
        """Whether it has another step to take."""
        return self.goal is not None and self.trial.trainer is not None and self.trainer.goes_on


class Engine:
    """Advances whoever has joined.

    Trials that have passes of our own (`trainables.passes`), on one base, share them; any other
    takes its steps alone. A trial's numbers are its own, to rounding, whoever else is there and
    whenever they come and go; so is an error: work that fails for several is done again by halves
    of them, and fails for the one alone that it is the fault of.
    """

    def __init__(self) -> None:
        self._members: dict[str, _Member] = {}

    def join(self, key: str, trial: Finetuning) -> None:
        """Takes in a trial, which nobody else calls until it has left.

        Args:
            key: Its name here.
            trial: On the same device as the others.

        Raises:
            ValueError: There is a trial of this name.
        """
        if key in self._members:
            raise ValueError(f'There is a trial "{key}" already.')
        self._members[key] = _Member(key, trial)

    def leave(self, key: str) -> Finetuning:
        """Lets a trial go, between two steps, and returns it; the same goal takes it further."""
        member = self._members.pop(key)
        if member.goal is not None:
            _end(member)
        return member.trial

    def advance(self, key: str, to_examples: int) -> None:
        """Sets a trial out to train until it has seen so many examples in all."""
        member = self._members[key]
        member.goal, member.seconds, member.steps, member.shared = to_examples, 0.0, 0, 0
        if member.trial.trainer is not None:
            member.trial.trainer.begin(to_examples)

    def step(self) -> Mapping[str, Training | Exception]:
        """Takes one optimiser step of every trial on its way.

        Returns:
            Of each that is no longer on its way, what it has done since it set out: it has arrived,
            has diverged, or was told to end; or the error that it met.
        """
        arrived: dict[str, Training | Exception] = {}
        for pack in self._packs(key for key, each in self._members.items() if each.goes_on):
            for key, error in _take(pack).items():
                arrived[key] = error
                self._members[key].goal = None
        for key, member in self._members.items():
            if member.goal is not None and not member.goes_on:
                arrived[key] = _end(member)
        return arrived

    @property
    def on_the_way(self) -> bool:
        """Whether any trial is on its way."""
        return any(member.goal is not None for member in self._members.values())

    def evaluate(
        self,
        keys: Sequence[str],
        split: Literal["validation", "test"],
        protocol: str | None = None,
        *,
        scores: bool = True,
    ) -> Mapping[str, Evaluation | Exception]:
        """Measures trials of one sweep on the rows of a split, in passes that they share.

        Args:
            keys: Which, none of them on its way.
            split: As of `Finetuning.evaluate`.
            protocol: The same.
            scores: The same.

        Returns:
            By key what `Finetuning.evaluate` returns, or raises: an `EvaluationInterruptedError` of
            a trial that is to end.
        """
        found: dict[str, Evaluation | Exception] = {}
        for pack in self._packs(keys):
            found.update(_evaluate(pack, split, protocol, scores))
        for key, evaluation in found.items():
            if isinstance(evaluation, Evaluation):
                self._members[key].trial.evaluated(split, evaluation)
        return found

    def rehearse(self) -> None:
        """Takes the time of an evaluation of all trials on the validation rows, for its price."""
        for pack in self._packs(self._members):
            with isolated(pack[0].trial.adapted.device):
                evaluator = pack[0].trial.evaluator("validation")
                evaluator.rehearse([member.trial.adapted for member in pack])

    def _packs(self, keys: Iterable[str]) -> list[list[_Member]]:
        """Returns the trials that share passes together, and each other one alone.

        A base in four bits is another one than the same in plain numbers.
        """
        packs: dict[object, list[_Member]] = {}
        for key in keys:
            member = self._members[key]
            adapted = member.trial.adapted
            shared = key if adapted.base is None else adapted.technique.quantized
            packs.setdefault(shared, []).append(member)
        return list(packs.values())


def _end(member: _Member) -> Training:
    """Returns what a member has done since it set out."""
    assert member.goal is not None
    trainer = member.trial.trainer
    pack_size = member.shared / member.steps if member.steps else 1.0
    training = NO_TRAINING if trainer is None else trainer.end(member.seconds, pack_size)
    member.trial.arrive(member.goal, training)
    member.goal = None
    return training


def _take(pack: Sequence[_Member]) -> dict[str, Exception]:
    """Takes a step of each; returns the errors that some of them met."""
    started = time.perf_counter()
    steps = {member.key: member.trainer.next_step() for member in pack}
    tokens = sum(step.tokens for step in steps.values())
    failed = _take_together(pack, steps)
    seconds = time.perf_counter() - started
    for member in pack:
        member.seconds += seconds * steps[member.key].tokens / tokens
        member.steps += 1
        member.shared += len(pack)
    return failed


def _take_alone(member: _Member, steps: Mapping[str, NextStep]) -> dict[str, Exception]:
    """Takes a step of a trial by itself."""
    step = steps[member.key]
    try:
        with isolated(member.trial.adapted.device):
            member.trainer.take(step, member.trainer.loss(step))
    except Exception as error:
        return {member.key: error}
    return {}


def _take_together(pack: Sequence[_Member], steps: Mapping[str, NextStep]) -> dict[str, Exception]:
    """Takes a step of each in passes that they share; of one trial in whatever passes it has."""
    if len(pack) == 1:
        return _take_alone(pack[0], steps)
    adapted = pack[0].trial.adapted
    assert adapted.base is not None
    try:
        losses = add_gradients(
            adapted.base,
            [member.trainer.packed(steps[member.key]) for member in pack],
            pack[0].trainer.overhead_tokens,
        )
    except Exception:
        for member in pack:
            member.trainer.forget_gradient()
    else:
        for member, loss in zip(pack, losses, strict=True):
            member.trainer.take(steps[member.key], loss)
        return {}
    # Outside of the `except`: the error holds what it was in the midst of, which may be what there
    # was too much of.
    one, other = _halves(pack)
    return _take_together(one, steps) | _take_together(other, steps)


def _evaluate(
    pack: Sequence[_Member],
    split: Literal["validation", "test"],
    protocol: str | None,
    scores: bool,
) -> dict[str, Evaluation | Exception]:
    """Measures trials on the rows of the first, which are those of all trials of a sweep."""
    evaluator = pack[0].trial.evaluator(split, protocol)
    models = [member.trial.adapted for member in pack]
    ended: dict[str, Evaluation | Exception] = {}

    def beat() -> None:
        for member in pack:
            try:
                member.trial.after_batch()
            except EvaluationInterruptedError as error:
                ended[member.key] = error
        if ended:
            raise EvaluationInterruptedError

    try:
        with isolated(models[0].device):
            measure = evaluator.evaluate_all if scores else evaluator.measure_losses
            evaluations = measure(models, beat)
    except EvaluationInterruptedError:
        left = [[member for member in pack if member.key not in ended]]
    except Exception as error:
        if len(pack) == 1:
            return {pack[0].key: error}
        left = list(_halves(pack))
    else:
        return {member.key: found for member, found in zip(pack, evaluations, strict=True)}
    for part in filter(None, left):
        ended |= _evaluate(part, split, protocol, scores)
    return ended


def _halves(pack: Sequence[_Member]) -> tuple[list[_Member], list[_Member]]:
    middle = len(pack) // 2
    return list(pack[:middle]), list(pack[middle:])

"""Trials that share a device, advanced together one optimiser step at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from trainables.contract.reports import NO_TRAINING, Evaluation, Training
from trainables.finetune import Finetuning
from trainables.passes.gradients import add_gradients
from trainables.runtime.seeding import isolated
from trainables.training.trainer import Trainer


@dataclass
class _Member:
    """A trial on its way.

    Attributes:
        key: Its name.
        trial: The trial.
        goal: Examples that it is to advance to; None while it is nowhere to go.
        seconds: Its share of the time since it set out.
    """

    key: str
    trial: Finetuning
    goal: int | None = None
    seconds: float = 0.0


class Engine:
    """Advances whoever has joined.

    Trials that have passes of our own (`trainables.passes`), on one base, share them; any other
    takes its steps alone. A trial's numbers are its own, to rounding, whoever else is there and
    whenever they come and go.
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
        member.goal, member.seconds = to_examples, 0.0
        if member.trial.trainer is not None:
            member.trial.trainer.begin(to_examples)

    def step(self) -> Mapping[str, Training]:
        """Takes one optimiser step of every trial on its way.

        Returns:
            Of each that is no longer on its way, what it has done since it set out: it has arrived,
            has diverged, or was told to end. None are on their way if there are none and nothing
            was done.
        """
        for pack in self._packs(key for key, each in self._members.items() if _goes_on(each)):
            started = time.perf_counter()
            tokens = _take_shared(pack) if len(pack) > 1 else [_take_alone(pack[0])]
            seconds = time.perf_counter() - started
            for member, own in zip(pack, tokens, strict=True):
                member.seconds += seconds * own / sum(tokens)
        arrived: dict[str, Training] = {}
        for key, member in self._members.items():
            if member.goal is None or _goes_on(member):
                continue
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
    ) -> Mapping[str, Evaluation]:
        """Measures trials of one sweep on the rows of a split, in passes that they share.

        Args:
            keys: Which, none of them on its way.
            split: As of `Finetuning.evaluate`.
            protocol: The same.
            scores: The same.

        Returns:
            What `Finetuning.evaluate` returns, by key.

        Raises:
            EvaluationInterruptedError: One of them is to end; nothing has changed but the time.
        """
        found: dict[str, Evaluation] = {}
        for pack in self._packs(keys):
            trials = [member.trial for member in pack]
            evaluations = _evaluate(trials, split, protocol, scores)
            for member, evaluation in zip(pack, evaluations, strict=True):
                member.trial.evaluated(split, evaluation)
                found[member.key] = evaluation
        return found

    def _packs(self, keys: Iterable[str]) -> list[list[_Member]]:
        """Returns the trials that share passes together, and each other one alone."""
        members = [self._members[key] for key in keys]
        sharing = [each for each in members if each.trial.adapted.base is not None]
        alone = [[each] for each in members if each.trial.adapted.base is None]
        return ([sharing] if sharing else []) + alone


def _goes_on(member: _Member) -> bool:
    trainer = member.trial.trainer
    return member.goal is not None and trainer is not None and trainer.goes_on


def _end(member: _Member) -> Training:
    """Returns what a member has done since it set out."""
    assert member.goal is not None
    trainer = member.trial.trainer
    training = NO_TRAINING if trainer is None else trainer.end(member.seconds)
    member.trial.arrive(member.goal, training)
    member.goal = None
    return training


def _trainer(member: _Member) -> Trainer:
    assert member.trial.trainer is not None
    return member.trial.trainer


def _take_alone(member: _Member) -> int:
    """Takes a step of one trial, and returns its tokens."""
    trainer = _trainer(member)
    with isolated(member.trial.adapted.device):
        step = trainer.next_step()
        trainer.take(step, trainer.loss(step))
    return step.tokens


def _take_shared(members: Sequence[_Member]) -> list[int]:
    """Takes a step of each in passes that they share, and returns their tokens."""
    adapted = members[0].trial.adapted
    assert adapted.base is not None
    trainers = [_trainer(member) for member in members]
    steps = [trainer.next_step() for trainer in trainers]
    losses = add_gradients(
        adapted.base,
        [trainer.packed(step) for trainer, step in zip(trainers, steps, strict=True)],
        adapted.device,
        trainers[0].overhead_tokens,
    )
    for trainer, step, loss in zip(trainers, steps, losses, strict=True):
        trainer.take(step, loss)
    return [step.tokens for step in steps]


def _evaluate(
    trials: Sequence[Finetuning],
    split: Literal["validation", "test"],
    protocol: str | None,
    scores: bool,
) -> list[Evaluation]:
    """Measures trials on the rows of the first, which are those of all trials of a sweep."""
    evaluator = trials[0].evaluator(split, protocol)
    models = [trial.adapted for trial in trials]

    def beat() -> None:
        for trial in trials:
            trial.after_batch()

    with isolated(models[0].device):
        measure = evaluator.evaluate_all if scores else evaluator.measure_losses
        return measure(models, beat)

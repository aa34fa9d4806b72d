"""What memory the largest trials of a sweep take by formula, and whether the device has it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.errors import UserError
from orchestrator.price.largest import most_memory
from orchestrator.ray_tune.placement import Slots
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import CONFIRMING, Proposal, trial_configuration
from orchestrator.search_space import Sweep
from orchestrator.sweep.rows import answer_of
from orchestrator.terminal import values
from trainables.base_models.availability import is_here
from trainables.contract.configuration import BUILT_IN_MODELS, TrialConfiguration
from trainables.data.availability import is_cached
from trainables.data.locations import is_on_hub

TRIAL_MEMORY = "trainables.trial_memory"

_ROWS = "micro_batch_size"
_BATCH = "batch_size"


@dataclass(frozen=True)
class Need:
    """What a trial of one configuration takes, or a pack of such trials, in bytes.

    See `trainables.trial_memory.TrialMemory`.

    Attributes:
        configuration: As the file has it.
        is_point: Whether it is one of the file's points.
        micro_batch: Rows of a trial in a pass at most; 0 of a technique that does not train.
        together: Trials whose rows may be in one pass.
        process: The process and its libraries.
        weights: Of the model.
        moments: Of the optimiser.
        training: Gradients and activations.
        evaluation: Of an evaluation, weights and moments not counted.
        reserve: What the allocator holds beside passes, as a share of what they take.
        total: In all, at the most demanding moment.
        most: The same if a pass were full of the longest rows.
        there: What a trial may take.
        fits: The `micro_batch_size` that would fit; None where it fits as it is, 0 where none does.
        surely: Whether, if it does not fit, most batches would not.
    """

    configuration: Configuration
    is_point: bool
    micro_batch: int
    together: int
    process: int
    weights: int
    moments: int
    training: int
    evaluation: int
    reserve: float
    total: int
    most: int
    there: int
    fits: int | None
    surely: bool

    @property
    def name(self) -> str:
        """The configuration in a line."""
        return values.configuration(self.configuration)


def needs(sweep: Sweep, place: Slots) -> list[Need]:
    """Returns what the largest configurations take, the one that takes most first.

    Args:
        sweep: The resolved search space file.
        place: How trials are placed on this machine.

    Returns:
        Nothing where it is not known: base model or rows are not here yet, or the model cannot be
        counted.

    Raises:
        UserError: Rows or base model will not do.
    """
    base = sweep.base_model, sweep.base_model_revision
    is_model_here = sweep.base_model in BUILT_IN_MODELS or is_here(*base)
    if not is_model_here or (is_on_hub(sweep.dataset) and not is_cached(sweep.dataset)):
        return []
    largest = most_memory(sweep)
    trials = [
        _of_worker(trial_configuration(sweep, Proposal(CONFIRMING, None, 0, each)), place.workers)
        for each in largest
    ]
    share = place.resources.get("GPU", 1.0)
    answer = answer_of(
        TRIAL_MEMORY,
        [trial.to_dict() for trial in trials],
        *(place.kind, str(place.trials * place.workers), str(share), str(place.members)),
    )
    found = [
        _need(sweep, configuration, each)
        for configuration, each in zip(largest, answer.get("trials", ()), strict=False)
        if each["unknown"] is None
    ]
    return sorted(found, key=lambda need: need.total - need.there, reverse=True)


def check_memory(found: Sequence[Need], place: Slots) -> None:
    """Refuses a sweep of which a configuration cannot fit: its usual batches would not.

    Args:
        found: From `needs`.
        place: How trials are placed on this machine.

    Raises:
        UserError: Naming the configuration, what it takes, what there is, and what would fit.
    """
    for need in found:
        if need.fits is not None and need.surely:
            raise UserError(
                f"{_one(place)} {need.name} takes about {need.total:,} bytes"
                f" ({values.storage(need.total)}) by formula ({_parts(need)}), but"
                f" {_there(need, place)}: {_remedy(need, place)}"
            )


def describe(found: Sequence[Need], place: Slots) -> Iterator[tuple[str, str]]:
    """Yields what the trial takes that takes most, a name and words at a time.

    Args:
        found: From `needs`.
        place: How trials are placed on this machine.
    """
    if not found:
        return
    need = found[0]
    words = f"about {values.storage(need.total)}"
    if need.most > need.total:
        words += f" (up to {values.storage(need.most)} where the longest rows meet)"
    whose = need.name if place.members == 1 else f"{_one(place).lower()} {need.name}"
    words += f" for {whose}, by formula: {_parts(need)}; {_there(need, place)}"
    if need.fits is not None:
        words += f", which is too little for its longest batches: {_remedy(need, place)}"
    yield "memory", words


def _need(sweep: Sweep, configuration: Configuration, told: Mapping[str, Any]) -> Need:
    named = (name for name in Need.__annotations__ if name not in ("configuration", "is_point"))
    is_point = any(configuration == point for point in sweep.points)
    return Need(configuration, is_point, **{name: told[name] for name in named})


def _of_worker(trial: TrialConfiguration, workers: int) -> TrialConfiguration:
    """Returns the trial as one of its workers sees it: with its share of each batch."""
    batch = trial.parameters.get(_BATCH)
    if workers == 1 or not isinstance(batch, int):
        return trial
    own = math.ceil(batch / workers)
    rows = min(own, int(trial.parameters[_ROWS] or own))
    return replace(trial, parameters={**trial.parameters, _BATCH: own, _ROWS: rows})


def _one(place: Slots) -> str:
    return "A trial of" if place.members == 1 else f"A pack of {place.members} trials of"


def _parts(need: Need) -> str:
    passes = max(need.training, need.evaluation)
    parts = [("process", need.process), ("weights", need.weights)]
    if need.micro_batch:
        rows = "a row" if need.micro_batch == 1 else f"{need.micro_batch:,} rows"
        if need.together > 1:
            rows += f" of each of {need.together} trials"
        parts += [
            ("AdamW's moments", need.moments),
            (f"gradients and activations of {rows}", need.training),
        ]
    if need.reserve:
        parts.append(("held by the allocator", round(need.reserve * passes)))
    parts.append(("or in an evaluation" if need.micro_batch else "evaluation", need.evaluation))
    return ", ".join(f"{name} {values.storage(count)}" for name, count in parts if count)


def _there(need: Need, place: Slots) -> str:
    if place.kind == "cpu":
        at_a_time = place.trials * place.workers
        each = f" for each of {at_a_time} processes at a time" if at_a_time > 1 else ""
        return f"this machine has {need.there:,} bytes ({values.storage(need.there)}){each}"
    return f"the device has {need.there:,} bytes ({values.storage(need.there)}) for it"


def _remedy(need: Need, place: Slots) -> str:
    technique = need.configuration["technique"]
    if need.fits:
        key = "its point" if need.is_point else f"space.technique.{technique}"
        return f"{_ROWS} {need.fits} fits; set it in {key} (it is {need.micro_batch:,})."
    fewer = ""
    if place.members > 1:
        fewer = " or a smaller pack (resources.pack)"
    elif place.kind == "cpu" and place.trials > 1:
        fewer = " or fewer trials at a time (limits.max_concurrent)"
    no_size = f"no {_ROWS} fits; " if need.micro_batch else ""
    return f"{no_size}take a smaller base model{fewer}."

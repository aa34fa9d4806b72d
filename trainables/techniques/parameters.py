"""Which parameters each technique has: their types, ranges, defaults and consequences.

Standard library only, so that a search space is checked without loading torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from trainables.contract.configuration import Scalar
from trainables.contract.errors import nearest

LINEAR_LAYERS = ("q", "k", "v", "o", "wi_0", "wi_1", "wo")
"""The linear layers of a T5 block with a gated feed-forward: attention, then feed-forward."""

ALL_LINEAR_LAYERS = "all"

_KIND_NAMES = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a technique.

    Attributes:
        name: As written in a search space file.
        kind: The type of its values; a float also takes whole numbers, nothing else converts.
        default: Its value when the file does not say; None if it follows from other parameters.
        description: What it does, its unit, and what a higher value brings and costs.
        minimum: Smallest value, itself allowed unless `exclusive_minimum`.
        maximum: Largest value, itself allowed unless `exclusive_maximum`.
        exclusive_minimum: Values must be above `minimum`.
        exclusive_maximum: Values must be below `maximum`.
        choices: If not empty, the only values.
        items: If not empty, the value is a comma-separated list of distinct names among these, or
            one of `choices`.
    """

    name: str
    kind: type[int] | type[float] | type[str] | type[bool]
    default: Scalar
    description: str
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    choices: tuple[Scalar, ...] = ()
    items: tuple[str, ...] = ()

    def check(self, value: object) -> str | None:
        """Says what is wrong with a value.

        Args:
            value: The value as parsed; None only stands for a default of None.

        Returns:
            The problem, to be read after the parameter's name ("is 0, but must be >= 1"), or None.
        """
        if value is None and self.default is None:
            return None
        if not self._has_kind(value):
            return f"is {value!r}, but must be {_KIND_NAMES[self.kind]}"
        if isinstance(value, float) and not math.isfinite(value):
            return f"is {value}, but must be finite"
        if self.items:
            return self._check_items(str(value))
        if self.choices and value not in self.choices:
            return f"is {value!r}, but must be one of {', '.join(map(str, self.choices))}"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._check_range(value)
        return None

    def _has_kind(self, value: object) -> bool:
        if isinstance(value, bool):  # a bool is an int to Python, not to a person
            return self.kind is bool
        if self.kind is float:
            return isinstance(value, (int, float))
        return isinstance(value, self.kind)

    def _check_range(self, value: float) -> str | None:
        if self.minimum is not None:
            below = value <= self.minimum if self.exclusive_minimum else value < self.minimum
            if below:
                rule = ">" if self.exclusive_minimum else ">="
                return f"is {value}, but must be {rule} {self.minimum:g}"
        if self.maximum is not None:
            above = value >= self.maximum if self.exclusive_maximum else value > self.maximum
            if above:
                rule = "<" if self.exclusive_maximum else "<="
                return f"is {value}, but must be {rule} {self.maximum:g}"
        return None

    def _check_items(self, value: str) -> str | None:
        if value in self.choices:
            return None
        names = split(value)
        unknown = [name for name in names if name not in self.items]
        if unknown or not names:
            alternatives = "".join(f', or "{choice}"' for choice in self.choices)
            return (
                f'is "{value}", but must be a comma-separated list of '
                f"{', '.join(self.items)}{alternatives}"
            )
        if len(set(names)) < len(names):
            return f'is "{value}", but must name each layer once'
        return None


def split(names: str) -> tuple[str, ...]:
    """Returns the names of a comma-separated list, without surrounding blanks."""
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _table(*parameters: Parameter) -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in parameters}


def _optimisation(learning_rate: float, weight_decay: float) -> tuple[Parameter, ...]:
    """The parameters of every technique that trains, with the defaults that differ."""
    return (
        Parameter(
            "learning_rate",
            float,
            learning_rate,
            "Peak step size of AdamW. Higher learns faster, until the loss rises or becomes NaN; "
            "adapters need ten to a thousand times the rate of full fine-tuning.",
            minimum=0.0,
            maximum=10.0,
            exclusive_minimum=True,
        ),
        Parameter(
            "batch_size",
            int,
            16,
            "Examples in one optimiser step. Higher means fewer, less noisy steps in the same "
            "budget of examples.",
            minimum=1,
            maximum=65536,
        ),
        Parameter(
            "micro_batch_size",
            int,
            None,
            "At most this many examples in one forward pass; gradients are accumulated up to "
            "batch_size. Lower saves memory and takes longer; of the results it changes only "
            "what dropout draws. Default: batch_size.",
            minimum=1,
            maximum=65536,
        ),
        Parameter(
            "weight_decay",
            float,
            weight_decay,
            "Decoupled weight decay of AdamW, per step and unit of learning rate. Higher keeps "
            "trained weights nearer to zero.",
            minimum=0.0,
            maximum=1.0,
        ),
        Parameter(
            "warmup",
            float,
            0.02,
            "Fraction of the budget over which the rate rises linearly from 0 to its peak. Higher "
            "is steadier at large rates and leaves less budget at the peak.",
            minimum=0.0,
            maximum=0.5,
        ),
        Parameter(
            "schedule",
            str,
            "warmup_stable_decay",
            "What the rate does after the warm-up: stay, then fall to 0 over the last 20 % of the "
            "budget; fall linearly to 0 from the start (rungs then compare unfairly); or stay.",
            choices=("warmup_stable_decay", "linear", "constant"),
        ),
        Parameter(
            "gradient_clipping",
            float,
            1.0,
            "Largest global norm of the gradient; larger ones are scaled down to it. Higher clips "
            "less.",
            minimum=0.0,
            exclusive_minimum=True,
        ),
    )


# Not for prefix tuning: PEFT hands the prefix over as a key-value cache, which checkpointing drops.
_GRADIENT_CHECKPOINTING = Parameter(
    "gradient_checkpointing",
    bool,
    False,
    "Recompute activations in the backward pass: about a third slower, much less memory, the same "
    "results.",
)

_LOW_RANK = (
    Parameter(
        "rank",
        int,
        8,
        "Rank of each layer's update. Higher can express more and costs parameters and memory in "
        "proportion.",
        minimum=1,
        maximum=1024,
    ),
    Parameter(
        "alpha",
        int,
        None,
        "The update is scaled by alpha / rank. Higher acts like a higher learning rate. Default: "
        "twice the rank.",
        minimum=1,
        maximum=65536,
    ),
    Parameter(
        "dropout",
        float,
        0.05,
        "Probability that an input of an adapter is zeroed in training. Higher overfits less and "
        "learns more slowly.",
        minimum=0.0,
        maximum=1.0,
        exclusive_maximum=True,
    ),
    Parameter(
        "target_modules",
        str,
        "q,v",
        "Linear layers that get an adapter. More layers express more and cost parameters and time.",
        choices=(ALL_LINEAR_LAYERS,),
        items=LINEAR_LAYERS,
    ),
)

# Learning rates for flan-t5-large. Full: the T5 authors' 1e-3 is for Adafactor; with AdamW 1e-4 is
# the usual figure. LoRA and QLoRA: ten times that. Prefix: the rate of PEFT's own T5 example.
TECHNIQUES: dict[str, dict[str, Parameter]] = {
    "pretrained": {},
    "full": _table(*_optimisation(learning_rate=1e-4, weight_decay=0.01), _GRADIENT_CHECKPOINTING),
    "lora": _table(
        *_LOW_RANK, *_optimisation(learning_rate=1e-3, weight_decay=0.0), _GRADIENT_CHECKPOINTING
    ),
    "qlora": _table(
        *_LOW_RANK, *_optimisation(learning_rate=1e-3, weight_decay=0.0), _GRADIENT_CHECKPOINTING
    ),
    "prefix": _table(
        Parameter(
            "virtual_tokens",
            int,
            20,
            "Trained key and value vectors put before every decoder layer's own. Higher can "
            "express more and costs attention time.",
            minimum=1,
            maximum=1024,
        ),
        Parameter(
            "projection",
            bool,
            False,
            "Compute the prefix from an embedding through a two-layer network while training: "
            "steadier at small rates, many times the trainable parameters.",
        ),
        *_optimisation(learning_rate=1e-2, weight_decay=0.0),
    ),
}
"""Technique name -> its parameters by name, in the order in which techniques are always listed."""


def complete(technique: str, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Fills in every parameter that is not given.

    Args:
        technique: One of `TECHNIQUES`.
        given: The parameters that were chosen, by name.

    Returns:
        Every parameter of the technique, in its order, none of them None: `alpha` is twice the rank
        and `micro_batch_size` at most `batch_size`.

    Raises:
        ValueError: The technique is unknown, or parameters are unknown or invalid; the message
            lists all of them.
    """
    if technique not in TECHNIQUES:
        raise ValueError(
            f'The technique is "{technique}", but must be one of {", ".join(TECHNIQUES)}.'
        )
    parameters = TECHNIQUES[technique]
    problems = [_unknown(technique, name) for name in given if name not in parameters]
    for name, value in given.items():
        if name in parameters and (problem := parameters[name].check(value)):
            problems.append(f"{technique}.{name} {problem}.")
    if problems:
        raise ValueError(" ".join(problems))
    values = {name: given.get(name, parameter.default) for name, parameter in parameters.items()}
    for name, parameter in parameters.items():
        value = values[name]
        if parameter.kind is float and isinstance(value, int):
            values[name] = float(value)
    if values.get("alpha", 0) is None:
        values["alpha"] = 2 * _integer(values["rank"])
    if "micro_batch_size" in values:
        batch_size = _integer(values["batch_size"])
        micro = values["micro_batch_size"]
        values["micro_batch_size"] = (
            batch_size if micro is None else min(_integer(micro), batch_size)
        )
    return values


def _unknown(technique: str, name: str) -> str:
    names = list(TECHNIQUES[technique])
    if not names:
        return f'{technique} has no parameter "{name}": it has none, because it does not train.'
    near = nearest(name, names)
    hint = f' Did you mean "{near}"?' if near else f" It has {', '.join(names)}."
    return f'{technique} has no parameter "{name}".{hint}'


def _integer(value: Scalar) -> int:
    assert isinstance(value, int)  # the parameter's kind, checked above
    return value

"""Says what of a trial does not fit its base model, from the model's config.json alone.

Standard library only: asked before anything starts, and again by each trial.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trainables.contract.configuration import TrialConfiguration
from trainables.families.architecture import Config
from trainables.families.registry import architecture_of, family_of
from trainables.families.target_modules import chosen

SLACK = 16
"""New tokens allowed beyond the longest reference, so that a longer answer is seen to be longer."""
NOTEBOOK_TOKENS = 256
"""New tokens allowed in the study."""


@dataclass(frozen=True)
class Lengths:
    """The longest rows that a trial makes.

    Attributes:
        source: `lengths.source`.
        target: `lengths.target`.
        by_notebook: Whether answers are also written by the study's protocol.
        virtual_tokens: Of a prefix; 0 without one.
    """

    source: int
    target: int
    by_notebook: bool = False
    virtual_tokens: int = 0

    @property
    def answer(self) -> int:
        """The most tokens that an answer may have."""
        return max(self.target + SLACK, NOTEBOOK_TOKENS if self.by_notebook else 0)

    def answer_room(self, config: Config) -> int | None:
        """Returns how many tokens an answer may have; None where any number will do.

        Args:
            config: The model's.

        Raises:
            UnknownArchitecture: No family knows the model.
        """
        positions = architecture_of(config).positions(config)
        if positions is None:
            return None
        beside = self.source if family_of(config).one_row else 0
        return positions - beside - self.virtual_tokens

    @classmethod
    def of(cls, configuration: TrialConfiguration) -> Lengths:
        """Returns those of a trial."""
        virtual = configuration.parameters.get("virtual_tokens")
        return cls(
            configuration.source_tokens,
            configuration.target_tokens,
            configuration.protocol != "standard",
            int(virtual) if isinstance(virtual, int) else 0,
        )


def too_long(lengths: Lengths, config: Config, name: str) -> Iterator[str]:
    """Yields what is longer than the positions of a model, naming key, value, limit and remedy.

    Args:
        lengths: Of a trial.
        config: The model's.
        name: As the user gave it.

    Raises:
        UnknownArchitecture: No family knows the model.
    """
    positions = architecture_of(config).positions(config)
    if positions is None:
        return
    has = f'but the base model "{name}", a {config["model_type"]}, has {positions:,} positions'
    if not family_of(config).one_row and lengths.source > positions:
        yield f"lengths.source is {lengths.source:,}, {has}: take at most {positions:,}."
    excess = lengths.answer - (lengths.answer_room(config) or 0)
    if excess > 0:
        yield f"{_in_one_row(lengths, config)}, {has}: {_remedy(lengths, config, excess)}."


def _in_one_row(lengths: Lengths, config: Config) -> str:
    """Returns what stands in one row of positions, in words."""
    parts = {"lengths.source": lengths.source} if family_of(config).one_row else {}
    answer = f"an answer by the notebook's protocol, {NOTEBOOK_TOKENS}"
    if lengths.answer == lengths.target + SLACK:
        parts["lengths.target"] = lengths.target
        answer = f"the {SLACK} by which an answer may be longer"
    if lengths.virtual_tokens:
        parts["virtual_tokens"] = lengths.virtual_tokens
    words = [f"{key} {value:,}" for key, value in parts.items()] + [answer]
    total = lengths.virtual_tokens + lengths.answer + parts.get("lengths.source", 0)
    return f"{' and '.join(words)} make {total:,} tokens"


def _remedy(lengths: Lengths, config: Config, excess: int) -> str:
    """Returns how to save so many tokens, in words."""
    keys = {"virtual_tokens": lengths.virtual_tokens}
    if family_of(config).one_row:
        keys["lengths.source"] = lengths.source
    if lengths.answer == lengths.target + SLACK:
        keys["lengths.target"] = lengths.target
    ways = [f"{key} at most {v - excess:,}" for key, v in sorted(keys.items()) if v > excess]
    return f"take {' or '.join(ways)}" if ways else f"take {excess:,} fewer of them together"


def absent_layers(values: Iterable[str], config: Config, name: str) -> Iterator[str]:
    """Yields which values of `target_modules` name a layer that a model does not have.

    Args:
        values: Of `target_modules`.
        config: The model's.
        name: As the user gave it.

    Raises:
        UnknownArchitecture: No family knows the model.
    """
    layers = architecture_of(config).linear_layers(config)
    for value in values:
        try:
            chosen(value, layers, f'the base model "{name}", a {config["model_type"]}')
        except ValueError as error:
            yield str(error)

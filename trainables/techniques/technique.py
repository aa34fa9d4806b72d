"""What a technique says of itself, and what it does to a base model.

Standard library only, and so is each technique's own file until a model is at hand: whoever checks
a search space reads the declarations in a process that must not load torch. The methods that touch
a model import torch and PEFT themselves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from trainables.contract.configuration import Scalar
from trainables.contract.errors import nearest
from trainables.techniques.parameter import Parameter

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

    from trainables.passes.parts import Adapter


class Technique(ABC):
    """How a base model is made trainable. Has no state of its own.

    Attributes:
        name: As in search space files and in the store.
        parameters: By name, in the order in which they are always listed; one that follows another
            stands after it.
        trains: Whether anything is trained; if not, the model is the base model.
        trains_base: Whether the base's own weights are trained, so that they must be float32 and a
            checkpoint holds whole weights, not an adapter in PEFT's format.
        quantized: Whether the base's linear layers are stored in four bits.
        mergeable: Whether whole weights can be written that do what the trained model does.
        shares_passes_on: Kinds of devices on which its trials can share passes of our own
            (`trainables.passes`), where the base model has them: it trains low-rank updates or a
            prefix. Not on Metal, where they were never tried.
    """

    name: ClassVar[str]
    parameters: ClassVar[Mapping[str, Parameter]]
    trains: ClassVar[bool] = True
    trains_base: ClassVar[bool] = False
    quantized: ClassVar[bool] = False
    mergeable: ClassVar[bool] = True
    shares_passes_on: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def adapt(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> nn.Module:
        """Makes a base model trainable, in place.

        Args:
            base: The model as loaded; used by nobody else.
            parameters: Every parameter of the technique, as `complete` returns them.

        Returns:
            The module to train and to generate with; new weights are drawn from torch's CPU
            generator, on every device.

        Raises:
            ValueError: The parameters do not fit this base model.
        """

    @abstractmethod
    def is_trained(self, name: str) -> bool:
        """Returns whether the adapted module's parameter of this name is to be trained."""

    @abstractmethod
    def expected(self, base: PreTrainedModel, parameters: Mapping[str, Scalar]) -> int:
        """Returns how many weights are to be trained, computed from the base's dimensions alone."""

    def beside_adapter(self, model: nn.Module) -> Mapping[str, nn.Module]:
        """Returns what PEFT's format of an adapter lacks and training cannot go on without.

        Args:
            model: What `adapt` returned.

        Returns:
            Name of a file beside the adapter -> the module whose weights it holds. If there is
            any, all trained weights are in them.
        """
        return {}

    def adapter(self, model: nn.Module) -> Adapter:
        """Returns what is trained beside the base, as far as passes of our own have it.

        Args:
            model: What `adapt` returned.
        """
        from trainables.passes.parts import Adapter

        return Adapter()

    def complete(self, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Fills in every parameter that is not given.

        Args:
            given: The parameters that were chosen, by name.

        Returns:
            Every parameter of the technique, in its order, none of them None.

        Raises:
            ValueError: Parameters are unknown or invalid; the message lists all of them.
        """
        problems = [self._unknown(name) for name in given if name not in self.parameters]
        for name, value in given.items():
            if name in self.parameters and (problem := self.parameters[name].check(value)):
                problems.append(f"{self.name}.{name} {problem}.")
        if problems:
            raise ValueError(" ".join(problems))
        values: dict[str, Scalar] = {}
        for name, parameter in self.parameters.items():
            values[name] = parameter.settle(given.get(name), values)
        return values

    def _unknown(self, name: str) -> str:
        if not self.parameters:
            return f'{self.name} has no parameter "{name}": it has none, because it does not train.'
        near = nearest(name, self.parameters)
        hint = f' Did you mean "{near}"?' if near else f" It has {', '.join(self.parameters)}."
        return f'{self.name} has no parameter "{name}".{hint}'

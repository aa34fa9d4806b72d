"""AdamW over the trained weights, with clipping, and its state as named tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn


class Optimizer:
    """AdamW (Loshchilov and Hutter 2019) as the techniques need it.

    Weight decay leaves out biases, normalisation weights (all that has fewer than two dimensions)
    and embeddings, the prefix of prefix tuning among them.

    Args:
        model: Its parameters that require gradients are optimised.
        weight_decay: Per step and unit of learning rate.
        gradient_clipping: Largest global norm of the gradient.
    """

    def __init__(self, model: nn.Module, *, weight_decay: float, gradient_clipping: float) -> None:
        embeddings = {
            id(parameter)
            for module in model.modules()
            if isinstance(module, nn.Embedding)
            for parameter in module.parameters(recurse=False)
        }
        self._named = {n: p for n, p in model.named_parameters() if p.requires_grad}
        decayed = [p for p in self._named.values() if p.ndim >= 2 and id(p) not in embeddings]
        rest = [p for p in self._named.values() if p.ndim < 2 or id(p) in embeddings]
        groups = [
            {"params": decayed, "weight_decay": weight_decay},
            {"params": rest, "weight_decay": 0.0},
        ]
        self._clipping = gradient_clipping
        # One fused kernel instead of ten a parameter: adapters are many small matrices.
        self._adamw = torch.optim.AdamW(
            [group for group in groups if group["params"]], lr=0.0, fused=True
        )

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The trained parameters, in the order of the model."""
        return list(self._named.values())

    def step(self, learning_rate: float) -> torch.Tensor:
        """Clips the accumulated gradient, takes one step at this rate and clears the gradient.

        A gradient that is not finite makes the weights so: the next loss tells.

        Returns:
            The global norm of the gradient before it was clipped, a scalar on the device.
        """
        norm = nn.utils.clip_grad_norm_(self.parameters, self._clipping)
        for group in self._adamw.param_groups:
            group["lr"] = learning_rate
        self._adamw.step()
        self.forget_gradient()
        return norm

    def forget_gradient(self) -> None:
        """Clears the accumulated gradient."""
        self._adamw.zero_grad(set_to_none=True)

    def state(self) -> dict[str, torch.Tensor]:
        """Returns the moments and step counts as `<parameter>/<name>` -> tensor."""
        return {
            f"{name}/{key}": value
            for name, parameter in self._named.items()
            for key, value in self._adamw.state.get(parameter, {}).items()
        }

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Takes over what `state` returned.

        Raises:
            KeyError: A tensor belongs to a parameter that is not trained here.
        """
        self._adamw.state.clear()
        for full_name, value in state.items():
            name, _, key = full_name.rpartition("/")
            parameter = self._named[name]
            moments = self._adamw.state.setdefault(parameter, {})
            moments[key] = value.to(device=parameter.device, dtype=torch.float32, copy=True)

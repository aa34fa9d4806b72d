"""Frozen linear layers, and beside them the low-rank updates of whoever has rows in the pass.

Layers that read the same input are one matrix product. An update is computed for its member's rows
alone (Hu et al. 2021, LoRA). One node of the graph does it all: it keeps the input once, not once
an update, of dropout only which numbers were kept, and no weights that were unpacked from four
bits: those are unpacked again on the way back, once for all members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from trainables.passes import grouped
from trainables.passes.dropout import Place, dropped, least
from trainables.passes.frozen_weight import FrozenWeight, outputs_of
from trainables.passes.parts import Parts


@dataclass(frozen=True)
class _Product:
    """One update within a pass.

    Attributes:
        tokens: Its rows of the input, as [tokens, inputs].
        outputs: Its columns of the output.
        scale: Of the update, made up for what dropout takes away.
    """

    tokens: slice
    outputs: slice
    scale: float


class FrozenLayers:
    """Linear layers without a bias that read the same input.

    Args:
        weights: Of each, by the full name of the layer; see `FrozenWeight`.
        first: Number of the first one's place, for dropout; the others' follow.
    """

    def __init__(self, weights: Mapping[str, torch.Tensor], first: int) -> None:
        self._weight = FrozenWeight(list(weights.values()))
        self._sizes = [outputs_of(weight) for weight in weights.values()]
        self._places: dict[str, tuple[Place, slice]] = {}
        start = 0
        for number, (name, size) in enumerate(zip(weights, self._sizes, strict=True), first):
            self._places[name] = Place(number), slice(start, start + size)
            start += size

    def __call__(
        self, inputs: torch.Tensor, parts: Parts, tokens: torch.Tensor | None
    ) -> Sequence[torch.Tensor]:
        """Returns the output of each layer, [b, length, its outputs].

        Args:
            inputs: [b, length, inputs].
            parts: Whose rows they are.
            tokens: [b, length], the keys of dropout; None for no dropout.
        """
        if grouped.suits(inputs, self._sizes):
            output = self._grouped(inputs, parts, tokens)
        else:
            output = self._one_after_another(inputs, parts, tokens)
        return torch.split(output, self._sizes, dim=-1)

    def _one_after_another(
        self, inputs: torch.Tensor, parts: Parts, tokens: torch.Tensor | None
    ) -> torch.Tensor:
        """Returns the joint output, each update computed by products of its own."""
        length = inputs.shape[1]
        products: list[_Product] = []
        matrices: list[torch.Tensor] = []
        kept: list[torch.Tensor | None] = []
        for part in parts:
            of_part = slice(part.rows.start * length, part.rows.stop * length)
            for name, (place, outputs) in self._places.items():
                update = part.updates.get(name)
                if update is None:
                    continue
                rate = 0.0 if tokens is None else update.dropout
                products.append(_Product(of_part, outputs, update.scale / (1.0 - rate)))
                matrices += (update.down, update.up)
                if tokens is None or rate == 0.0:
                    kept.append(None)
                else:
                    own = tokens[part.rows].reshape(-1)
                    kept.append(place.keep(own, inputs.shape[-1], rate))
        if not products and not self._weight.is_packed:
            return functional.linear(inputs, self._weight.read())
        output: torch.Tensor = _Updated.apply(  # type: ignore[no-untyped-call]
            inputs, self._weight, products, kept, *matrices
        )
        return output

    def _grouped(
        self, inputs: torch.Tensor, parts: Parts, tokens: torch.Tensor | None
    ) -> torch.Tensor:
        """Returns the joint output, the updates of all members computed together."""
        layers = []
        for name, (place, outputs) in self._places.items():
            updates = [part.updates.get(name) for part in parts]
            if not any(updates):
                continue
            rates = [0.0 if tokens is None or u is None else u.dropout for u in updates]
            stack = parts.once(
                (id(self), name, tokens is None),
                partial(grouped.Stack.of, updates, rates, self._weight.dtype),
            )
            kept = None
            if tokens is not None and any(rates):
                bounds = parts.of_each_row([least(rate) for rate in rates], tokens.device)
                kept = place.keep_from(tokens, inputs.shape[-1], bounds[:, None, None]).flatten(
                    0, 1
                )
            layers.append(grouped.Layer(outputs, stack, kept))
        if not layers:
            return self._one_after_another(inputs, Parts([]), None)
        ends = parts.ends(inputs.shape[1], inputs.device)
        return grouped.updated(inputs, self._weight, ends, layers)


class _Updated(torch.autograd.Function):
    """The frozen product and every update of a pass."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: torch.Tensor,
        frozen: FrozenWeight,
        products: Sequence[_Product],
        kept: Sequence[torch.Tensor | None],
        *matrices: torch.Tensor,
    ) -> torch.Tensor:
        output = functional.linear(inputs, frozen.read())
        flat, written = inputs.reshape(-1, inputs.shape[-1]), output.view(-1, output.shape[-1])
        narrow = []
        for product, kept_here, down, up in zip(
            products, kept, matrices[::2], matrices[1::2], strict=True
        ):
            small = dropped(flat[product.tokens], kept_here) @ down.to(frozen.dtype).t()
            written[product.tokens, product.outputs].addmm_(
                small, up.to(frozen.dtype).t(), alpha=product.scale
            )
            narrow.append(small)
        ctx.save_for_backward(inputs, *matrices, *narrow, *kept)
        ctx.frozen, ctx.products = frozen, products
        return output

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        products: Sequence[_Product] = ctx.products
        inputs, *others = ctx.saved_tensors
        count = len(products)
        matrices, others = others[: 2 * count], others[2 * count :]
        narrow, kept = others[:count], others[count:]
        flat = inputs.reshape(-1, inputs.shape[-1])
        arriving = gradient.reshape(-1, gradient.shape[-1])
        passed_on = arriving @ ctx.frozen.read() if ctx.needs_input_grad[0] else None
        found: list[torch.Tensor] = []
        for product, small, kept_here, down, up in zip(
            products, narrow, kept, matrices[::2], matrices[1::2], strict=True
        ):
            own = arriving[product.tokens, product.outputs]
            through = own @ (product.scale * up).to(ctx.frozen.dtype)
            given = dropped(flat[product.tokens], kept_here)
            found.append((through.t() @ given).to(down.dtype))
            found.append((own.t() @ small).to(up.dtype) * product.scale)
            if passed_on is not None:
                back = through @ down.to(ctx.frozen.dtype)
                passed_on[product.tokens] += dropped(back, kept_here)
        if passed_on is not None:
            passed_on = passed_on.view_as(inputs)
        return passed_on, None, None, None, *found

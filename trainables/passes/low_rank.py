"""Frozen linear layers, and beside them the low-rank updates of whoever has rows in the pass.

Layers that read the same input are one matrix product. An update is computed for its member's rows
alone (Hu et al. 2021, LoRA). One node of the graph does it all: it keeps the input once, not once
an update, of dropout at most which numbers were kept, and no weights that were unpacked from four
bits: those are unpacked again on the way back, once for all members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby

import torch
from torch.nn import functional

from trainables.passes import grouped, one_by_one
from trainables.passes.dropout import Place, least
from trainables.passes.frozen_weight import FrozenWeight, outputs_of
from trainables.passes.parts import Part, Parts


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
            output = self._one_by_one(inputs, parts, tokens)
        return torch.split(output, self._sizes, dim=-1)

    def _one_by_one(
        self, inputs: torch.Tensor, parts: Parts, tokens: torch.Tensor | None
    ) -> torch.Tensor:
        """Returns the joint output, each update computed by products of its own."""
        length = inputs.shape[1]
        runs = []
        for name, (place, outputs) in self._places.items():
            for rate, neighbours in parts.once(name, partial(_neighbours, name, parts)):
                start, stop = neighbours[0].rows.start, neighbours[-1].rows.stop
                of_run = slice(start * length, stop * length)
                updates = [part.adapter.updates[name] for part in neighbours]
                scales, draw = [update.scale for update in updates], None
                if tokens is not None and rate > 0.0:
                    own = tokens[start:stop].reshape(-1)
                    draw = place.draw(own, inputs.shape[-1], least(rate))
                    scales = [scale / (1.0 - rate) for scale in scales]
                ends = [(part.rows.stop - start) * length for part in neighbours]
                run = one_by_one.Run(outputs, of_run, ends, updates, scales, draw)
                runs.append(run)
        if not runs and not self._weight.is_packed:
            return functional.linear(inputs, self._weight.read())
        return one_by_one.updated(inputs, self._weight, runs)

    def _grouped(
        self, inputs: torch.Tensor, parts: Parts, tokens: torch.Tensor | None
    ) -> torch.Tensor:
        """Returns the joint output, the updates of all members computed together."""
        layers = []
        for name, (place, outputs) in self._places.items():
            updates = [part.adapter.updates.get(name) for part in parts]
            if not any(updates):
                continue
            rates = [0.0 if tokens is None or u is None else u.dropout for u in updates]
            stack = parts.once(
                (id(self), name, tokens is None),
                partial(grouped.Stack.of, updates, rates, self._weight.dtype),
            )
            draw = None
            if tokens is not None and any(rates):
                least_of_each = [least(rate) for rate in rates]
                bounds = parts.of_each_token(least_of_each, inputs.shape[1], tokens.device)
                draw = place.draw(tokens.reshape(-1), inputs.shape[-1], bounds)
            layers.append(grouped.Layer(outputs, stack, draw))
        if not layers:
            return self._one_by_one(inputs, Parts([]), None)
        ends = parts.ends(inputs.shape[1], inputs.device)
        return grouped.updated(inputs, self._weight, ends, layers)


def _neighbours(name: str, parts: Parts) -> list[tuple[float, list[Part]]]:
    """Returns the runs of parts that train a layer with one rate of dropout, and the rate."""

    def rate(part: Part) -> float | None:
        update = part.adapter.updates.get(name)
        return None if update is None else update.dropout

    groups = groupby(parts, key=rate)
    return [(own, list(neighbours)) for own, neighbours in groups if own is not None]

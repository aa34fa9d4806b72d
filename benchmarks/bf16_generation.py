"""How often generation in bfloat16 gives the SQL of float32, and whether a batch's size shows.

    python -m benchmarks.bf16_generation --root experiments --sweep rank --trial best
    python -m benchmarks.bf16_generation --root experiments --device cuda --rows 500

A stored trial's model answers the same test rows in both types: in the batches of an evaluation,
and row by row. Frozen weights are cast, trained ones stay float32 and matrix products are
autocast, as on a device that trains in bfloat16. A CPU without such instructions emulates them.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time
from collections.abc import Sequence

import torch
from bitsandbytes.nn import Linear4bit, Params4bit

from benchmarks.stored_trial import add_options, heading, load
from orchestrator.terminal.console import console
from trainables.evaluation.text_scores import score
from trainables.inference.generation import generate
from trainables.inference.predictor import be_quiet
from trainables.training.adapted_model import AdaptedModel

_ALONE = 1
_SHOWN = ("rouge_l", "exact_match")


def cast(adapted: AdaptedModel, dtype: torch.dtype) -> AdaptedModel:
    """Returns the model computing in a type, its frozen weights cast in place."""
    for parameter in adapted.model.parameters():
        if not parameter.requires_grad and not isinstance(parameter, Params4bit):
            parameter.data = parameter.data.to(dtype)
    for module in adapted.model.modules():
        if isinstance(module, Linear4bit):
            module.compute_dtype = dtype
    return dataclasses.replace(adapted, dtype=dtype)


def share(texts: Sequence[str], others: Sequence[str]) -> float:
    """Returns the share of places in which two lists have the same text."""
    return statistics.fmean(a == b for a, b in zip(texts, others, strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args(arguments)
    be_quiet()
    device = torch.device(given.device)
    asked = load(given.root, given.sweep, given.trial, given.rows)
    adapted = asked.adapted
    adapted.model.to(device)
    adapted = dataclasses.replace(adapted, device=device)
    tokens, sources, references, how = asked.tokens, asked.sources, asked.references, asked.how
    out = console()
    out.print(heading(asked, given.device), markup=False)
    out.print("| type and batches | as float32 in batches | as in batches of the type |", end="")
    out.print(" ROUGE-L | exact match | s |\n|---|---:|---:|---:|---:|---:|")
    truth: list[str] = []
    for dtype in (torch.float32, torch.bfloat16):
        adapted = cast(adapted, dtype)
        in_batches: list[str] = []
        for batches, max_rows in (("in an evaluation's batches", None), ("row by row", _ALONE)):
            began = time.perf_counter()
            texts = generate(adapted, tokens, sources, how, max_rows=max_rows)
            seconds = time.perf_counter() - began
            truth, in_batches = truth or texts, in_batches or texts
            scores = score(texts, references)
            means = [
                statistics.fmean(value for row in scores if (value := row[name]) is not None)
                for name in _SHOWN
            ]
            cells = [f"{share(texts, truth):.1%}", f"{share(texts, in_batches):.1%}"]
            cells += [*(f"{mean:.4f}" for mean in means), f"{seconds:.0f}"]
            name = str(dtype).removeprefix("torch.")
            out.print(f"| {name}, {batches} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

"""What passes of our own save in writing SQL: they and those of transformers, in turns.

    python -m benchmarks.decode --root experiments --sweep rank --trial best
    python -m benchmarks.decode --turns 7 --rows 500

A stored trial's model answers the same test rows, prompts included, in the batches of an
evaluation. Ours take out rows that have ended, join the products of one input and call no module.
The texts are compared.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time
from collections.abc import Sequence
from unittest import mock

import torch

from benchmarks.stored_trial import Asked, add_options, heading, load
from orchestrator.terminal.console import console
from trainables.families import greedy
from trainables.inference.asking import Share, ask
from trainables.inference.generation import batches, written
from trainables.inference.predictor import be_quiet


def answers(asked: Asked) -> tuple[list[str], float]:
    """Returns the text of each row, and the processor seconds that they took."""
    texts, seconds = [""] * len(asked.sources), 0.0
    lengths = [len(ids) for ids in asked.sources]
    for rows in batches(asked.adapted.device, lengths):
        began = time.process_time()
        share = Share(asked.adapted, [asked.sources[row] for row in rows])
        prompts = ask(asked.tokens.framing, [share])
        found = written(asked.tokens, prompts, asked.how)
        seconds += time.process_time() - began
        for row, text in zip(rows, found, strict=True):
            texts[row] = text
    return texts, seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints each turn and the median of their ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_options(parser)
    parser.add_argument("--turns", type=int, default=7, help="of both (7)")
    given = parser.parse_args(arguments)
    be_quiet()
    torch.set_num_threads(1)
    asked = load(given.root, given.sweep, given.trial, given.rows)
    out = console()
    out.print(heading(asked, "cpu"), markup=False)
    out.print("| turn | transformers, CPU s | ours, CPU s | ratio | equal texts |")
    out.print("|---|---:|---:|---:|---:|")
    plain = dataclasses.replace(asked, adapted=dataclasses.replace(asked.adapted, base=None))
    ratios = []
    for turn in range(-1, given.turns):
        with mock.patch.object(greedy, "greedy", None):  # then transformers takes its own
            theirs, slow = answers(plain)
        ours, fast = answers(asked)
        if turn < 0:
            continue  # warms both
        ratios.append(slow / fast)
        equal = sum(one == other for one, other in zip(ours, theirs, strict=True))
        cells = f"{slow:.2f} | {fast:.2f} | {ratios[-1]:.2f} | {equal} of {len(ours)}"
        out.print(f"| {turn + 1} | {cells} |")
    out.print(f"\nMedian ratio: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()

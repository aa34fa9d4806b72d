"""A stored trial's model with test rows to ask it, as an evaluation asks."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from orchestrator.predict.stored_model import StoredModel, choose
from orchestrator.results.find_trial import BEST
from trainables.data.prompt import prompt
from trainables.data.spelling import SqlTokens, collapse_white_space
from trainables.data.splits import splits_of
from trainables.families.family import Decoding
from trainables.families.framing import TokenIds
from trainables.inference.generation import decoding
from trainables.training import checkpoint
from trainables.training.adapted_model import AdaptedModel, prepare


@dataclass(frozen=True)
class Asked:
    """A model in evaluation mode, in float32 on the CPU, and what it is asked.

    Attributes:
        stored: Where it is from.
        adapted: The model.
        tokens: Its tokenizer.
        sources: The prompts of the rows.
        references: The statements of the rows.
        how: The decoding of the standard protocol for these rows.
    """

    stored: StoredModel
    adapted: AdaptedModel
    tokens: SqlTokens
    sources: list[TokenIds]
    references: list[str]
    how: Decoding


def load(root: Path, sweep: str | None, trial: str, rows: int) -> Asked:
    """Returns a stored trial's model and so many test rows.

    Raises:
        UserError: There is no such trial, or its weights are gone.
    """
    stored = choose(root, sweep, trial)
    configuration = stored.configuration
    adapted = prepare(configuration, torch.device("cpu"))
    if stored.checkpoint is not None:
        checkpoint.load_weights(adapted, stored.checkpoint)
    adapted.model.eval()
    examples = splits_of(dataclasses.replace(configuration, test_rows=rows)).test
    tokens = SqlTokens(adapted.tokenizer, adapted.framing)
    sources: list[TokenIds] = tokens.prompt_ids(
        [collapse_white_space(prompt(example)) for example in examples],
        configuration.source_tokens,
    )
    references = [example.sql for example in examples]
    lengths = [len(ids) for ids in tokens.prompt_ids(references)]
    how = decoding("standard", lengths, configuration.target_tokens)
    return Asked(stored, adapted, tokens, sources, references, how)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say which trial, and how many rows."""
    parser.add_argument("--root", type=Path, default=Path("experiments"))
    parser.add_argument("--sweep", help="name, id or glob (the one written to last)")
    parser.add_argument("--trial", default=BEST, help="best, an id or a number (best)")
    parser.add_argument("--rows", type=int, default=200, help="test rows (200)")


def heading(asked: Asked, device: str) -> str:
    """Returns the lines above a table: when, on what, with which versions, of which trial."""
    return (
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores,"
        f" {platform.machine()}, device {device}, Python {platform.python_version()},"
        f" torch {version('torch')}, transformers {version('transformers')}\n"
        f"{asked.stored.describe()} {len(asked.sources)} test rows.\n"
    )

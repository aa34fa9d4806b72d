"""A stored trial's model with test rows to ask it, as an evaluation asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from orchestrator.predict.stored_model import StoredModel, choose
from trainables.data.prompt import prompt
from trainables.data.spelling import SqlTokens, collapse_white_space
from trainables.data.splits import load_splits
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
    examples = load_splits(
        configuration.dataset,
        configuration.dataset_revision,
        configuration.data_seed,
        configuration.validation_rows,
        rows,
        configuration.split_by,
    ).test
    tokens = SqlTokens(adapted.tokenizer, adapted.framing)
    sources: list[TokenIds] = tokens.prompt_ids(
        [collapse_white_space(prompt(example)) for example in examples],
        configuration.source_tokens,
    )
    references = [example.sql for example in examples]
    lengths = [len(ids) for ids in tokens.prompt_ids(references)]
    how = decoding("standard", lengths, configuration.target_tokens)
    return Asked(stored, adapted, tokens, sources, references, how)

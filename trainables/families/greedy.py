"""The likeliest token at each step, for the rows that have not ended yet.

The same text as that of transformers, sooner: its own loop computes each step for every row of a
batch until the last row has ended, and statements differ in length.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import (
        GenerationConfig,
        LogitsProcessorList,
        PreTrainedModel,
        StoppingCriteriaList,
    )

ENDED = 8
"""Rows that have ended are taken out when they are an eighth. It copies the keys and values of
those that stay: about what a step costs that reads them, which is had back after eight steps."""


def greedy(
    model: PreTrainedModel,
    input_ids: torch.Tensor,
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: GenerationConfig,
    **model_kwargs: Any,
) -> torch.Tensor:
    """Returns what `generate` returns without sampling or beams, for its `custom_generate`.

    Args:
        model: The model, or what PEFT makes of it.
        input_ids: [b, s], what the answer goes on from.
        logits_processor: Changes the scores of a step.
        stopping_criteria: Says which rows end.
        generation_config: Its padding fills rows that have ended.
        model_kwargs: What the model is called with; rows first where it is a tensor.

    Returns:
        [b, s + longest answer], on the right padded.
    """
    padding = generation_config.pad_token_id
    rows = torch.arange(len(input_ids), device=input_ids.device)
    written = input_ids
    live = torch.ones_like(rows, dtype=torch.bool)
    given = model.prepare_inputs_for_generation(input_ids, is_first_iteration=True, **model_kwargs)
    while True:
        output = model(**given, return_dict=True)
        model_kwargs = model._update_model_kwargs_for_generation(
            output, model_kwargs, is_encoder_decoder=model.config.is_encoder_decoder
        )
        scores = output.logits[:, -1].to(copy=True, dtype=torch.float32)
        del output  # the logits of a long prompt are large
        token = logits_processor(input_ids, scores).argmax(dim=-1)
        token = torch.where(live, token, padding)
        input_ids = torch.cat([input_ids, token[:, None]], dim=-1)
        column = written.new_full((len(written), 1), padding)
        column[rows, 0] = token
        written = torch.cat([written, column], dim=-1)
        live = live & ~stopping_criteria(input_ids, None)
        left = int(live.sum())
        if not left:
            return written
        if (len(rows) - left) * ENDED >= len(rows):
            kept = live.nonzero()[:, 0]
            rows, input_ids, live = rows[kept], input_ids[kept], live[kept]
            model_kwargs = {name: _kept(each, kept) for name, each in model_kwargs.items()}
        given = model.prepare_inputs_for_generation(
            input_ids, next_sequence_length=1, **model_kwargs
        )


def _kept(value: Any, rows: torch.Tensor) -> Any:
    """Returns the rows of what a model is called with: of a tensor, an output or a cache."""
    from transformers import Cache
    from transformers.utils import ModelOutput

    if isinstance(value, Cache):
        value.batch_select_indices(rows)
        return value
    if isinstance(value, ModelOutput):
        return type(value)(**{name: _kept(each, rows) for name, each in value.items()})
    if isinstance(value, Mapping):
        return {name: _kept(each, rows) for name, each in value.items()}
    return value[rows] if isinstance(value, torch.Tensor) and value.ndim else value

"""The own loop writes what `generate` of transformers writes, rows that have ended taken out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainables.families.bases import DIMENSIONS
from tests.trainables.families.test_generation import CPU, lively, questions
from tests.trainables.families.test_training import LIKE_NO_OTHER, base, configuration, folder
from trainables.families import greedy as module
from trainables.families.family import Decoding
from trainables.techniques.registry import TECHNIQUES
from trainables.training.adapted_model import AdaptedModel, prepare

__all__ = ["folder"]  # a fixture


def ends(adapted: AdaptedModel, share: int) -> None:
    """Lets every so-many-th token end an answer, so that rows end all over a batch."""
    model: Any = adapted.model
    own = model.generation_config.eos_token_id
    size = model.get_input_embeddings().num_embeddings
    model.generation_config.eos_token_id = sorted({own, *range(5, size, share)} - {None})


@pytest.mark.parametrize(
    ("model_type", "technique"),
    [
        *((each, "prefix") for each in DIMENSIONS),
        *((each, name) for each in LIKE_NO_OTHER for name in TECHNIQUES if name != "prefix"),
    ],
)
@pytest.mark.parametrize("no_repeat", [0, 2])
def test_the_tokens_are_those_of_transformers(
    folder: Path,
    model_type: str,
    technique: str,
    no_repeat: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    adapted, tokens = lively(prepare(configuration(base(folder, model_type), technique), CPU))
    ends(adapted, share=6)
    family, model = adapted.family, adapted.model
    sources = tokens.prompt_ids(questions(24), 60)
    prompts = family.prompts(sources, tokens.framing, adapted.padding_id, CPU)
    how = Decoding(20, no_repeat_ngram=no_repeat)
    sizes: list[int] = []
    kept = module._kept

    def watched(value: Any, rows: torch.Tensor) -> Any:
        sizes.append(len(rows))
        return kept(value, rows)

    monkeypatch.setattr(module, "_kept", watched)
    with torch.inference_mode():
        ours = family.generate(model, prompts, how)
        monkeypatch.setattr(module, "greedy", None)
        theirs = family.generate(model, prompts, how)
    assert ours == theirs
    assert len({len(row) for row in ours}) == 1
    assert min(sizes) < len(sources)  # rows were taken out

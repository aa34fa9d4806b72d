from __future__ import annotations

import pytest
import torch

from tests.trainables.loop_base import configuration, write_loop_base
from tests.trainables.techniques.cases import having
from trainables.data.spelling import SqlTokens
from trainables.embedded import corpus
from trainables.families.family import Decoding
from trainables.families.fit import NOTEBOOK_TOKENS, SLACK
from trainables.families.framing import TokenIds
from trainables.inference import generation
from trainables.inference.generation import batches, decoding, generate
from trainables.techniques.registry import BASELINE
from trainables.training.adapted_model import AdaptedModel, prepare

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_loop_base(tmp_path_factory.mktemp("base"))


def sources(tokens: SqlTokens, rows: int) -> list[TokenIds]:
    prompts = [row["sql_prompt"] + " " + row["sql_context"] for row in corpus.rows("test")[:rows]]
    limits = [4 + 7 * (i % 11) for i in range(rows)]  # lengths of every kind
    return [
        tokens.prompt_ids([text], limit)[0] for text, limit in zip(prompts, limits, strict=True)
    ]


def lively(adapted: AdaptedModel) -> AdaptedModel:
    """Scales random weights up, so that what is written differs from prompt to prompt."""
    with torch.no_grad():
        for parameter in adapted.model.parameters():
            parameter.mul_(1.5)
    adapted.model.eval()
    return adapted


@pytest.mark.parametrize("technique", [BASELINE.name, *having("virtual_tokens")])
@pytest.mark.parametrize("how", [Decoding(20), Decoding(20, beams=4, no_repeat_ngram=2)])
def test_the_output_does_not_depend_on_who_shares_a_batch(
    base: str, technique: str, how: Decoding
) -> None:
    adapted = lively(prepare(configuration(base, technique), CPU))
    tokens = SqlTokens(adapted.tokenizer)
    prompts = sources(tokens, 22)
    alone = generate(adapted, tokens, prompts, how, max_rows=1)
    assert len(set(alone)) > 10
    for max_rows in (3, 8, None):
        assert generate(adapted, tokens, prompts, how, max_rows=max_rows) == alone


def test_answers_end_at_the_limit_and_each_batch_beats(base: str) -> None:
    adapted = prepare(configuration(base, "pretrained"), CPU)
    tokens = SqlTokens(adapted.tokenizer)
    beats: list[int] = []
    texts = generate(
        adapted,
        tokens,
        sources(tokens, 5),
        Decoding(6),
        heartbeat=lambda: beats.append(1),
        max_rows=2,
    )
    assert len(beats) == 3
    assert max(len(ids) for ids in tokens.statement_ids(texts)) <= 12


def test_the_limit_follows_the_longest_reference() -> None:
    assert decoding("standard", [5, 40, 9], 256).max_new_tokens == 40 + SLACK
    assert decoding("standard", [5, 900], 256).max_new_tokens == 256 + SLACK


def test_the_notebook_protocol_is_the_study_s() -> None:
    how = decoding("notebook", [5], 256)
    assert how == Decoding(NOTEBOOK_TOKENS, beams=4, no_repeat_ngram=2)
    assert NOTEBOOK_TOKENS == 256


def test_no_prompts_give_no_answers(base: str) -> None:
    adapted = prepare(configuration(base, "pretrained"), CPU)
    assert generate(adapted, SqlTokens(adapted.tokenizer), [], Decoding(4)) == []


@pytest.mark.parametrize(
    ("gibibytes", "rows", "beam_rows", "short"),
    [(79.2, 128, 32, 256), (39.4, 78, 19, 157), (14.6, 29, 7, 58)],
)
def test_a_gpu_s_memory_limits_a_batch(
    gibibytes: float, rows: int, beam_rows: int, short: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "total_memory", lambda device: int(gibibytes * 2**30))
    cuda = torch.device("cuda", 0)
    assert max(map(len, batches(cuda, [512] * 500))) == rows
    assert max(map(len, batches(cuda, [512] * 500, beams=4))) == beam_rows
    # However short the prompts are, the answers' keys and values take room.
    assert max(map(len, batches(cuda, [8] * 500))) == short
    assert max(map(len, batches(CPU, [8] * 500))) == 128

"""Passes of our own give what transformers and PEFT give."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any
from unittest import mock

import pytest
import torch
from torch.nn import functional
from transformers import T5ForConditionalGeneration

from tests.trainables.passes.bases import (
    CPU,
    PeftAdapter,
    assert_close,
    by_family,
    random_base,
    rows,
    step,
)
from trainables.contract.configuration import Scalar
from trainables.families.family import Decoding, Prompts
from trainables.families.framing import TokenIds
from trainables.families.seq2seq import Seq2Seq
from trainables.passes import dropout
from trainables.passes.company import Company
from trainables.passes.frozen_t5 import FrozenT5
from trainables.passes.gradients import Step, add_gradients
from trainables.passes.layout import Sources
from trainables.passes.parts import Parts

ONE_PASS = 1e9
LENGTHS = [(9, 4), (3, 6), (12, 2), (7, 7)]
ALL = "all-linear"
BASES = [
    {"proj": "gated-gelu"},
    {"proj": "relu", "tied": False},
    {"proj": "gated-gelu", "tied": False, "layers": 3},
    {"kind": "mt5", "tied": False},
    {"kind": "umt5", "tied": False},
    {"packed": True},
]


def by_transformers(adapter: PeftAdapter, of: Step) -> torch.Tensor:
    return by_family(adapter, of, Seq2Seq())


PREFIXES: list[dict[str, Scalar]] = [
    {"virtual_tokens": 1},
    {"virtual_tokens": 6},
    {"virtual_tokens": 4, "projection": True},
]


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize(
    ("technique", "given"),
    [
        *(("lora", {"rank": 3, "target_modules": m}) for m in ("q,v", "o", "feed-forward", ALL)),
        *(("prefix", each) for each in PREFIXES),
    ],
)
@pytest.mark.parametrize("checkpointed", [False, True])
def test_loss_and_gradients_are_those_of_transformers(
    kind: dict[str, Any], technique: str, given: dict[str, Scalar], checkpointed: bool
) -> None:
    own = given | {"dropout": 0.0} if technique == "lora" else given
    adapter = PeftAdapter.on(random_base(**kind), 1, technique, **own)
    base = FrozenT5(adapter.model.get_base_model())  # type: ignore[operator]
    of = dataclasses.replace(step(adapter, 5, LENGTHS), checkpointed=checkpointed)
    (ours,) = add_gradients(base, [of], ONE_PASS)
    gradients = adapter.gradients()
    adapter.model.eval()
    torch.testing.assert_close(ours, by_transformers(adapter, of))
    assert_close(gradients, adapter.gradients())


@pytest.mark.parametrize(
    ("technique", "given"),
    [("lora", {"rank": 2, "target_modules": ALL, "dropout": 0.4}), ("prefix", PREFIXES[1])],
)
def test_dropout_stands_where_transformers_and_peft_have_it(
    technique: str, given: dict[str, Scalar]
) -> None:
    """Seen by dropout that zeroes nothing, of which what it is scaled by remains."""
    adapter = PeftAdapter.on(random_base(dropout=0.2), 1, technique, **given)
    base = FrozenT5(adapter.model.get_base_model())  # type: ignore[operator]
    of = step(adapter, 5, LENGTHS)

    def scaled(numbers: torch.Tensor, p: float = 0.5, training: bool = True, *_: object) -> object:
        return numbers / (1 - p) if training else numbers

    def all_kept(_: object, dtype: torch.dtype) -> torch.Tensor:
        return torch.ones((), dtype=torch.bool)

    with mock.patch.object(dropout.Draw, "mask", all_kept):
        (ours,) = add_gradients(base, [of], ONE_PASS)
    gradients = adapter.gradients()
    adapter.model.train()
    # transformers' fast kernel of attention has a dropout of its own.
    adapter.model.get_base_model().set_attn_implementation("eager")  # type: ignore[operator]
    with mock.patch.object(functional, "dropout", scaled):
        theirs = by_transformers(adapter, of)
    torch.testing.assert_close(ours, theirs)
    assert_close(gradients, adapter.gradients(), share=3e-5)


def test_dropout_changes_the_loss_and_no_evaluation() -> None:
    adapter = PeftAdapter.on(random_base(dropout=0.2), 1, rank=2, dropout=0.0)
    base = FrozenT5(adapter.model.get_base_model())  # type: ignore[operator]
    of = step(adapter, 5, LENGTHS)
    (trained,) = add_gradients(base, [of], ONE_PASS)
    adapter.model.eval()
    asked = by_transformers(adapter, of)
    assert abs(float(trained - asked)) > 1e-3
    sums = base.read(of.sources, alone(adapter, of.sources)).summed_losses(of.targets)
    assert float(sums.sum()) / sum(map(len, of.targets)) == pytest.approx(float(asked), rel=1e-5)


def alone(adapter: PeftAdapter, rows: Sequence[TokenIds]) -> Company:
    return Company(Parts([(len(rows), adapter.adapter)]))


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest) -> T5ForConditionalGeneration:
    return random_base(**request.param)


@pytest.fixture(
    params=[("lora", {"rank": 4, "target_modules": ALL}), *(("prefix", p) for p in PREFIXES)]
)
def adapter(base: T5ForConditionalGeneration, request: pytest.FixtureRequest) -> PeftAdapter:
    technique, given = request.param
    return PeftAdapter.on(base, 2, technique, **given)


@pytest.mark.parametrize("most", [1, 5, 33, 80])
def test_answers_are_those_of_transformers(adapter: PeftAdapter, most: int) -> None:
    base = FrozenT5(adapter.model.get_base_model())  # type: ignore[operator]
    asked = rows(7, [3, 20, 9, 14, 5, 5, 11, 8, 30, 2, 17, 6])
    sources = Sources.of(asked, 0, CPU)
    ours = base.read(asked, alone(adapter, asked)).answers(most)
    with torch.inference_mode():
        theirs = Seq2Seq().generate(
            adapter.model.eval(), Prompts(sources.ids, sources.mask, 0, 1), Decoding(most)
        )
    assert [[0, *row] for row in ours] == theirs


@pytest.mark.parametrize("change", ["model_type", "forced", "begin", "end", "ints"])
def test_another_model_is_left_to_transformers(change: str) -> None:
    model = random_base()
    assert FrozenT5.suits(model)
    if change == "model_type":
        model.config.model_type = "longt5"
    elif change == "forced":
        model.generation_config.forced_bos_token_id = 3
    elif change == "begin":
        model.generation_config.decoder_start_token_id = 3
    elif change == "end":
        model.generation_config.eos_token_id = [1, 2]
    else:
        query = model.encoder.block[0].layer[0].SelfAttention.q
        query.weight = torch.nn.Parameter(query.weight.to(torch.uint8), requires_grad=False)
    assert not FrozenT5.suits(model)

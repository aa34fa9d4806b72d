"""Passes of decoder-only models in company give what transformers and PEFT give each alone."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from tests.trainables.families.bases import DIMENSIONS
from tests.trainables.passes import bases
from tests.trainables.passes.bases import CPU, WORDS, PeftAdapter, by_family, pack, rows, step
from trainables.contract.configuration import Scalar
from trainables.families.causal import Causal
from trainables.families.family import Decoding
from trainables.families.framing import Framing, TokenIds
from trainables.passes.company import Company
from trainables.passes.frozen_decoder import FrozenDecoder
from trainables.passes.gradients import Step, add_gradients
from trainables.passes.parts import Parts

ONE_PASS = 1e9
END, PADDING = 1, 0
LENGTHS = [(9, 4), (3, 6), (12, 2), (7, 7)]
KINDS = [kind for kind, each in Causal.architectures.items() if not each.transposed]
FAMILY = Causal()


def random_base(kind: str, *, packed: bool = False, **changed: Any) -> PreTrainedModel:
    """Returns a small model of an architecture, frozen, whose answers differ."""
    ids = {"pad_token_id": PADDING, "eos_token_id": END, "bos_token_id": 3}
    with torch.random.fork_rng():
        torch.manual_seed(4)
        model = FAMILY.random(kind, **{**DIMENSIONS[kind], "vocab_size": WORDS, **ids, **changed})
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:
                parameter.data.normal_(std=0.4 if "embed" in name else 0.25)
            elif name.endswith("bias"):  # that of a fresh model is zero
                parameter.data.normal_(std=0.2)
    FAMILY.settle(model)
    if packed:
        pack(model)
    return model.requires_grad_(False).eval()


def adapters(base: PreTrainedModel, *given: dict[str, Scalar]) -> list[PeftAdapter]:
    """Returns adapters with modules of their own on the weights of a base."""
    shared = [*base.parameters()]
    shared += [each.quant_state for each in base.modules() if hasattr(each, "quant_state")]
    memory = {id(each): each for each in shared}
    return [
        PeftAdapter.on(copy.deepcopy(base, memory.copy()), number, **each)  # type: ignore[arg-type]
        for number, each in enumerate(given, 1)
    ]


def passes(adapter: PeftAdapter) -> FrozenDecoder:
    model: Any = adapter.model
    assert FrozenDecoder.suits(model.get_base_model())
    return FrozenDecoder(model.get_base_model(), END, PADDING)


def by_transformers(adapter: PeftAdapter, of: Step) -> torch.Tensor:
    adapter.model.eval()
    return by_family(adapter, of, FAMILY)


assert_close = partial(bases.assert_close, share=2e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("modules", ["q,v", "all-linear"])
def test_loss_and_gradients_are_those_of_transformers(kind: str, modules: str) -> None:
    (adapter,) = adapters(random_base(kind), {"rank": 3, "target_modules": modules, "dropout": 0.0})
    base = passes(adapter)
    of = step(adapter, 5, LENGTHS)
    (ours,) = add_gradients(base, [of], ONE_PASS)
    gradients = adapter.gradients()
    (again,) = add_gradients(base, [replace(of, checkpointed=True)], ONE_PASS)
    torch.testing.assert_close(again, ours)
    assert_close(adapter.gradients(), gradients)
    torch.testing.assert_close(ours, by_transformers(adapter, of))
    assert_close(gradients, adapter.gradients())
    sums = base.read(of.sources, alone(adapter, of.sources)).summed_losses(of.targets)
    assert float(sums.sum()) / sum(map(len, of.targets)) == pytest.approx(float(ours), rel=1e-5)


def alone(adapter: PeftAdapter, asked: Sequence[TokenIds]) -> Company:
    return Company(Parts([(len(asked), adapter.adapter)]))


def written_by_transformers(
    adapter: PeftAdapter, asked: Sequence[TokenIds], most: int
) -> list[list[int]]:
    framing = Framing(by_tokenizer=False, before=(), after=(), end=END)
    with torch.inference_mode():
        prompts = FAMILY.prompts(asked, framing, PADDING, CPU)
        return FAMILY.generate(adapter.model.eval(), prompts, Decoding(most))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("most", [1, 40])
def test_answers_are_those_of_transformers(kind: str, most: int) -> None:
    # Not with the end token: a model whose embedding is its output layer would repeat it.
    asked = [row[:-1] for row in rows(7, [3, 20, 9, 14, 5, 5, 11, 8, 30, 2, 17, 6])]
    both = adapters(random_base(kind), {"rank": 4, "target_modules": "all-linear"}, {"rank": 2})
    base = passes(both[0])
    for adapter in both:
        ours = base.read(asked, alone(adapter, asked)).answers(most)
        assert ours == written_by_transformers(adapter, asked, most)
    company = Company(Parts([(7, both[0].adapter), (5, both[1].adapter)]))
    together = base.read(asked, company).answers(most)
    apart = written_by_transformers(both[0], asked[:7], most)
    apart += written_by_transformers(both[1], asked[7:], most)
    assert [_text(row) for row in together] == [_text(row) for row in apart]
    if most > 1:
        assert len({tuple(row) for row in together}) > 3


def _text(row: list[int]) -> list[int]:
    return row[: row.index(END)] if END in row else row


VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("mistral", {"sliding_window": 4}),
    ("gemma3_text", {"sliding_window": 4, "num_hidden_layers": 7}),
    ("gemma2", {"sliding_window": 4, "final_logit_softcapping": 2.0}),
    ("qwen3", {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1}),
    ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    ("gpt_neox", {"use_parallel_residual": False}),
]


@pytest.mark.parametrize(("kind", "changed"), VARIANTS)
@pytest.mark.parametrize("packed", [False, True])
def test_windows_biases_and_caps_are_those_of_transformers(
    kind: str, changed: dict[str, Any], packed: bool
) -> None:
    both = adapters(
        random_base(kind, packed=packed, **changed),
        {"rank": 40, "target_modules": "all-linear", "dropout": 0.0},
        {"rank": 2, "dropout": 0.0},
    )
    base = passes(both[0])
    steps = [step(each, 5, [*LENGTHS, (1, 1), (25, 3)]) for each in both]
    steps[1] = replace(steps[1], checkpointed=True)
    losses = add_gradients(base, steps, ONE_PASS)
    found = [each.gradients() for each in both]
    for adapter, of, loss, gradients in zip(both, steps, losses, found, strict=True):
        torch.testing.assert_close(loss, by_transformers(adapter, of))
        assert_close(gradients, adapter.gradients())
    asked = [row[:-1] for row in rows(7, [2, 30, 9, 14, 3, 21])]
    together = base.read(asked, Company(Parts([(3, each.adapter) for each in both]))).answers(20)
    apart = written_by_transformers(both[0], asked[:3], 20)
    apart += written_by_transformers(both[1], asked[3:], 20)
    assert [_text(row) for row in together] == [_text(row) for row in apart]


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gpt_neox"])
@pytest.mark.parametrize("packed", [False, True])
def test_losses_and_gradients_are_those_of_a_member_alone(kind: str, packed: bool) -> None:
    base = random_base(kind, packed=packed)
    members = adapters(
        base,
        {"rank": 3, "dropout": 0.1},
        {"rank": 1, "target_modules": "all-linear", "dropout": 0.5},
        {"rank": 5, "target_modules": "feed-forward", "dropout": 0.0},
    )
    frozen = passes(members[0])
    steps = [step(adapter, 10 * number, LENGTHS) for number, adapter in enumerate(members)]
    losses, gradients = [], []
    for adapter, of in zip(members, steps, strict=True):
        (loss,) = add_gradients(frozen, [of], ONE_PASS)
        losses.append(loss)
        gradients.append(adapter.gradients())
    for overhead in (0.0, 20.0, ONE_PASS):
        together = add_gradients(frozen, steps, overhead)
        torch.testing.assert_close(together, torch.stack(losses))
        for adapter, theirs in zip(members, gradients, strict=True):
            assert_close(adapter.gradients(), theirs)
    without = by_transformers(members[1], steps[1])
    assert abs(float(losses[1] - without)) > 1e-3  # an adapter's own dropout


@pytest.mark.parametrize("kind", ["llama", "gpt_neox"])
def test_a_base_in_four_bits_gives_what_transformers_gives(kind: str) -> None:
    (adapter,) = adapters(random_base(kind, packed=True), {"rank": 3, "dropout": 0.0})
    of = step(adapter, 5, LENGTHS)
    (ours,) = add_gradients(passes(adapter), [of], ONE_PASS)
    gradients = adapter.gradients()
    torch.testing.assert_close(ours, by_transformers(adapter, of))
    assert_close(gradients, adapter.gradients())
    asked = rows(7, [3, 20, 9, 14])
    assert passes(adapter).read(asked, alone(adapter, asked)).answers(9) == (
        written_by_transformers(adapter, asked, 9)
    )


def test_each_end_of_the_model_ends_an_answer() -> None:
    base = random_base("llama")
    base.generation_config.eos_token_id = [1, 7, 11]
    (adapter,) = adapters(base, {"rank": 3})
    asked = rows(7, [3, 20, 9, 14])
    ours = passes(adapter).read(asked, alone(adapter, asked)).answers(60)
    assert ours == written_by_transformers(adapter, asked, 60)
    assert {7, 11} & {token for row in ours for token in row}


def test_a_model_with_dropout_of_its_own_or_other_layers_is_left_to_transformers() -> None:
    assert FrozenDecoder.suits(random_base("llama"))
    assert not FrozenDecoder.suits(random_base("llama", attention_dropout=0.1))
    assert not FrozenDecoder.suits(random_base("gpt_neox", hidden_dropout=0.1))
    assert not FrozenDecoder.suits(random_base("gpt2"))


def turned(rope_type: str) -> dict[str, Any]:
    """Returns a configuration whose positions are told by angles of a kind."""
    known = {"rope_type": rope_type, "rope_theta": 1e4, "factor": 4.0}
    if rope_type != "dynamic":
        known["original_max_position_embeddings"] = 16
    if rope_type == "longrope":
        known |= {"short_factor": [1.0] * 4, "long_factor": [3.0] * 4}
    return {"rope_parameters": known}


def test_a_model_whose_angles_depend_on_the_longest_row_is_left_to_transformers() -> None:
    for kind in ("dynamic", "longrope"):
        assert not FrozenDecoder.suits(random_base("llama", **turned(kind)))
    assert FrozenDecoder.suits(random_base("llama", **turned("yarn")))
    each = turned("longrope")["rope_parameters"]
    usual = {"rope_type": "default", "rope_theta": 1e4}
    of_layers = {"full_attention": each, "sliding_attention": usual}
    gemma = random_base("gemma3_text", head_dim=8, rope_parameters=of_layers)
    assert not FrozenDecoder.suits(gemma)
    assert FrozenDecoder.suits(random_base("gemma3_text"))

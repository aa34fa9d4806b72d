"""The techniques on the true architecture, and in what they claim."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given as drawn
from hypothesis import strategies as st
from torch import nn
from transformers import T5Config, T5ForConditionalGeneration

from tests.trainables.passes.bases import random_base
from trainables.contract.configuration import Scalar
from trainables.techniques.registry import BASELINE, TECHNIQUES, TRAINED, complete, is_untuned
from trainables.techniques.technique import Technique
from trainables.training.adapted_model import SetupError, count, verify
from trainables.training.own_passes import own_adapter

TOP = Path(__file__).resolve().parents[3]
FLAN_T5_LARGE = 783_150_080


def flan_t5_large() -> T5ForConditionalGeneration:
    """Builds google/flan-t5-large without memory, from the figures in its config.json."""
    config = T5Config(
        vocab_size=32128,
        d_model=1024,
        d_kv=64,
        d_ff=2816,
        num_layers=24,
        num_heads=16,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
    )
    with torch.device("meta"):
        model = T5ForConditionalGeneration(config)
        # transformers 5 ties a model that it builds; the published checkpoint is not tied.
        model.lm_head.weight = nn.Parameter(torch.empty(32128, 1024))
    return model


@pytest.mark.parametrize(
    ("technique", "given", "trained", "added"),
    [
        ("pretrained", {}, 0, 0),
        ("full", {}, FLAN_T5_LARGE, 0),
        ("lora", {"rank": 8, "target_modules": "q,v"}, 2_359_296, 2_359_296),
        ("lora", {"rank": 16, "target_modules": "q,v,k,o"}, 9_437_184, 9_437_184),
        ("qlora", {"rank": 8, "target_modules": "q,v"}, 2_359_296, 2_359_296),
        ("prefix", {"virtual_tokens": 20}, 983_040, 983_040),
    ],
)
def test_flan_t5_large_has_the_counts_of_the_study(
    technique: str, given: dict[str, Scalar], trained: int, added: int
) -> None:
    base = flan_t5_large()
    assert count(base) == (FLAN_T5_LARGE, FLAN_T5_LARGE)
    parameters = complete(technique, given)
    expected = TECHNIQUES[technique].expected(base, parameters)
    model = TECHNIQUES[technique].adapt(base, parameters)
    verify(model, TECHNIQUES[technique], expected)
    assert count(model) == (trained, FLAN_T5_LARGE + added)


def test_all_takes_every_linear_layer_but_the_vocabularys() -> None:
    base = flan_t5_large()
    parameters = complete("lora", {"rank": 4, "target_modules": "all"})
    model = TECHNIQUES["lora"].adapt(base, parameters)
    adapted = {name.split(".lora_A")[0] for name, _ in model.named_parameters() if "lora_A" in name}
    # 24 encoder blocks of one attention, 24 decoder blocks of two; three feed-forward layers each
    assert len(adapted) == 24 * (4 + 3) + 24 * (8 + 3)
    assert not any("lm_head" in name for name in adapted)


def test_a_layer_that_the_base_lacks_is_named() -> None:
    config = T5Config(vocab_size=9, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    with torch.device("meta"):
        ungated = T5ForConditionalGeneration(config)
    with pytest.raises(ValueError, match="has no layer wi_0: it has k, o, q, v, wi, wo"):
        TECHNIQUES["lora"].adapt(ungated, complete("lora", {"target_modules": "q,wi_0"}))


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_technique_has_a_file_of_its_own_and_says_what_fits_together(name: str) -> None:
    technique = TECHNIQUES[name]
    assert technique.name == name
    assert type(technique).__module__ == f"trainables.techniques.{name}"
    assert technique.trains == bool(technique.parameters)
    assert technique.trains or not (technique.trains_base or technique.mergeable)
    assert not (technique.trains_base and technique.quantized)


def test_the_baseline_is_the_one_that_does_not_train() -> None:
    assert not BASELINE.trains
    assert is_untuned({"technique": BASELINE.name})
    assert not any(is_untuned({"technique": name}) for name in (*TRAINED, "of a newer store"))


def test_nothing_outside_asks_for_a_techniques_name() -> None:
    asked = []
    for package in ("orchestrator", "trainables"):
        for path in (TOP / package).rglob("*.py"):
            # The study's seven runs are data, and are looked for among a sweep's trials.
            if path.parent.name == "techniques" or path.name == "notebooks.py":
                continue
            comparisons = (
                n for n in ast.walk(ast.parse(path.read_text())) if type(n) is ast.Compare
            )
            asked += [
                f"{path}:{compared.lineno}"
                for compared in comparisons
                for each in ast.walk(compared)
                if isinstance(each, ast.Constant) and each.value in set(TECHNIQUES)
            ]
    assert not asked


def test_verify_notices_a_weight_that_should_be_frozen() -> None:
    technique = TECHNIQUES["lora"]
    base = flan_t5_large()
    parameters = complete("lora", {})
    expected = technique.expected(base, parameters)
    model = technique.adapt(base, parameters)
    verify(model, technique, expected)
    with pytest.raises(SetupError, match="must be"):
        verify(model, technique, expected + 1)
    base.lm_head.weight.requires_grad_(True)
    with pytest.raises(SetupError, match=r"lm_head\.weight is trainable, but must not be"):
        verify(model, technique, expected)


@pytest.mark.parametrize("technique", TECHNIQUES.values(), ids=TECHNIQUES)
def test_a_technique_says_whether_its_trials_share_passes(technique: Technique) -> None:
    base = random_base()
    model = technique.adapt(base, complete(technique.name, {}))
    has_adapter = technique.adapter(model).weights > 0
    assert technique.shares_passes_on == (("cpu", "cuda") if has_adapter else ())
    found = own_adapter(base, model, technique, torch.device("cpu"))
    assert (found is not None) == has_adapter


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_every_default_is_valid(technique: str) -> None:
    values = complete(technique, {})
    assert list(values) == list(TECHNIQUES[technique].parameters)
    for name, value in values.items():
        assert value is not None
        assert TECHNIQUES[technique].parameters[name].check(value) is None


def test_complete_reports_everything_at_once() -> None:
    with pytest.raises(ValueError, match="rank") as raised:
        complete("lora", {"rnak": 3, "rank": -1, "dropout": 2.0})
    assert 'has no parameter "rnak". Did you mean "rank"?' in str(raised.value)
    assert "lora.rank is -1, but must be >= 1." in str(raised.value)
    assert "lora.dropout is 2.0" in str(raised.value)
    with pytest.raises(ValueError, match="but must be one of pretrained, full, lora"):
        complete("ia3", {})
    with pytest.raises(ValueError, match="does not train"):
        complete("pretrained", {"learning_rate": 0.1})


@drawn(rank=st.integers(1, 1024), batch=st.integers(1, 512), micro=st.integers(1, 512))
def test_what_follows_from_others(rank: int, batch: int, micro: int) -> None:
    values = complete("lora", {"rank": rank, "batch_size": batch, "micro_batch_size": micro})
    assert values["alpha"] == 2 * rank
    assert values["micro_batch_size"] == min(batch, micro)
    assert complete("lora", {"rank": rank, "alpha": 3})["alpha"] == 3
    assert complete("lora", {"batch_size": batch})["micro_batch_size"] == batch


def test_whole_numbers_become_floats_where_floats_are_meant() -> None:
    rate = complete("full", {"learning_rate": 1})["learning_rate"]
    assert isinstance(rate, float)


def test_needs_the_standard_library_only() -> None:
    program = (
        "import sys; before = set(sys.modules); import trainables.techniques.registry; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(*(new - set(sys.stdlib_module_names)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["trainables"]

"""Loading a base model: as it was published, and a clear error when it cannot be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from bitsandbytes.nn import Linear4bit, modules
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSeq2SeqLM

from tests.trainables.tiny_base import BATCH, trial, write_tiny_base
from trainables.base_models import locations
from trainables.base_models.loading import compute_dtype, four_bit, load_base_model
from trainables.base_models.tokenizer import BaseModelUnavailable, load_tokenizer
from trainables.contract.errors import SharedError
from trainables.techniques.registry import TECHNIQUES
from trainables.training.adapted_model import prepare

CPU = torch.device("cpu")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_tiny_base(tmp_path / "base")


def load(name: str) -> torch.nn.Module:
    model: torch.nn.Module = load_base_model(name, device=CPU, dtype=torch.float32)
    return model


def test_every_weight_is_as_in_the_checkpoint(base: Path) -> None:
    model = load(str(base)).state_dict()
    for name, saved in load_file(base / "model.safetensors").items():
        assert torch.equal(model[name], saved), name
    assert not torch.equal(model["lm_head.weight"], model["shared.weight"])


def test_the_embedded_model_is_found_by_its_name(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locations, "EMBEDDED_FOLDER", base)
    assert torch.equal(load("embedded")(**BATCH).logits, load(str(base))(**BATCH).logits)
    assert load_tokenizer("embedded", "ignored").get_vocab()
    monkeypatch.setattr(locations, "EMBEDDED_FOLDER", base / "absent")
    with pytest.raises(BaseModelUnavailable, match="install the package again"):
        load("embedded")


def test_a_checkpoint_that_lacks_weights_is_refused(base: Path) -> None:
    tensors = load_file(base / "model.safetensors")
    del tensors["encoder.block.0.layer.0.SelfAttention.q.weight"]
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BaseModelUnavailable, match=r"lacks weights \(encoder\.block\.0"):
        load(str(base))


def test_an_adapter_beside_the_weights_is_not_put_on(base: Path) -> None:
    model = AutoModelForSeq2SeqLM.from_pretrained(base)
    get_peft_model(model, LoraConfig(task_type="SEQ_2_SEQ_LM")).save_pretrained(base)
    with pytest.raises(BaseModelUnavailable, match="has an adapter beside its weights"):
        load(str(base))


def test_a_damaged_checkpoint_is_named(base: Path) -> None:
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    said = r"has a model\.safetensors that cannot be read: it is cut"
    with pytest.raises(BaseModelUnavailable, match=said):
        load(str(base))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_weights_that_are_no_numbers_are_named(
    base: Path, value: float, packed: bool, dtype: torch.dtype
) -> None:
    tensors = {name: x.to(dtype) for name, x in load_file(base / "model.safetensors").items()}
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    load(str(base))
    name = "decoder.block.1.layer.2.DenseReluDense.wo.weight"
    tensors[name][3, 4] = value
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    said = rf"NaN or infinite weights \({re.escape(name)} in model.safetensors, 1 of 2,048 values\)"
    with pytest.raises(BaseModelUnavailable, match=said):
        load_base_model(
            str(base),
            quantization=four_bit(torch.float32) if packed else None,
            device=CPU,
            dtype=torch.float32,
        )


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_no_trial_begins_on_weights_that_are_no_numbers(base: Path, technique: str) -> None:
    """It would diverge, and its configuration be blamed."""
    tensors = load_file(base / "model.safetensors")
    tensors["shared.weight"][0, 0] = float("nan")
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SharedError, match="has NaN or infinite weights"):
        prepare(trial(base, technique), CPU)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float8_e4m3fn])
def test_what_the_model_has_no_use_for_may_be_infinite(base: Path, dtype: torch.dtype) -> None:
    """As the masks are in old checkpoints of GPT-NeoX."""
    tensors = load_file(base / "model.safetensors")
    tensors["encoder.block.0.attention.masked_bias"] = torch.tensor(float("-inf")).to(dtype)
    tensors["none"] = torch.zeros(0)
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    load(str(base))


def test_pickled_weights_are_not_read(base: Path) -> None:
    model = AutoModelForSeq2SeqLM.from_pretrained(base)
    torch.save(model.state_dict(), base / "pytorch_model.bin")
    (base / "model.safetensors").unlink()
    with pytest.raises(BaseModelUnavailable, match="safetensors"):
        load(str(base))


@pytest.mark.parametrize("name", ["/no/such/folder", "./no-such-folder", "~/no-such-folder"])
def test_a_path_that_is_not_there_is_not_looked_up_on_the_hub(name: str) -> None:
    with pytest.raises(BaseModelUnavailable, match=f'"{name}" is not a folder'):
        load(name)


def test_neither_cache_nor_hub() -> None:
    with pytest.raises(BaseModelUnavailable, match='"nobody/nothing" cannot be loaded'):
        load("nobody/nothing")
    with pytest.raises(BaseModelUnavailable, match="tokenizer"):
        load_tokenizer("nobody/nothing")


def test_the_real_tokenizer(base: Path, shared: Path) -> None:
    tokenizer = load_tokenizer(str(shared / "flan-t5-tokenizer"))
    text = "SELECT name FROM users"
    assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True) == text


def test_the_cpu_computes_in_float32() -> None:
    assert compute_dtype(CPU) is torch.float32


def test_a_base_is_packed_alike_whatever_it_computes_in(base: Path) -> None:
    models = [
        load_base_model(str(base), quantization=four_bit(dtype), device=CPU, dtype=dtype)
        for dtype in (torch.float32, torch.bfloat16)
    ]
    packed = 0
    for (name, one), (_, other) in zip(*(m.named_modules() for m in models), strict=True):
        if isinstance(one, Linear4bit):
            packed += 1
            assert torch.equal(one.weight, other.weight), name
            assert torch.equal(one.weight.quant_state.absmax, other.weight.quant_state.absmax), name
            assert other.weight.quant_state.dtype is torch.bfloat16
        else:
            for own in other.parameters(recurse=False):
                assert own.dtype is torch.bfloat16, name
    assert packed


@pytest.mark.parametrize("packable", [False, True])
def test_a_four_bit_base_of_any_size_computes_alike_on_every_cpu(
    tmp_path: Path, packable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tiny_base(tmp_path / "base", packable=packable)
    seen = []
    for has_avx512_bf16 in (False, True):
        monkeypatch.setattr(modules, "has_avx512bf16", lambda has=has_avx512_bf16: has)
        model = load_base_model(
            str(folder), quantization=four_bit(torch.float32), device=CPU, dtype=torch.float32
        )
        with torch.no_grad():
            seen.append(model(**BATCH).logits)
        # Gradients still flow through the weights that an evaluation has used.
        embeddings = model.get_input_embeddings().weight.requires_grad_()
        torch.autograd.backward(model(**BATCH).loss)
        assert embeddings.grad is not None
        seen.append(embeddings.grad)
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])

"""What the benchmarks run on: a model, rows, a machine.

`embedded` is the built-in small T5 with the built-in corpus: a CPU; `embedded-causal` the built-in
decoder-only model. `flan-t5-large` is the true architecture of `google/flan-t5-large` with random
weights, which cost as much time as trained ones, with its real tokenizer and WikiSQL where a folder
`shared/` in or beside the repository has them, else with the built-in ones: a GPU. `flan-t5-small`
is that of a tenth of the size, for a patient CPU.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn
from transformers import AutoTokenizer, T5Config, T5ForConditionalGeneration

from trainables.base_models.tokenizer import load_tokenizer
from trainables.runtime.device import device_name

MODELS = ("embedded", "flan-t5-large")
OTHERS = ("embedded-causal", "flan-t5-small")
"""What is measured besides where a question is about them."""
_REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Setting:
    """A base model and a data set, as `TrialConfiguration` names them.

    Attributes:
        base_model: "embedded" or a checkpoint folder.
        dataset: "embedded" or a folder of tables.
        description: One line for the head of a table.
    """

    base_model: str
    dataset: str
    description: str


def flan_t5_large_config() -> T5Config:
    """Returns what `google/flan-t5-large` is: 783,150,080 weights, the output layer not tied to the
    embeddings.
    """
    return _flan_t5(width=1024, wide=2816, layers=24, heads=16)


def random_t5(config: T5Config, seed: int = 0) -> T5ForConditionalGeneration:
    """Returns a model of this configuration with random weights, untied if the configuration says.

    transformers ties the output layer of a T5 built from its configuration in any case.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = T5ForConditionalGeneration(config)
        if not config.tie_word_embeddings:
            head = torch.randn(config.vocab_size, config.d_model) * config.d_model**-0.5
            model.lm_head.weight = nn.Parameter(head)
    return model


def flan_t5_small_config() -> T5Config:
    """Returns what `google/flan-t5-small` is: 76,961,152 weights, of width 512."""
    return _flan_t5(width=512, wide=1024, layers=8, heads=6)


def _flan_t5(*, width: int, wide: int, layers: int, heads: int) -> T5Config:
    return T5Config(
        vocab_size=32128,
        d_model=width,
        d_kv=64,
        d_ff=wide,
        num_layers=layers,
        num_decoder_layers=layers,
        num_heads=heads,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        decoder_start_token_id=0,
    )


@contextmanager
def prepared(model: str) -> Iterator[Setting]:
    """Makes a setting for a block; a checkpoint of random weights (up to 3 GB) is deleted after it.

    Args:
        model: One of `MODELS` or `OTHERS`.
    """
    if model.startswith("embedded"):
        what = "decoder-only model" if model == "embedded-causal" else "T5"
        yield Setting(model, "embedded", f"the built-in {what} and corpus")
        return
    config = flan_t5_small_config() if model == "flan-t5-small" else flan_t5_large_config()
    data = _shared("data")
    dataset = str(data) if data is not None else "embedded"
    with TemporaryDirectory(prefix=f"{model}-") as folder:
        random_t5(config).save_pretrained(folder)
        real = _shared("flan-t5-tokenizer")
        tokenizer = AutoTokenizer.from_pretrained(real) if real else load_tokenizer("embedded")
        tokenizer.save_pretrained(folder)
        yield Setting(
            folder,
            dataset,
            f"{model} with random weights, "
            f"{'its own' if real else 'the built-in'} tokenizer, "
            f"{'WikiSQL' if data is not None else 'the built-in corpus'}",
        )


def machine(device: torch.device) -> str:
    """Returns one line: device, threads, versions."""
    place = device_name(device)
    if device.type == "cpu":
        place = f"{torch.get_num_threads()} thread(s) of a CPU ({platform.machine()})"
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("torch", "transformers", "peft", "ray")
    )
    return f"{place}; Python {platform.python_version()}, {packages}"


def _shared(name: str) -> Path | None:
    places = (_REPOSITORY / "shared" / name, _REPOSITORY.parent / "shared" / name)
    return next((place for place in places if place.is_dir()), None)

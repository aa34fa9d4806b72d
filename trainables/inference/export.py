"""Writes a trial's model as a folder that transformers and PEFT load without this package.

An adapter in PEFT's own format, or whole weights: those of full fine-tuning as they are, those of
LoRA and QLoRA with the adapter merged in. Beside them the tokenizer and a model card.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft.utils import SAFETENSORS_WEIGHTS_NAME

from trainables.base_models.loading import four_bit, load_base_model
from trainables.base_models.locations import locate
from trainables.base_models.tokenizer import framing_of, load_family, load_tokenizer
from trainables.contract.configuration import TrialConfiguration
from trainables.data.spelling import SqlTokens
from trainables.families.transposed import turn_back
from trainables.inference.model_card import ANSWER, EMBEDDED_COPY, model_card
from trainables.runtime.permissions import open_to_readers
from trainables.techniques.registry import TECHNIQUES
from trainables.training.checkpoint import (
    ADAPTER,
    FULL_WEIGHTS,
    MODEL,
    CheckpointError,
    check_base,
    load_adapter,
)

_ADAPTER_CONFIG = "adapter_config.json"
_MODEL_CONFIGS = ("config.json", "generation_config.json")


def export(
    configuration: TrialConfiguration,
    checkpoint_folder: Path,
    target: Path,
    trial: Mapping[str, Any],
    *,
    merged: bool,
    answer: Sequence[str] = (),
    answer_json: str | None = None,
) -> None:
    """Writes model, tokenizer and model card; the folder appears whole or not at all.

    Args:
        configuration: The trial, of a technique that trains.
        checkpoint_folder: What the trial saved.
        target: An absent or empty folder.
        trial: The trial's final row, for the card.
        merged: Whether to merge an adapter into the base's weights; full fine-tuning has nothing
            to merge.
        answer: What the trial's sweep answers, a sentence or more a line, for the card.
        answer_json: The same with all figures, for a file beside the card.

    Raises:
        BaseModelUnavailable: The base model cannot be loaded, or its weights are not those that
            the adapter was trained on.
        CheckpointError: The checkpoint is incomplete, damaged or another model's.
        OSError: The target cannot be written.
    """
    if not TECHNIQUES[configuration.technique].trains_base:
        check_base(checkpoint_folder, configuration.base_model, configuration.base_model_revision)
    whole = merged or TECHNIQUES[configuration.technique].trains_base
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.parent / f".{target.name}.{os.getpid()}"
    staged.mkdir()
    try:
        if not whole:
            _copy_adapter(configuration, checkpoint_folder / ADAPTER, staged)
        elif TECHNIQUES[configuration.technique].trains_base:
            _copy_model(checkpoint_folder / MODEL, staged)
        else:
            _merge(configuration, checkpoint_folder / ADAPTER, staged)
        base = configuration.base_model, configuration.base_model_revision
        tokenizer = load_tokenizer(*base)
        family = load_family(*base)
        tokens = SqlTokens(tokenizer, framing_of(family, tokenizer))
        tokenizer.save_pretrained(staged)
        card = model_card(configuration, trial, tokens, family, merged=whole, answer=answer)
        (staged / "README.md").write_text(card, encoding="utf-8")
        if answer_json is not None:
            (staged / ANSWER).write_text(f"{answer_json}\n", encoding="utf-8")
        open_to_readers(staged)
        staged.rename(target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _copy_adapter(configuration: TrialConfiguration, adapter: Path, folder: Path) -> None:
    # Not what lies beside the adapter, which only training needs, nor PEFT's empty card.
    shutil.copy(_present(adapter / SAFETENSORS_WEIGHTS_NAME), folder)
    settings = json.loads(_present(adapter / _ADAPTER_CONFIG).read_text(encoding="utf-8"))
    base = locate(configuration.base_model)
    settings["base_model_name_or_path"] = base.source
    if base.is_embedded:
        # Its place in this installation says nothing to another one.
        shutil.copytree(base.source, folder / EMBEDDED_COPY)
        settings["base_model_name_or_path"] = EMBEDDED_COPY
    text = json.dumps(settings, indent=2, sort_keys=True)
    (folder / _ADAPTER_CONFIG).write_text(text, encoding="utf-8")


def _copy_model(model: Path, folder: Path) -> None:
    # By name: whatever else lies in a checkpoint is not this package's, and not to be passed on.
    shutil.copy(_present(model / FULL_WEIGHTS), folder)
    for name in _MODEL_CONFIGS:
        if (model / name).is_file():
            shutil.copy(model / name, folder)


def _present(file: Path) -> Path:
    if not file.is_file():
        raise CheckpointError(
            f"The checkpoint has no {file}: it is incomplete, or was written by something else;"
            " choose another trial."
        )
    return file


def _merge(configuration: TrialConfiguration, adapter: Path, folder: Path) -> None:
    """Merges in float32 on the CPU, which neither rounds nor depends on the accelerator.

    A four-bit base is unpacked first: the adapter was trained beside the rounded weights, and
    merging into packed ones would round the sum again.

    The adapter is built from the trial's configuration, as in its training: PEFT's own loader
    would build what the checkpoint's `adapter_config.json` asks for, and read a pickle where the
    safetensors are missing.
    """
    technique = TECHNIQUES[configuration.technique]
    quantized = technique.quantized
    base: Any = load_base_model(
        configuration.base_model,
        configuration.base_model_revision,
        quantization=four_bit(torch.float32) if quantized else None,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    if quantized:
        base = base.dequantize(torch.float32)
        turn_back(base)
    model: Any = technique.adapt(base, configuration.parameters)
    load_adapter(model, technique, adapter)
    model.merge_and_unload(safe_merge=True).save_pretrained(folder)

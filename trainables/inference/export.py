"""Writes a trial's model as a folder that transformers and PEFT load without this package.

An adapter in PEFT's own format, or whole weights: those of full fine-tuning as they are, those of
LoRA and QLoRA with the adapter merged in. Beside them the tokenizer and a model card.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from torch import nn

from trainables.base_models.description import CONFIG, describe
from trainables.base_models.loading import four_bit, load_base_model, load_outline
from trainables.base_models.locations import locate
from trainables.base_models.tokenizer import framing_of, load_family, load_tokenizer
from trainables.contract.configuration import TrialConfiguration
from trainables.data.spelling import SqlTokens
from trainables.families.transposed import turn_back
from trainables.inference.model_card import ANSWER, EMBEDDED_COPY, model_card
from trainables.runtime.permissions import open_to_readers
from trainables.runtime.staging import staged_beside
from trainables.techniques.registry import TECHNIQUES
from trainables.techniques.technique import Technique
from trainables.training.checkpoint import (
    ADAPTER,
    FULL_WEIGHTS,
    MODEL,
    TAKE_ANOTHER,
    CheckpointError,
    check_adapter,
    check_base,
    check_model,
    load_adapter,
    read_settings,
)

_ADAPTER_CONFIG = "adapter_config.json"
_PEFT_TYPE = "peft_type"
_TELLING = (
    "r",
    "lora_alpha",
    "target_modules",
    "exclude_modules",
    "target_parameters",
    "modules_to_save",
    "layers_to_transform",
    "layers_pattern",
    "layer_replication",
    "bias",
    "lora_bias",
    "use_rslora",
    "use_dora",
    "use_qalora",
    "alora_invocation_tokens",
    "rank_pattern",
    "alpha_pattern",
    "num_virtual_tokens",
    "prefix_projection",
    "num_layers",
    "token_dim",
    "num_attention_heads",
)
"""What an adapter computes follows from these settings of PEFT and its weights; `fan_in_fan_out` is
corrected by PEFT to the layers that it finds, which in four bits are others than in an outline."""
_GENERATION = "generation_config.json"


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
    _check_copied(configuration, checkpoint_folder, merged)
    whole = merged or TECHNIQUES[configuration.technique].trains_base
    target.parent.mkdir(parents=True, exist_ok=True)
    with staged_beside(target, folder=True) as staged:
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
        staged.rename(target.absolute())


def _check_copied(configuration: TrialConfiguration, checkpoint: Path, merged: bool) -> None:
    """Checks what is copied as it is, which nothing else reads; before anything is written.

    Raises:
        BaseModelUnavailable: The base model's config.json cannot be read.
        CheckpointError: A file is missing, cut, or of something else than the trial.
    """
    technique = TECHNIQUES[configuration.technique]
    base = configuration.base_model, configuration.base_model_revision
    if technique.trains_base:
        model = checkpoint / MODEL
        check_model(load_outline(*base), model / FULL_WEIGHTS)
        found = read_settings(model / CONFIG).get("model_type")
        own = (describe(*base) or {}).get("model_type")
        if found != own:
            raise CheckpointError(
                f"The checkpoint's {model / CONFIG} has the model_type {json.dumps(found)}, but the"
                f" trial's base model {json.dumps(own)}: {TAKE_ANOTHER}."
            )
        if (model / _GENERATION).is_file():
            read_settings(model / _GENERATION)
    elif not merged:
        adapter = checkpoint / ADAPTER
        settings = read_settings(adapter / _ADAPTER_CONFIG)
        outline = technique.adapt(load_outline(*base), configuration.parameters)
        _check_settings(adapter / _ADAPTER_CONFIG, settings, outline)
        _trained_on_cpu(outline, technique)
        check_adapter(outline, adapter / SAFETENSORS_WEIGHTS_NAME)


def _check_settings(file: Path, settings: dict[str, Any], outline: Any) -> None:
    """Checks that whoever loads an exported adapter gets what the trial trained."""
    if not isinstance(settings.get(_PEFT_TYPE), str):
        raise CheckpointError(
            f'The checkpoint\'s {file} has no "{_PEFT_TYPE}", such as LORA, and so is no adapter of'
            f" PEFT: {TAKE_ANOTHER}."
        )
    own = outline.active_peft_config.to_dict()
    for key in (_PEFT_TYPE, *_TELLING):
        if key in own and (there := _plain(settings.get(key))) != (here := _plain(own[key])):
            raise CheckpointError(
                f"The checkpoint's {file} is another trial's, or was changed: it has {key}"
                f" {json.dumps(there)}, but this trial {json.dumps(here)}; {TAKE_ANOTHER}."
            )


def _plain(value: Any) -> Any:
    """Returns a setting comparable with one read from JSON: collections sorted; None, False, 0 and
    empty alike.
    """
    return (sorted(value, key=str) if isinstance(value, set | list | tuple) else value) or None


def _trained_on_cpu(model: nn.Module, technique: Technique) -> None:
    """Gives the trained weights of an outline memory, of any content, in place.

    PEFT computes the keys and values of a prefix from them to say what shapes they have.
    """
    trained = [name for name, _ in model.named_parameters() if technique.is_trained(name)]
    for name in {name.rpartition(".")[0] for name in trained}:
        model.get_submodule(name).to_empty(device="cpu", recurse=False)


def _copy_adapter(configuration: TrialConfiguration, adapter: Path, folder: Path) -> None:
    # Not what lies beside the adapter, which only training needs, nor PEFT's empty card.
    shutil.copy(adapter / SAFETENSORS_WEIGHTS_NAME, folder)
    settings = read_settings(adapter / _ADAPTER_CONFIG)
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
    shutil.copy(model / FULL_WEIGHTS, folder)
    shutil.copy(model / CONFIG, folder)
    if (model / _GENERATION).is_file():
        shutil.copy(model / _GENERATION, folder)


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

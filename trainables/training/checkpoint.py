"""A trial's checkpoint: its trained weights in the formats that others read, and where it stands.

    <folder>/adapter/                      PEFT's own format, for `PeftModel.from_pretrained`
    <folder>/adapter/prefix_encoder.safetensors   and its like, see below
    <folder>/model/                        full fine-tuning: a base model folder, tokenizer included
    <folder>/training_state.safetensors    the tensors of optimiser and random generators
    <folder>/progress.json                 everything else

Nothing is pickled, and nothing that is loaded is ever unpickled. What PEFT's format lacks and
training cannot go on without is kept beside (`Technique.beside_adapter`): it stores a prefix as the
keys and values that it stands for, not the embedding and network that compute them.

An adapter means something on its own base model only. Progress therefore names the base's weights
(`trainables.base_models.fingerprint`), and an adapter is not loaded onto others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from peft.utils import SAFETENSORS_WEIGHTS_NAME
from safetensors import SafetensorError
from safetensors.torch import load_file, load_model, save_file
from torch import nn
from transformers import PreTrainedModel

from trainables.base_models.file_faults import fault_of_weights, read_object
from trainables.base_models.fingerprint import fingerprint
from trainables.base_models.tokenizer import BaseModelUnavailable
from trainables.contract.errors import UserError
from trainables.techniques.technique import Technique
from trainables.training.adapted_model import AdaptedModel
from trainables.training.own_weights import Shape, foreign, foreign_model, shapes_in

ADAPTER = "adapter"
MODEL = "model"
TRAINING_STATE = "training_state.safetensors"
PROGRESS = "progress.json"
FULL_WEIGHTS = "model.safetensors"
_BASE_WEIGHTS = "base_weights_sha256"
TAKE_ANOTHER = "take another trial's, or train this one anew"


class CheckpointError(UserError):
    """A checkpoint is incomplete, damaged, or of another model."""


def save(
    adapted: AdaptedModel,
    folder: Path,
    state: Mapping[str, torch.Tensor],
    progress: Mapping[str, Any],
) -> None:
    """Writes a checkpoint.

    Args:
        adapted: The model; of the base's weights only trained ones are written.
        folder: An empty or absent folder. It is not written atomically: give a staging folder.
        state: Tensors of optimiser, random generators and the like, on any device.
        progress: JSON-compatible values.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = adapted.model
    if isinstance(model, PeftModel):
        # False: "auto" may ask the hub whether the vocabulary was resized, which it never is here.
        model.save_pretrained(folder / ADAPTER, save_embedding_layers=False)
        for name, module in adapted.technique.beside_adapter(model).items():
            save_file(_on_cpu(module.state_dict()), folder / ADAPTER / name)
    elif adapted.trainable_parameters:
        base: PreTrainedModel = model
        base.save_pretrained(folder / MODEL, max_shard_size="1TB")
        adapted.tokenizer.save_pretrained(folder / MODEL)
    save_file(_on_cpu(state), folder / TRAINING_STATE)
    record = {**progress, _BASE_WEIGHTS: _fingerprint(model)}
    (folder / PROGRESS).write_text(json.dumps(record, indent=1), encoding="utf-8")


def load(adapted: AdaptedModel, folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Puts a checkpoint's weights into a model that was prepared in the same way, bit for bit.

    The parameters stay the same objects, so that an optimiser over them stays valid.

    Args:
        adapted: The model that receives the weights.
        folder: What `save` wrote.

    Returns:
        The tensors (on the CPU) and the progress that `save` was given.

    Raises:
        CheckpointError: A file is missing or damaged, or the weights are another model's.
        BaseModelUnavailable: An adapter was trained on other weights than the base model has now.
    """
    load_weights(adapted, folder)
    with _readable(folder):
        check_weights(folder / TRAINING_STATE)
        state = load_file(folder / TRAINING_STATE)
        progress = read_settings(folder / PROGRESS)
    progress.pop(_BASE_WEIGHTS, None)
    return state, progress


def load_weights(adapted: AdaptedModel, folder: Path) -> None:
    """Puts the weights alone into a model: the checkpoint of an ended trial has no more.

    Args:
        adapted: The model that receives the weights.
        folder: What `save` wrote; `TRAINING_STATE` may be absent.

    Raises:
        CheckpointError: A file is missing or damaged, or the weights are another model's.
        BaseModelUnavailable: An adapter was trained on other weights than the base model has now.
    """
    model = adapted.model
    with _readable(folder):
        if isinstance(model, PeftModel):
            config = model.active_peft_config
            check_base(folder, config.base_model_name_or_path, config.revision)
            _put_adapter(model, adapted.technique, folder / ADAPTER)
        elif adapted.trainable_parameters:
            _put_model(adapted, folder / MODEL)


def load_adapter(model: PeftModel, technique: Technique, folder: Path) -> None:
    """Puts an adapter's weights alone into a model that was prepared in the same way.

    Args:
        model: The model that receives the weights.
        technique: What it was adapted by.
        folder: A checkpoint's `adapter`.

    Raises:
        CheckpointError: A file is missing or damaged, or the weights are another model's.
    """
    with _readable(folder):
        _put_adapter(model, technique, folder)


def check_weights(file: Path) -> dict[str, Shape]:
    """Returns name -> shape of a file of a checkpoint's tensors, which is whole by header and size.

    Raises:
        CheckpointError: It is not; names the file, what is wrong with it, and what to do.
    """
    fault = fault_of_weights(_present(file), TAKE_ANOTHER)
    if fault is None:
        try:
            return shapes_in(file)
        except SafetensorError as error:  # of a type that it does not know
            fault = f"{str(error).rstrip('.')}; {TAKE_ANOTHER}"
    raise CheckpointError(f"The checkpoint's {file} cannot be read: {fault}.")


def check_adapter(model: PeftModel, file: Path) -> None:
    """Checks by its header that a file has the weights of a trial's adapter, all and no others.

    Args:
        model: The trial's, of which the adapter's weights are on the CPU.
        file: Of a checkpoint.

    Raises:
        CheckpointError: It has not; names the file, what tells it from the trial's, what to do.
    """
    found = check_weights(file)
    # PEFT itself passes over names that are missing.
    present = get_peft_model_state_dict(model, save_embedding_layers=False)
    own = {name: tuple(tensor.shape) for name, tensor in present.items()}
    _refuse(file, foreign(found, own))


def check_model(model: PreTrainedModel, file: Path) -> dict[str, Shape]:
    """Checks the same of the weights of a model that was trained whole.

    Args:
        model: The trial's base model, on any device.
        file: Of a checkpoint.

    Returns:
        Name -> shape of what is in it.

    Raises:
        CheckpointError: As of `check_adapter`.
    """
    found = check_weights(file)
    _refuse(file, foreign_model(found, model))
    return found


def _refuse(file: Path, why: str | None) -> None:
    if why is not None:
        raise CheckpointError(
            f"The checkpoint's {file} is another trial's, or was changed: {why}; {TAKE_ANOTHER}."
        )


def read_settings(file: Path) -> dict[str, Any]:
    """Returns the JSON object in a file of a checkpoint.

    Raises:
        CheckpointError: There is none; names the file, what is wrong with it, and what to do.
    """
    try:
        return read_object(_present(file), TAKE_ANOTHER)
    except ValueError as error:
        raise CheckpointError(f"The checkpoint's {file} cannot be read: {error}.") from error


def _present(file: Path) -> Path:
    if not file.is_file():
        raise CheckpointError(
            f"The checkpoint has no {file}: it is incomplete, or was written by something else;"
            f" {TAKE_ANOTHER}."
        )
    return file


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        said = str(error).strip().rstrip(".")
        raise CheckpointError(
            f"The checkpoint {folder} cannot be loaded: {said}; {TAKE_ANOTHER}."
        ) from error


def check_base(folder: Path, name: str, revision: str | None) -> None:
    """Checks that a base model has the weights that a checkpoint's adapter was trained on.

    Args:
        folder: What `save` wrote. One that names no weights, as older ones, passes.
        name: A checkpoint folder, or an identifier of the hub.
        revision: Git revision on the hub.

    Raises:
        BaseModelUnavailable: It has others.
        CheckpointError: The checkpoint does not say so: its progress cannot be read.
    """
    progress = read_settings(folder / PROGRESS)
    before, now = progress.get(_BASE_WEIGHTS), fingerprint(name, revision)
    if before is not None and now is not None and before != now:
        raise BaseModelUnavailable(
            f'The weights of the base model "{name}" are not those that the adapter in {folder} was'
            f" trained on (SHA-256 {before[:12]}..., now {now[:12]}...), and on others it is of no"
            " use: put the old weights back, or train anew on these with `--new`."
        )


def _fingerprint(model: nn.Module) -> str | None:
    if not isinstance(model, PeftModel):
        return None
    config = model.active_peft_config
    return fingerprint(config.base_model_name_or_path, config.revision)


def _put_model(adapted: AdaptedModel, folder: Path) -> None:
    model: PreTrainedModel = adapted.model
    found = check_model(model, folder / FULL_WEIGHTS)
    if found.keys() <= model.state_dict().keys():
        load_model(model, folder / FULL_WEIGHTS)
        return
    # transformers writes some architectures' weights under the names of older versions.
    loaded, _ = adapted.family.load(
        str(folder),
        local_files_only=True,
        use_safetensors=True,
        dtype=next(model.parameters()).dtype,
    )
    model.load_state_dict(loaded.state_dict())


def _put_adapter(model: PeftModel, technique: Technique, folder: Path) -> None:
    check_adapter(model, folder / SAFETENSORS_WEIGHTS_NAME)
    weights = load_file(folder / SAFETENSORS_WEIGHTS_NAME)
    beside = technique.beside_adapter(model)
    for name, module in beside.items():
        check_weights(folder / name)
        module.load_state_dict(load_file(folder / name))
    if not beside:
        set_peft_model_state_dict(model, weights)


def _on_cpu(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies tensors, each into memory of its own, as safetensors requires."""
    return {
        name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()
    }

"""Loads the base model: built in, from a folder, or from the Hugging Face hub.

Every call reads the files afresh; `trainables.base_models.cache` keeps what trials need again.
Weights are read from safetensors only and no code of a checkpoint is ever run.
"""

from __future__ import annotations

from typing import Any

import torch
from bitsandbytes.nn import Linear4bit, Params4bit
from transformers import AutoConfig, BitsAndBytesConfig, PreTrainedModel
from transformers.utils import cached_file

from trainables.base_models.checkpoint_files import fault_of_model
from trainables.base_models.description import CONFIG, read_config, usable_family
from trainables.base_models.fused_gelu import fuse_activations
from trainables.base_models.locations import ADAPTED, WEIGHTS_INDEX, Location
from trainables.base_models.tokenizer import BaseModelUnavailable, local_first, locate_base
from trainables.base_models.weight_values import not_finite
from trainables.families.family import ModelFamily


def compute_dtype(device: torch.device) -> torch.dtype:
    """Returns bfloat16 on CUDA devices that compute it natively, elsewhere float32.

    Never float16: the feed-forward activations of T5-large exceed its largest value and become NaN.
    """
    if device.type == "cuda":
        with torch.cuda.device(device):
            if torch.cuda.is_bf16_supported(including_emulation=False):
                return torch.bfloat16
    return torch.float32


def four_bit(dtype: torch.dtype) -> BitsAndBytesConfig:
    """Returns QLoRA's storage: NF4 with double quantisation, computing in `dtype`.

    Dettmers et al. 2023, "QLoRA: Efficient Finetuning of Quantized LLMs". The embeddings, the
    output layer and T5's `wo` keep their precision: `T5DenseGatedActDense` casts its activations to
    the type in which `wo` is stored, which for a packed weight is an integer.
    """
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def load_base_model(
    name: str,
    revision: str | None = None,
    *,
    quantization: BitsAndBytesConfig | None = None,
    device: torch.device,
    dtype: torch.dtype,
) -> PreTrainedModel:
    """Loads a model of any family onto a device.

    Args:
        name: "embedded", a checkpoint folder, or an identifier of the hub.
        revision: Git revision on the hub; of no use for the other two.
        quantization: How linear layers are stored; None keeps them in `dtype`.
        device: Where the model is put.
        dtype: Type of all weights that are not quantised.

    Returns:
        The model in evaluation mode, every weight as in the checkpoint.

    Raises:
        BaseModelUnavailable: It is not there, cannot be read, lacks weights, has some that are NaN
            or infinite, or none as safetensors; or no family knows its architecture.
    """
    model = _read(
        name,
        revision,
        # Packed from float32 on every device. From bfloat16 0.4 % of the codes would be others, and
        # an adapter trained beside those would be merged into, or asked beside, these.
        dtype=dtype if quantization is None else torch.float32,
        quantization_config=quantization,
        **({} if quantization is None else {"device_map": {"": str(device)}}),
    )
    check_values(model, name, revision)
    fuse_activations(model)
    if quantization is None:
        return model.to(device)
    for parameter in model.parameters():
        if not isinstance(parameter, Params4bit):
            parameter.data = parameter.data.to(dtype)
    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.weight.quant_state.dtype = dtype  # what it unpacks to in a backward pass
            # On CPUs with AVX512-BF16 an evaluation repacks the weights in place, into a form
            # through which no gradient flows back when training goes on.
            module.support_avx512bf16_for_cpu = False
    return model


def check_values(model: PreTrainedModel, name: str, revision: str | None = None) -> None:
    """Checks that every weight is a number; reads all that are on this machine.

    Args:
        model: What was loaded, with or without its weights.
        name: As of `load_base_model`.
        revision: The same.

    Raises:
        BaseModelUnavailable: Some are NaN or infinite.
    """
    if (fault := not_finite(locate_base(name, revision), model)) is not None:
        raise BaseModelUnavailable(f'The base model "{name}" {fault}.')


def load_skeleton(name: str, revision: str | None = None) -> PreTrainedModel:
    """Checks that a base model can be loaded, without reading its weights.

    Arguments and errors as of `load_base_model`.

    Returns:
        The model on torch's meta device.
    """
    return _read(name, revision, dtype=torch.float32, device_map={"": "meta"})


def load_outline(name: str, revision: str | None = None) -> PreTrainedModel:
    """Returns a base model on torch's meta device, built by its config.json alone.

    So its weights need not be on this machine; nor is it known whether they are as they should be.

    Arguments as of `load_base_model`.

    Raises:
        BaseModelUnavailable: It is not there, or no family knows its architecture.
    """
    location = locate_base(name, revision)

    def build(local_only: bool) -> PreTrainedModel:
        family = _family(location, local_only)
        config = AutoConfig.from_pretrained(
            location.source,
            revision=location.revision,
            local_files_only=local_only,
            trust_remote_code=False,
        )
        with torch.device("meta"):
            return family.build(config)

    return local_first(location, "model", build)


def _read(name: str, revision: str | None, **options: Any) -> PreTrainedModel:
    """Reads a checkpoint, all of it.

    Args:
        name: As of `load_base_model`.
        revision: The same.
        options: Of `from_pretrained`.

    Raises:
        BaseModelUnavailable: As `load_base_model`.
    """
    location = locate_base(name, revision)

    def load(local_only: bool) -> PreTrainedModel:
        _fetch_index(location, local_only)
        if (fault := fault_of_model(location)) is not None:
            raise BaseModelUnavailable(f'The base model "{name}" {fault}.')
        model, report = _family(location, local_only).load(
            location.source,
            revision=location.revision,
            local_files_only=local_only,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # said below, in one line
            **options,
        )
        if getattr(model, "_hf_peft_config_loaded", False):
            raise BaseModelUnavailable(f'The base model "{name}" {ADAPTED}.')
        if report["mismatched_keys"]:
            weight, there, here = sorted(report["mismatched_keys"])[0]
            raise BaseModelUnavailable(
                f'The base model "{name}" has other weights than its {CONFIG} says ({weight} is'
                f" {list(there)}, but would be {list(here)}): give a checkpoint whose files belong"
                " together."
            )
        if report["missing_keys"]:
            missing = ", ".join(sorted(report["missing_keys"])[:3])
            raise BaseModelUnavailable(
                f'The base model "{name}" lacks weights ({missing}, ...), which would start out '
                "random: give a complete checkpoint."
            )
        return model

    return local_first(location, "model", load)


def _family(location: Location, local_only: bool) -> ModelFamily:
    """Returns the family of a base model, whose config.json is downloaded where need be.

    Raises:
        BaseModelUnavailable: No family knows it.
    """
    cached_file(
        location.source,
        CONFIG,
        revision=location.revision,
        local_files_only=local_only,
    )
    try:
        return usable_family(read_config(location) or {})
    except ValueError as error:
        raise BaseModelUnavailable(f'The base model "{location.name}" {error}.') from error


def _fetch_index(location: Location, local_only: bool) -> None:
    """Downloads the index of the weights where there is one and need be.

    It is to be seen before transformers reads it, which would unpickle what it names.
    """
    cached_file(
        location.source,
        WEIGHTS_INDEX,
        revision=location.revision,
        local_files_only=local_only,
        _raise_exceptions_for_missing_entries=False,
    )

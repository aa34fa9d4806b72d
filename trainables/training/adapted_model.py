"""Sets up what a trial trains: the base model, adapted by the technique, checked and counted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from bitsandbytes.nn import Params4bit
from peft import PeftModel
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from trainables.base_models.cache import KEPT, kept_tokenizer
from trainables.base_models.loading import compute_dtype
from trainables.base_models.tokenizer import framing_of
from trainables.contract.configuration import TrialConfiguration
from trainables.families.architecture import Config
from trainables.families.family import ModelFamily
from trainables.families.fit import Lengths, too_long
from trainables.families.framing import Framing, check_vocabulary, padding_token
from trainables.families.registry import family_of
from trainables.passes.frozen_base import FrozenBase
from trainables.passes.parts import Adapter
from trainables.techniques.registry import TECHNIQUES
from trainables.techniques.technique import Technique
from trainables.training.own_passes import frozen, own_adapter, proven


class SetupError(Exception):
    """The set-up trains other weights than its technique says."""


@dataclass(frozen=True)
class AdaptedModel:
    """A model ready to train and to generate with.

    Attributes:
        model: Called by its family alone.
        family: How it is called.
        config: The content of the base model's config.json, defaults filled in.
        tokenizer: The base model's tokenizer.
        framing: What stands around its prompts and statements.
        technique: What it was adapted by.
        device: Where the model is.
        dtype: The type to compute in; see `precision`.
        trainable_parameters: Number of weights that are trained.
        total_parameters: Number of all weights, the adapter's included; a weight stored in four
            bits counts as one.
        base: The base's weights for passes of our own; None where only `family` has passes for it.
        adapter: What is trained beside them; nothing where `base` is None.
    """

    model: PreTrainedModel | PeftModel
    family: ModelFamily
    config: Config
    tokenizer: PreTrainedTokenizerBase
    framing: Framing
    technique: Technique
    device: torch.device
    dtype: torch.dtype
    trainable_parameters: int
    total_parameters: int
    base: FrozenBase | None = None
    adapter: Adapter = field(default_factory=Adapter)

    @property
    def padding_id(self) -> int:
        """The token that fills a batch."""
        return padding_token(self.tokenizer, int(self.config["vocab_size"]))

    @property
    def trainable_percent(self) -> float:
        """Trained weights in percent of all weights."""
        return 100.0 * self.trainable_parameters / self.total_parameters

    def trainable(self) -> dict[str, nn.Parameter]:
        """Returns the trained parameters by name, in the order of the model."""
        return {
            name: parameter
            for name, parameter in self.model.named_parameters()
            if parameter.requires_grad
        }

    def precision(self) -> contextlib.AbstractContextManager[object]:
        """Returns the context in which to call the model: autocast in bfloat16, or nothing.

        Trained weights are float32 everywhere; on a device with bfloat16 autocast does the matrix
        products in it.
        """
        return precision(self.device, self.dtype)


def precision(
    device: torch.device, dtype: torch.dtype
) -> contextlib.AbstractContextManager[object]:
    """Returns the context in which a model is called that computes in `dtype`."""
    if dtype is torch.bfloat16:
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def prepare(configuration: TrialConfiguration, device: torch.device) -> AdaptedModel:
    """Takes the base model of a trial and adapts it by the trial's technique.

    New weights depend on `configuration.seed` alone: not on the device, but that beside a bfloat16
    base PEFT rounds those of LoRA to it once, nor on what ran before in the process. The state of
    torch's global generators is left as it was.

    Args:
        configuration: The trial, every parameter of its technique filled in.
        device: Where to train.

    Returns:
        The adapted model, of which exactly what the technique says is trainable.

    Raises:
        BaseModelUnavailable: The base model cannot be loaded.
        ValueError: The technique's parameters, the limits of length or the tokenizer do not fit the
            base model.
        SetupError: Other weights are trainable than the technique says.
    """
    technique = TECHNIQUES[configuration.technique]
    parameters = configuration.parameters
    dtype = compute_dtype(device)
    name, revision = configuration.base_model, configuration.base_model_revision
    base = KEPT.model(
        name,
        revision,
        quantized=technique.quantized,
        trained=technique.trains_base,
        dtype=torch.float32 if technique.trains_base else dtype,
        device=device,
    )
    config: Config = base.config.to_dict()
    tokenizer = kept_tokenizer(name, revision)
    family = family_of(config)
    framing = framing_of(family, tokenizer)
    check_vocabulary(tokenizer, framing, config, name)
    check_lengths(configuration, config, framing)
    expected = technique.expected(base, parameters)
    with seeded(configuration.seed):
        model = technique.adapt(base, parameters)
    if parameters.get("gradient_checkpointing"):
        checkpoint_activations(model)
    if isinstance(model, PeftModel):
        for adapter in model.peft_config.values():
            adapter.revision = revision
    verify(model, technique, expected)
    trainable, total = count(model)
    adapter = own_adapter(base_of(model), model, technique, device)
    padding = padding_token(tokenizer, int(config["vocab_size"]))
    adapted = AdaptedModel(
        model=model,
        family=family,
        config=config,
        tokenizer=tokenizer,
        framing=framing,
        technique=technique,
        device=device,
        dtype=dtype,
        trainable_parameters=trainable,
        total_parameters=total,
        base=frozen(base_of(model), framing.end, padding) if adapter else None,
        adapter=adapter or Adapter(),
    )
    return proven(adapted)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds torch's CPU generator for a block, and puts its former state back after it."""
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed: that would also seed the accelerators' generators, for good.
        torch.default_generator.manual_seed(seed)
        yield


def count(model: nn.Module) -> tuple[int, int]:
    """Counts weights, tied ones once and packed four-bit ones by what they stand for.

    Args:
        model: Any module, also one on the meta device.

    Returns:
        Number of trainable weights and of all weights.
    """
    sizes = [
        (_logical_size(parameter), parameter.requires_grad) for parameter in model.parameters()
    ]
    return sum(size for size, trained in sizes if trained), sum(size for size, _ in sizes)


def check_lengths(configuration: TrialConfiguration, config: Config, framing: Framing) -> None:
    """Checks that the rows of a trial fit its model.

    Args:
        configuration: The trial.
        config: The content of the base model's config.json.
        framing: What stands around its prompts.

    Raises:
        ValueError: They are longer than its positions, or leave a prompt no token.
    """
    for problem in too_long(Lengths.of(configuration), config, configuration.base_model):
        raise ValueError(problem)
    around = len(framing.before) + len(framing.after)
    if configuration.source_tokens <= around:
        raise ValueError(
            f"lengths.source is {configuration.source_tokens}, but the base model"
            f' "{configuration.base_model}" has {around} tokens around each question: take at'
            f" least {around + 1}."
        )


def verify(model: nn.Module, technique: Technique, expected: int) -> None:
    """Checks that a model trains what its technique says, no more and no less.

    Args:
        model: The adapted model.
        technique: The technique that adapted it.
        expected: Number of weights that it should train.

    Raises:
        SetupError: A parameter is trainable that should be frozen or the other way round, is
            trained in less than float32, or their number is another.
    """
    for name, parameter in model.named_parameters():
        if parameter.requires_grad != technique.is_trained(name):
            state = "trainable" if parameter.requires_grad else "frozen"
            raise SetupError(f"{name} is {state}, but must not be.")
        if parameter.requires_grad and parameter.dtype is not torch.float32:
            raise SetupError(f"{name} is {parameter.dtype}, but must be torch.float32.")
    trainable, _ = count(model)
    if trainable != expected:
        raise SetupError(f"{trainable:,} weights are trainable, but {expected:,} must be.")


def _logical_size(parameter: nn.Parameter) -> int:
    if isinstance(parameter, Params4bit) and parameter.quant_state is not None:
        return int(torch.Size(parameter.quant_state.shape).numel())
    return parameter.numel()


def base_of(model: nn.Module) -> PreTrainedModel:
    """Returns the base of an adapter, or the base model itself."""
    base: PreTrainedModel = model.get_base_model() if isinstance(model, PeftModel) else model
    return base


def checkpoint_activations(model: nn.Module) -> None:
    """Turns gradient checkpointing on in a base model or in the base of an adapter."""
    base = base_of(model)
    # It also makes the outputs of the embeddings require gradients: a checkpointed block whose
    # inputs need none would pass none to the adapters inside it.
    base.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})

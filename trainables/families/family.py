"""What a family of models says of itself, and what it does with a model.

Standard library only until a model is at hand: a search space is checked in a process that must not
load torch. The methods that touch a model import torch and transformers themselves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from trainables.families.architecture import Architecture

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from trainables.families.batch import Batch
    from trainables.families.framing import Framing, TokenIds

LOGITS = 1 << 27
"""At most so many logits at once for a loss, but always those of a row: with their logarithms about
1.3 GB. The 256 rows of a batch on a GPU would have 2.6 GB of them for targets of 160 tokens, and
the loss takes a multiple of that; targets are not cut in an evaluation."""

TOKENS_OF_GENERATION = (
    *("bos_token_id", "eos_token_id", "pad_token_id"),
    *("decoder_start_token_id", "forced_bos_token_id", "forced_eos_token_id"),
)
"""What is kept of a generation_config.json: which tokens begin and end an answer."""
CHOOSING = frozenset(
    (
        *("min_length", "min_new_tokens", "length_penalty", "exponential_decay_length_penalty"),
        *("repetition_penalty", "encoder_repetition_penalty", "encoder_no_repeat_ngram_size"),
        *("no_repeat_ngram_size", "bad_words_ids", "sequence_bias", "renormalize_logits"),
        *("suppress_tokens", "begin_suppress_tokens", "num_beam_groups", "diversity_penalty"),
    )
)
"""What would change an answer if it were kept."""


@dataclass(frozen=True)
class Decoding:
    """How tokens are chosen.

    Attributes:
        max_new_tokens: Limit of an answer, the end token included.
        beams: 1 takes the likeliest token at each step.
        no_repeat_ngram: No sequence of so many tokens occurs twice in an answer; 0 allows all. It
            forbids legal SQL.
    """

    max_new_tokens: int
    beams: int = 1
    no_repeat_ngram: int = 0


@dataclass(frozen=True)
class Prompts:
    """The prompts of one batch, as a model of the family is asked.

    Attributes:
        input_ids: [b, s].
        attention_mask: [b, s], 1 where there is a token.
        padding_id: What fills `input_ids`.
        end_id: The token that ends a statement.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    padding_id: int
    end_id: int


class ModelFamily(ABC):
    """How models of one kind are loaded, asked and trained. Has no state of its own.

    Attributes:
        name: Of the family.
        kind: What its models are called in messages.
        task_type: PEFT's name for what they do.
        auto_class: Name of the class of transformers that loads them.
        one_row: Whether a prompt and its statement share the model's positions.
        architectures: `model_type` of a config.json -> how it is read.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    task_type: ClassVar[str]
    auto_class: ClassVar[str]
    one_row: ClassVar[bool]
    architectures: ClassVar[Mapping[str, Architecture]]

    def load(self, source: str, **options: Any) -> tuple[PreTrainedModel, dict[str, Any]]:
        """Reads a checkpoint.

        What its generation_config.json says beside special tokens is dropped: a minimal length or a
        penalty of another task would change every answer.

        Args:
            source: A folder, or an identifier of the hub.
            options: As `from_pretrained` takes them.

        Returns:
            The model, and what transformers reports of its weights.

        Raises:
            OSError: It is not there, or cannot be read.
            ValueError: It is no such model.
        """
        import transformers

        loader = getattr(transformers, self.auto_class)
        model, report = loader.from_pretrained(source, output_loading_info=True, **options)
        self.settle(model)
        return model, report

    def random(self, model_type: str, **dimensions: Any) -> PreTrainedModel:
        """Returns a model of random weights, drawn from torch's global generator.

        Args:
            model_type: One of `architectures`.
            dimensions: As the configuration of that type takes them.
        """
        import transformers

        return self.build(transformers.AutoConfig.for_model(model_type, **dimensions))

    def build(self, config: Any) -> PreTrainedModel:
        """Returns the model of a configuration of transformers', of random weights."""
        import transformers

        model: PreTrainedModel = getattr(transformers, self.auto_class).from_config(config)
        return model

    def settle(self, model: PreTrainedModel) -> None:
        """Removes from a model whatever would choose tokens otherwise than `Decoding` says."""
        from transformers import GenerationConfig

        given = model.generation_config
        kept = {name: getattr(given, name, None) for name in TOKENS_OF_GENERATION}
        model.generation_config = GenerationConfig(**kept)

    @abstractmethod
    def framing(self, tokenizer: Any) -> Framing:
        """Returns what stands around prompts and statements.

        Raises:
            ValueError: The tokenizer has no end token, or its chat template cannot be used.
        """

    @abstractmethod
    def prompts(
        self, sources: Sequence[TokenIds], framing: Framing, padding_id: int, device: torch.device
    ) -> Prompts:
        """Returns prompts as they are generated from."""

    @abstractmethod
    def collate(
        self,
        sources: Sequence[TokenIds],
        targets: Sequence[TokenIds],
        *,
        padding_id: int,
        device: torch.device,
    ) -> Batch:
        """Returns prompts with their statements as they are trained on."""

    @abstractmethod
    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """Returns the mean cross-entropy over the batch's target tokens, in nats."""

    @abstractmethod
    def encode(self, model: Any, prompts: Prompts) -> Any:
        """Returns what a loss and an answer on the same prompts share, None if nothing."""

    def summed_loss(self, model: Any, batch: Batch, encoded: Any) -> float:
        """Returns the cross-entropy summed over the batch's target tokens, in nats.

        Args:
            model: In evaluation mode.
            batch: At most `LOGITS` of it are computed at once, or those of one row.
            encoded: What `encode` returned for its prompts.
        """
        rows, width = batch.labels.shape
        step = max(1, LOGITS // (width * int(model.config.vocab_size)))
        return sum(
            self.loss_of_rows(model, batch, encoded, slice(start, start + step))
            for start in range(0, rows, step)
        )

    @abstractmethod
    def loss_of_rows(self, model: Any, batch: Batch, encoded: Any, rows: slice) -> float:
        """Returns the summed cross-entropy of some rows; all their logits are computed at once."""

    @abstractmethod
    def asking_code(self, framing: Framing, source_tokens: int, how: Decoding) -> list[str]:
        """Returns Python that does what `prompts` and `generate` do, for an exported model's card.

        Args:
            framing: What stands around prompts.
            source_tokens: Prompts are cut to so many tokens.
            how: How tokens are chosen.

        Returns:
            Lines from `prompt`, a text, to `text`, what the model wrote, with `torch`, `model` and
            `tokenizer` at hand.
        """

    @abstractmethod
    def generate(
        self, model: Any, prompts: Prompts, how: Decoding, encoded: Any = None
    ) -> list[list[int]]:
        """Returns the token ids of the answers, special tokens among them.

        Args:
            model: In evaluation mode.
            prompts: Of one batch; it ends when every row has ended.
            how: How tokens are chosen.
            encoded: What `encode` returned for these prompts; None if it was not asked.
        """


def choice_code(how: Decoding) -> str:
    """Returns the arguments of `generate` that say how tokens are chosen, but for repetitions."""
    choice = f"max_new_tokens={how.max_new_tokens}, do_sample=False"
    if how.beams > 1:
        choice += f", num_beams={how.beams}, early_stopping=True"
    return choice

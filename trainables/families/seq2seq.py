"""Encoder-decoder models: T5 and its kin, BART and Pegasus.

The encoder reads the prompt, the decoder writes the statement; both are closed by the tokenizer,
with the special tokens that the model was pretrained with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trainables.families.architecture import (
    Architecture,
    Attention,
    Config,
    Stack,
    attention_layers,
    feed_forward_layers,
    first,
)
from trainables.families.family import Decoding, ModelFamily, Prompts, choice_code

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from trainables.families.batch import Batch
    from trainables.families.framing import Framing, TokenIds


def _t5(feed_forward: str, blocks: int) -> Architecture:
    """Returns the architecture of a T5.

    Args:
        feed_forward: `feed_forward_proj` where the configuration does not say.
        blocks: `num_layers`, the same.
    """

    def depth(config: Config) -> int:
        return first(config, "num_decoder_layers", "num_layers", default=blocks)

    def stacks(config: Config) -> tuple[Stack, ...]:
        gated = str(config.get("feed_forward_proj") or feed_forward).startswith("gated")
        wide = ("wi_0", "wi_1", "wo") if gated else ("wi", "wo")
        own = attention_layers("layer.0.SelfAttention", "q", "k", "v", "o")
        cross = attention_layers("layer.1.EncDecAttention", "q", "k", "v", "o")

        def dense(layer: int) -> dict[str, tuple[str, ...]]:
            return feed_forward_layers(*(f"layer.{layer}.DenseReluDense.{name}" for name in wide))

        return (
            Stack("encoder.block", first(config, "num_layers", default=blocks), own | dense(1)),
            Stack("decoder.block", depth(config), own | cross | dense(2)),
        )

    def attention(config: Config) -> Attention:
        heads = first(config, "num_heads", default=8)
        return Attention(depth(config), heads, first(config, "d_kv", default=64))

    def obstacle(config: Config) -> str | None:
        encoder = first(config, "num_layers", default=blocks)
        if depth(config) <= encoder:
            return None
        # Its cache of keys and values has as many layers as the encoder.
        return (
            f"has a decoder ({depth(config)} layers) that is deeper than its encoder ({encoder}),"
            " with which transformers cannot generate: give a model without that"
        )

    # Relative positions: beyond the farthest bucket all distances are one.
    return Architecture(stacks, attention, lambda _: None, obstacle=obstacle)


def _bart(positions: int) -> Architecture:
    """Returns the architecture of BART, which Pegasus has too.

    Args:
        positions: `max_position_embeddings` where the configuration does not say.
    """

    def stacks(config: Config) -> tuple[Stack, ...]:
        names = ("q_proj", "k_proj", "v_proj", "out_proj")
        own, cross = (attention_layers(name, *names) for name in ("self_attn", "encoder_attn"))
        wide = feed_forward_layers("fc1", "fc2")
        depth = first(config, "encoder_layers", default=12)
        return (
            Stack("model.encoder.layers", depth, own | wide),
            Stack("model.decoder.layers", attention(config).layers, own | cross | wide),
        )

    def attention(config: Config) -> Attention:
        heads = first(config, "decoder_attention_heads", default=16)
        layers = first(config, "decoder_layers", default=12)
        return Attention(layers, heads, first(config, "d_model", default=1024) // heads)

    return Architecture(
        stacks,
        attention,
        lambda config: first(config, "max_position_embeddings", default=positions),
    )


class Seq2Seq(ModelFamily):
    """The models that encode a prompt once and write beside it."""

    name = "seq2seq"
    kind = "encoder-decoder"
    task_type = "SEQ_2_SEQ_LM"
    auto_class = "AutoModelForSeq2SeqLM"
    one_row = False
    architectures = {  # noqa: RUF012 - a constant of the class
        "t5": _t5("relu", 6),
        "mt5": _t5("gated-gelu", 8),
        "umt5": _t5("gated-gelu", 8),
        "bart": _bart(1024),
        "pegasus": _bart(1024),
    }

    def settle(self, model: PreTrainedModel) -> None:
        """Makes the decoder begin with the same token in training and in an answer.

        Where only one of its configurations says with what, the other follows; where none does, it
        is padding, as T5 has it. transformers would begin an answer with the first token of texts.
        """
        super().settle(model)
        both = (model.config, model.generation_config)
        said = (getattr(settings, "decoder_start_token_id", None) for settings in both)
        begin = next((each for each in said if each is not None), model.config.pad_token_id)
        for settings in both:
            if getattr(settings, "decoder_start_token_id", None) is None:
                settings.decoder_start_token_id = begin

    def framing(self, tokenizer: Any) -> Framing:
        """Leaves all to the tokenizer.

        Raises:
            ValueError: It has no end token, or does not put it behind a text.
        """
        from trainables.families.framing import of_tokenizer

        found = of_tokenizer(tokenizer)
        if tokenizer("a")["input_ids"][-1:] != [found.end]:
            raise ValueError(
                f"The tokenizer {tokenizer.name_or_path!r} puts no end token behind a text, as"
                f" those of encoders do, and no statement would ever end: give its tokenizer.json"
                f" a post_processor that puts {tokenizer.eos_token} there."
            )
        return found

    def prompts(
        self, sources: Sequence[TokenIds], framing: Framing, padding_id: int, device: torch.device
    ) -> Prompts:
        """Pads prompts on the right."""
        from trainables.families.batch import pad

        return Prompts(*pad(sources, padding_id, device), padding_id, framing.end)

    def collate(
        self,
        sources: Sequence[TokenIds],
        targets: Sequence[TokenIds],
        *,
        padding_id: int,
        device: torch.device,
    ) -> Batch:
        """Pads prompts and statements on the right: labels are [b, longest statement]."""
        from trainables.families.batch import IGNORED_LABEL, Batch, pad

        input_ids, mask = pad(sources, padding_id, device)
        labels, _ = pad(targets, IGNORED_LABEL, device)
        return Batch(
            input_ids,
            mask,
            labels,
            source_tokens=sum(len(ids) for ids in sources),
            target_tokens=sum(len(ids) for ids in targets),
        )

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """Returns the loss that the model itself computes."""
        output = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            labels=batch.labels,
            use_cache=False,  # else the decoder copies every key and value
        )
        loss: torch.Tensor = output.loss
        return loss

    def encode(self, model: Any, prompts: Prompts) -> Any:
        """Returns the encoder's output."""
        return model.get_encoder()(
            input_ids=prompts.input_ids, attention_mask=prompts.attention_mask
        )

    def loss_of_rows(self, model: Any, batch: Batch, encoded: Any, rows: slice) -> float:
        """Runs the decoder alone."""
        from transformers.modeling_outputs import BaseModelOutput

        from trainables.families.batch import IGNORED_LABEL

        labels = batch.labels[rows]
        output = model(
            input_ids=batch.input_ids[rows],  # for the size of the batch only
            encoder_outputs=BaseModelOutput(last_hidden_state=encoded.last_hidden_state[rows]),
            attention_mask=batch.attention_mask[rows],
            labels=labels,
            use_cache=False,
        )
        return float(output.loss) * int((labels != IGNORED_LABEL).sum())

    def asking_code(self, framing: Framing, source_tokens: int, how: Decoding) -> list[str]:
        """Lets the tokenizer cut and close the prompt."""
        choice = choice_code(how)
        if how.beams > 1:
            choice += f", no_repeat_ngram_size={how.no_repeat_ngram}"
        return [
            f"inputs = tokenizer(prompt, truncation=True, max_length={source_tokens}, "
            "return_tensors='pt')",
            "begin = {'decoder_start_token_id': model.config.pad_token_id}",
            "for each in (model.config, model.generation_config):",
            "    said = each.to_dict().items()",
            "    begin |= {key: id for key, id in said if key in begin and isinstance(id, int)}",
            "output = model.generate(input_ids=inputs.input_ids,"
            " attention_mask=inputs.attention_mask,",
            f"                        **begin, {choice})",
            "text = tokenizer.decode(output[0], skip_special_tokens=True, "
            "clean_up_tokenization_spaces=False)",
        ]

    def generate(
        self, model: Any, prompts: Prompts, how: Decoding, encoded: Any = None
    ) -> list[list[int]]:
        """Returns what the decoder writes, its start token included."""
        from trainables.families.greedy import greedy

        given = {} if encoded is None else {"encoder_outputs": encoded}
        output = model.generate(
            input_ids=prompts.input_ids,
            attention_mask=prompts.attention_mask,
            do_sample=False,
            use_cache=True,
            max_new_tokens=how.max_new_tokens,
            num_beams=how.beams,
            custom_generate=greedy if how.beams == 1 else None,
            no_repeat_ngram_size=how.no_repeat_ngram,
            early_stopping=how.beams > 1,
            **given,
        )
        ids: list[list[int]] = output.tolist()
        return ids

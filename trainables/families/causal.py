"""Decoder-only models: Llama and its kin, Gemma, GPT-2 and GPT-NeoX.

A prompt and its statement are one row. The loss is on the statement alone, which the end token
closes; what begins it is the tokenizer's chat template, or where it has none the line `SQL:`.
Rows are padded on the right in training and on the left where an answer goes on from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trainables.families.architecture import (
    KEY,
    QUERY,
    VALUE,
    Architecture,
    Attention,
    Config,
    Stack,
    attention_layers,
    feed_forward_layers,
    first,
)
from trainables.families.chat_template import around_question
from trainables.families.family import Decoding, ModelFamily, Prompts, choice_code

if TYPE_CHECKING:
    import torch

    from trainables.families.batch import Batch
    from trainables.families.framing import Framing, TokenIds

_CUE = "\nSQL:\n"
"""What asks for the statement where no chat template does."""
_CUE_IN_WORDS = "SQL:"
"""The same for a tokenizer without line breaks."""
_FUSED = (QUERY, KEY, VALUE)


def _llama(
    depth: int = 32, heads: int = 32, width: int = 4096, positions: int = 2048
) -> Architecture:
    """Returns the architecture of Llama, which Mistral, Qwen and Gemma share.

    Args:
        depth: `num_hidden_layers` where the configuration does not say.
        heads: `num_attention_heads`, the same.
        width: `hidden_size`, the same.
        positions: `max_position_embeddings`, the same.
    """

    def stacks(config: Config) -> tuple[Stack, ...]:
        own = attention_layers("self_attn", "q_proj", "k_proj", "v_proj", "o_proj")
        wide = feed_forward_layers("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
        return (Stack("model.layers", attention(config).layers, own | wide),)

    def attention(config: Config) -> Attention:
        asking = first(config, "num_attention_heads", default=heads)
        own = first(config, "hidden_size", default=width) // asking
        return Attention(
            first(config, "num_hidden_layers", default=depth),
            first(config, "num_key_value_heads", default=asking),
            first(config, "head_dim", default=own),
        )

    return Architecture(
        stacks,
        attention,
        lambda config: first(config, "max_position_embeddings", default=positions),
    )


def _gpt2() -> Architecture:
    def stacks(config: Config) -> tuple[Stack, ...]:
        own = {"attn.c_attn": _FUSED, "attn.c_proj": ("o",)}
        wide = feed_forward_layers("mlp.c_fc", "mlp.c_proj")
        return (Stack("transformer.h", attention(config).layers, own | wide),)

    def attention(config: Config) -> Attention:
        heads = first(config, "n_head", "num_attention_heads", default=12)
        width = first(config, "n_embd", "hidden_size", default=768)
        depth = first(config, "n_layer", "num_hidden_layers", default=12)
        return Attention(depth, heads, width // heads)

    def positions(config: Config) -> int:
        return first(config, "n_positions", "max_position_embeddings", default=1024)

    return Architecture(stacks, attention, positions, transposed=True)


def _gpt_neox() -> Architecture:
    def stacks(config: Config) -> tuple[Stack, ...]:
        own = {"attention.query_key_value": _FUSED, "attention.dense": ("o",)}
        wide = feed_forward_layers("mlp.dense_h_to_4h", "mlp.dense_4h_to_h")
        return (Stack("gpt_neox.layers", attention(config).layers, own | wide),)

    def attention(config: Config) -> Attention:
        heads = first(config, "num_attention_heads", default=64)
        depth = first(config, "num_hidden_layers", default=44)
        return Attention(depth, heads, first(config, "hidden_size", default=6144) // heads)

    def positions(config: Config) -> int:
        return first(config, "max_position_embeddings", default=2048)

    return Architecture(stacks, attention, positions)


class Causal(ModelFamily):
    """The models that go on from a prompt."""

    name = "causal"
    kind = "decoder-only"
    task_type = "CAUSAL_LM"
    auto_class = "AutoModelForCausalLM"
    one_row = True
    architectures = {  # noqa: RUF012 - a constant of the class
        "llama": _llama(),
        "mistral": _llama(positions=131_072),
        "qwen2": _llama(positions=32_768),
        "qwen3": _llama(positions=32_768),
        "gemma": _llama(28, 16, 3072, 8192),
        "gemma2": _llama(26, 8, 2304, 8192),
        "gemma3_text": _llama(26, 8, 2304, 131_072),
        "gpt2": _gpt2(),
        "gpt_neox": _gpt_neox(),
    }

    def framing(self, tokenizer: Any) -> Framing:
        """Returns the chat template around a question; without one the first token and `SQL:`.

        Raises:
            ValueError: The tokenizer has no end token, or its chat template cannot be used.
        """
        from trainables.families.framing import Framing, end_token

        end = end_token(tokenizer)
        if tokenizer.chat_template is not None:
            texts = around_question(tokenizer, _CUE.rstrip())
            before, after = (_ids(tokenizer, text) for text in texts)
        else:
            before, after = _first_token(tokenizer), _ids(tokenizer, _cue(tokenizer))
        return Framing(by_tokenizer=False, before=before, after=after, end=end)

    def prompts(
        self, sources: Sequence[TokenIds], framing: Framing, padding_id: int, device: torch.device
    ) -> Prompts:
        """Pads prompts on the left, so that every answer begins where its row ends."""
        from trainables.families.batch import pad

        return Prompts(*pad(sources, padding_id, device, left=True), padding_id, framing.end)

    def collate(
        self,
        sources: Sequence[TokenIds],
        targets: Sequence[TokenIds],
        *,
        padding_id: int,
        device: torch.device,
    ) -> Batch:
        """Puts each statement behind its prompt and pads on the right.

        Labels are those of the last positions, [b, width - shortest prompt]: what stands before
        them has none, and its logits are not computed.
        """
        import numpy as np

        from trainables.families.batch import IGNORED_LABEL, Batch, pad

        pairs = list(zip(sources, targets, strict=True))
        input_ids, mask = pad([np.concatenate(pair) for pair in pairs], padding_id, device)
        begin = min(len(source) for source in sources)
        width = input_ids.shape[1]
        rows = []
        for source, target in pairs:
            row = np.full(width, IGNORED_LABEL, dtype=np.int32)
            row[len(source) : len(source) + len(target)] = target
            rows.append(row[begin:])
        labels, _ = pad(rows, IGNORED_LABEL, device)
        return Batch(
            input_ids,
            mask,
            labels[:, : width - begin],
            source_tokens=sum(len(ids) for ids in sources),
            target_tokens=sum(len(ids) for ids in targets),
        )

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """Returns the loss on the statements alone."""
        return _cross_entropy(model, batch, slice(None), "mean")

    def encode(self, model: Any, prompts: Prompts) -> Any:
        """Returns None: a prompt that is padded on the left shares nothing with a loss."""
        return None

    def loss_of_rows(self, model: Any, batch: Batch, encoded: Any, rows: slice) -> float:
        """Runs prompts and statements."""
        return float(_cross_entropy(model, batch, rows, "sum"))

    def asking_code(self, framing: Framing, source_tokens: int, how: Decoding) -> list[str]:
        """Puts the same token ids around the prompt as in training."""
        before, after = list(framing.before), list(framing.after)
        room = source_tokens - len(before) - len(after)
        lines = [
            "ids = tokenizer(prompt, add_special_tokens=False)['input_ids']",
            f"ids = {before} + ids[:{room}] + {after}",
            "given = model.generation_config.eos_token_id",
            "given = given if isinstance(given, list) else [given]",
            f"ends = {{{framing.end}, *given}} - {{None}}",
        ]
        choice = choice_code(how)
        if how.no_repeat_ngram:
            # The option `no_repeat_ngram_size` would forbid what the prompt says already.
            lines += [
                f"inner = transformers.NoRepeatNGramLogitsProcessor({how.no_repeat_ngram})",
                "def of_answer(seen, scores):",
                "    return inner(seen[:, len(ids):], scores)",
            ]
            choice += ", logits_processor=transformers.LogitsProcessorList([of_answer])"
        return [
            *lines,
            "output = model.generate(input_ids=torch.tensor([ids]),",
            "                        attention_mask=torch.ones(1, len(ids), dtype=torch.long),",
            "                        eos_token_id=sorted(ends), pad_token_id=min(ends),",
            f"                        {choice})",
            "text = tokenizer.decode(output[0, len(ids):], skip_special_tokens=True, "
            "clean_up_tokenization_spaces=False)",
        ]

    def generate(
        self, model: Any, prompts: Prompts, how: Decoding, encoded: Any = None
    ) -> list[list[int]]:
        """Returns what follows the prompts."""
        from trainables.families.greedy import greedy

        width = prompts.input_ids.shape[1]
        given = model.generation_config.eos_token_id
        also = [] if given is None else given if isinstance(given, list) else [given]
        output = model.generate(
            input_ids=prompts.input_ids,
            attention_mask=prompts.attention_mask,
            do_sample=False,
            use_cache=True,
            max_new_tokens=how.max_new_tokens,
            num_beams=how.beams,
            custom_generate=greedy if how.beams == 1 else None,
            early_stopping=how.beams > 1,
            pad_token_id=prompts.padding_id,
            eos_token_id=sorted({prompts.end_id, *also}),
            logits_processor=_no_repeat(how.no_repeat_ngram, width),
        )
        ids: list[list[int]] = output[:, width:].tolist()
        return ids


def _cross_entropy(model: Any, batch: Batch, rows: slice, reduction: str) -> torch.Tensor:
    """Returns the cross-entropy of some rows over their target tokens, in float32."""
    from torch.nn import functional

    from trainables.families.batch import IGNORED_LABEL

    labels = batch.labels[rows]
    output = model(
        input_ids=batch.input_ids[rows],
        attention_mask=batch.attention_mask[rows],
        use_cache=False,
        logits_to_keep=labels.shape[1] + 1,
    )
    # The logits of a position foretell the token of the next one.
    logits = output.logits[:, -labels.shape[1] - 1 : -1]
    return functional.cross_entropy(
        logits.float().flatten(0, 1),
        labels.flatten(),
        ignore_index=IGNORED_LABEL,
        reduction=reduction,
    )


def _no_repeat(ngram: int, width: int) -> Any:
    """Returns processors that forbid an answer to repeat itself; it may repeat its prompt."""
    from transformers import LogitsProcessor, LogitsProcessorList, NoRepeatNGramLogitsProcessor

    class OfAnswer(LogitsProcessor):
        def __init__(self) -> None:
            self._inner = NoRepeatNGramLogitsProcessor(ngram)

        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            forbidden: torch.Tensor = self._inner(input_ids[:, width:], scores)
            return forbidden

    return LogitsProcessorList([OfAnswer()] if ngram else [])


def _first_token(tokenizer: Any) -> tuple[int, ...]:
    """Returns the token that the tokenizer begins a text with, if it does."""
    ids = tokenizer("a")["input_ids"]
    begins = tokenizer.bos_token_id is not None and ids[:1] == [tokenizer.bos_token_id]
    return (int(tokenizer.bos_token_id),) if begins else ()


def _cue(tokenizer: Any) -> str:
    ids = list(_ids(tokenizer, _CUE))
    kept = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    return _CUE if kept.strip(" ") == _CUE else _CUE_IN_WORDS


def _ids(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"]) if text else ()

"""What stands around the token ids of a prompt and of a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainables.families.architecture import Config

TokenIds = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Framing:
    """How texts become rows of token ids for a family of models.

    Attributes:
        by_tokenizer: The tokenizer itself closes prompts and statements, with the special tokens
            that it was pretrained with.
        before: Token ids before each prompt, beside those of the tokenizer.
        after: Token ids that end each prompt, also one that was cut.
        end: The token that ends a statement.
    """

    by_tokenizer: bool
    before: tuple[int, ...]
    after: tuple[int, ...]
    end: int

    def prompts(self, tokenizer: Any, texts: Sequence[str]) -> list[TokenIds]:
        """Returns the rows of prompts, uncut."""
        rows = self._ids(tokenizer, texts)
        return rows if self.by_tokenizer else [_row(*self.before, *r, *self.after) for r in rows]

    def statements(self, tokenizer: Any, texts: Sequence[str]) -> list[TokenIds]:
        """Returns the rows of statements, uncut."""
        rows = self._ids(tokenizer, texts)
        return rows if self.by_tokenizer else [_row(*row, self.end) for row in rows]

    def cut_prompt(self, ids: TokenIds, limit: int) -> TokenIds:
        """Returns at most `limit` tokens of a prompt, which still ends as prompts do."""
        if len(ids) <= limit:
            return ids
        return _row(*ids[: max(0, limit - len(self.after))], *self.after)

    def cut_statement(self, ids: TokenIds, limit: int) -> TokenIds:
        """Returns at most `limit` tokens of a statement.

        One that was cut has no end token, so that no model learns to stop where the limit happened
        to fall.
        """
        return ids[:limit].copy() if len(ids) > limit else ids

    def _ids(self, tokenizer: Any, texts: Sequence[str]) -> list[TokenIds]:
        batch = tokenizer(list(texts), add_special_tokens=self.by_tokenizer)
        return [np.asarray(ids, dtype=np.int32) for ids in batch["input_ids"]]


def of_tokenizer(tokenizer: Any) -> Framing:
    """Returns the framing of a model whose tokenizer closes each text, as those of encoders do.

    Raises:
        ValueError: The tokenizer has no end token.
    """
    end = end_token(tokenizer)
    return Framing(by_tokenizer=True, before=(), after=(end,), end=end)


def end_token(tokenizer: Any) -> int:
    """Returns the token that ends a text.

    Raises:
        ValueError: The tokenizer has none.
    """
    if tokenizer.eos_token_id is None:
        raise ValueError(
            f"The tokenizer {getattr(tokenizer, 'name_or_path', '')!r} has no end token"
            " (eos_token), without which a statement never ends: set it in its"
            " tokenizer_config.json."
        )
    return int(tokenizer.eos_token_id)


def padding_token(tokenizer: Any, embedded: int) -> int:
    """Returns what fills a batch: the padding token, or the end token where there is none.

    No model sees it: positions that hold it are masked. But it is looked up, so one that was added
    to the tokenizer alone will not do.

    Args:
        tokenizer: The model's.
        embedded: How many token ids the model has.
    """
    if tokenizer.pad_token_id is not None and tokenizer.pad_token_id < embedded:
        return int(tokenizer.pad_token_id)
    return end_token(tokenizer)


def check_vocabulary(tokenizer: Any, framing: Framing, config: Config, name: str) -> None:
    """Checks that a model has an embedding for every token that its tokenizer makes of texts.

    Tokens that were added to a tokenizer, and stand in no text, may lie beyond.

    Args:
        tokenizer: The model's.
        framing: What stands around its prompts.
        config: The content of its config.json, defaults filled in.
        name: As the user gave it.

    Raises:
        ValueError: It has not.
    """
    rows = int(config["vocab_size"])
    needed = max(tokenizer.vocab_size - 1, framing.end, *framing.before, *framing.after)
    if needed >= rows:
        raise ValueError(
            f'The tokenizer of the base model "{name}" makes the token {needed:,}'
            f" ({tokenizer.convert_ids_to_tokens(needed)}), but the model has an embedding of"
            f" {rows:,} tokens: give the tokenizer that it was trained with, or enlarge it with"
            " `resize_token_embeddings`."
        )


def _row(*ids: int) -> TokenIds:
    return np.asarray(ids, dtype=np.int32)

"""Token ids of the rows of a trial, made when a row is first used."""

from __future__ import annotations

from collections.abc import Sequence

from trainables.sql_tokens import SqlTokens, TokenIds, collapse_white_space
from trainables.text_to_sql import Example, prompt


class EncodedRows:
    """Rows as token ids.

    Args:
        examples: The rows; they are named by their position from here on.
        tokens: Encodes prompts and SQL.
        source_limit: Prompts are cut to so many tokens, the end token included.
        target_limit: SQL is cut to so many tokens; what is cut has no end token.
        protocol: Which prompt; see `text_to_sql.prompt`.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        tokens: SqlTokens,
        *,
        source_limit: int,
        target_limit: int | None,
        protocol: str = "standard",
    ) -> None:
        self._examples = examples
        self._tokens = tokens
        self._source_limit = source_limit
        self._target_limit = target_limit
        self._protocol = protocol
        self._sources: dict[int, TokenIds] = {}
        self._targets: dict[int, TokenIds] = {}

    def __len__(self) -> int:
        return len(self._examples)

    def lengths(self, rows: Sequence[int]) -> list[tuple[int, int]]:
        """Returns the source and target tokens of each of these rows, tokenising the new ones."""
        new = [row for row in rows if row not in self._sources]
        prompts = [collapse_white_space(prompt(self._examples[row], self._protocol)) for row in new]
        sources = self._tokens.token_ids(prompts, self._source_limit, keep_end=True)
        statements = [self._examples[row].sql for row in new]
        targets = self._tokens.token_ids(statements, self._target_limit, keep_end=False)
        self._sources.update(zip(new, sources, strict=True))
        self._targets.update(zip(new, targets, strict=True))
        return [(len(self._sources[row]), len(self._targets[row])) for row in rows]

    def sources(self, rows: Sequence[int]) -> list[TokenIds]:
        """Returns the token ids of the rows' prompts; `lengths` must have been asked for them."""
        return [self._sources[row] for row in rows]

    def targets(self, rows: Sequence[int]) -> list[TokenIds]:
        """Returns the token ids of the rows' SQL; `lengths` must have been asked for them."""
        return [self._targets[row] for row in rows]

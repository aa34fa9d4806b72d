"""Token ids of a trial's rows: from the cache, or made when one of their block is first used."""

from __future__ import annotations

from collections.abc import Sequence

from trainables.data import token_cache
from trainables.data.prompt import prompt
from trainables.data.spelling import SqlTokens, collapse_white_space
from trainables.data.tables import Example
from trainables.data.token_cache import Block, Column
from trainables.families.framing import TokenIds

BLOCK = 1024
"""Rows that are tokenised and kept together. Those beyond the budget's last block never are."""


class EncodedRows:
    """Rows as token ids.

    Args:
        examples: The rows; they are named by their position from here on.
        tokens: Encodes prompts and SQL.
        source_limit: Prompts are cut to so many tokens, the end token included.
        target_limit: SQL is cut to so many tokens; what is cut has no end token.
        protocol: Which prompt; see `data.prompt.prompt`.
        count: Only so many rows, the first ones, are asked for; None for all. Blocks do not depend
            on it, so that smaller data sizes find those of larger ones.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        tokens: SqlTokens,
        *,
        source_limit: int,
        target_limit: int | None,
        protocol: str = "standard",
        count: int | None = None,
    ) -> None:
        self._examples = examples
        self._tokens = tokens
        self._source_limit = source_limit
        self._target_limit = target_limit
        self._protocol = protocol
        self._count = len(examples) if count is None else count
        self._blocks: dict[int, Block] = {}

    def __len__(self) -> int:
        return self._count

    def lengths(self, rows: Sequence[int]) -> list[tuple[int, int]]:
        """Returns the source and target tokens of each of these rows."""
        found = []
        for row in rows:
            block, place = self._place(row)
            found.append((block.source.length(place), block.target.length(place)))
        return found

    def whole_lengths(self, rows: Sequence[int]) -> list[tuple[int, int]]:
        """Returns the tokens of each of these rows' prompt and SQL before anything is cut."""
        return [
            (int(block.source.whole[place]), int(block.target.whole[place]))
            for block, place in map(self._place, rows)
        ]

    def are_cut(self, rows: Sequence[int], target_limit: int) -> list[bool]:
        """Returns of each of these rows whether its prompt or its SQL is longer than the limits.

        Args:
            rows: Their positions.
            target_limit: Of the SQL, also where it is not cut here.
        """
        return [source or target for source, target in self.cuts(rows, target_limit)]

    def cuts(self, rows: Sequence[int], target_limit: int) -> list[tuple[bool, bool]]:
        """Returns the same of prompt and SQL apart."""
        return [
            (
                int(block.source.whole[place]) > self._source_limit,
                int(block.target.whole[place]) > target_limit,
            )
            for block, place in map(self._place, rows)
        ]

    def sources(self, rows: Sequence[int]) -> list[TokenIds]:
        """Returns the token ids of the rows' prompts."""
        return [block.source.row(place) for block, place in map(self._place, rows)]

    def targets(self, rows: Sequence[int]) -> list[TokenIds]:
        """Returns the token ids of the rows' SQL."""
        return [block.target.row(place) for block, place in map(self._place, rows)]

    def _place(self, row: int) -> tuple[Block, int]:
        number, place = divmod(row, BLOCK)
        if number not in self._blocks:
            self._blocks[number] = self._block(number)
        return self._blocks[number], place

    def _block(self, number: int) -> Block:
        examples = self._examples[number * BLOCK : (number + 1) * BLOCK]
        prompts = [collapse_white_space(prompt(example, self._protocol)) for example in examples]
        statements = [example.sql for example in examples]
        limits = (self._source_limit, self._target_limit)
        name = token_cache.key(
            self._tokens.tokenizer, self._tokens.framing, prompts, statements, *limits
        )
        block = token_cache.load(name, len(examples))
        if block is None:
            whole = self._tokens.prompt_ids(prompts)
            source = _column(whole, self._tokens.cut_prompts(whole, self._source_limit))
            whole = self._tokens.statement_ids(statements)
            target = _column(whole, self._tokens.cut_statements(whole, self._target_limit))
            block = Block(source, target)
            token_cache.store(name, block)
        return block


def _column(whole: Sequence[TokenIds], cut: Sequence[TokenIds]) -> Column:
    return Column.of(cut, [len(ids) for ids in whole])

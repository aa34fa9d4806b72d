"""How much SQL a tokenizer loses, and how much of that `trainables.data.spelling` saves.

    python -m benchmarks.damaged_sql google/flan-t5-large gretelai/synthetic_text_to_sql
    python -m benchmarks.damaged_sql /models/flan-t5-large /data/questions.parquet

A statement is damaged if it does not come back the same from encoding and decoding. Cost is tokens
per statement: what ordinary statements cost must not change.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence

from orchestrator.terminal.console import console
from trainables.base_models.tokenizer import load_tokenizer
from trainables.data.spelling import SqlTokens
from trainables.data.tables import read

_ROWS = 1000
"""Statements that are encoded at once."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tokenizer", help="a folder, an identifier of the hub, or embedded")
    parser.add_argument("datasets", nargs="+", help="tables, folders, identifiers, or embedded")
    given = parser.parse_args(arguments)
    tokenizer = load_tokenizer(given.tokenizer, None)
    tokens = SqlTokens(tokenizer)
    out = console()
    out.print(
        f"{'data set':44} {'split':10} {'rows':>7} {'plain: damaged':>15} {'ours: damaged':>14}"
        f" {'tokens, undamaged rows: plain':>30} {'ours':>6}",
        markup=False,
    )
    for name in given.datasets:
        for split, examples in read(name).items():
            plain_damaged = our_damaged = 0
            costs: list[tuple[int, int]] = []
            for start in range(0, len(examples), _ROWS):
                texts = [example.sql for example in examples[start : start + _ROWS]]
                plain_ids = tokenizer(texts)["input_ids"]
                plain = tokenizer.batch_decode(
                    plain_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
                )
                our_ids = tokens.prompt_ids(texts)
                ours = tokens.texts(our_ids)
                for text, a, b, x, y in zip(texts, plain, ours, plain_ids, our_ids, strict=True):
                    plain_damaged += a != text
                    our_damaged += b != text
                    if a == text:
                        costs.append((len(x), len(y)))
            mean = [statistics.fmean(cost) for cost in zip(*costs, strict=True)] or [0.0, 0.0]
            rows = len(examples)
            out.print(
                f"{name[-44:]:44} {split:10} {rows:7,}"
                f" {plain_damaged:7,} {plain_damaged / rows:7.1%} {our_damaged:14,}"
                f" {mean[0]:30.2f} {mean[1]:6.2f}",
                markup=False,
            )


if __name__ == "__main__":
    main()

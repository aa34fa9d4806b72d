"""Tells what the rows of a sweep are before it starts: reads them once, and says all of it.

    python -m trainables.preview [--rows-only] < configuration.json

prints one JSON object, a `Preview` or `error`. A command of its own, because it takes the base
model's tokenizer and perhaps the hub's data sets, and whoever schedules trials must not load those
libraries. What is tokenised here is kept for the trials.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainables.base_models.tokenizer import framing_of, load_family, load_tokenizer
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.errors import UserError
from trainables.data.encoded_rows import EncodedRows
from trainables.data.spelling import SqlTokens
from trainables.data.splits import NOTEBOOK_ROWS, Splits
from trainables.data.survey import (
    LONGEST_SHOWN,
    SHOWN,
    SeenExample,
    Survey,
    seen_examples,
    survey,
)
from trainables.evaluation.measurable import Measurable, measurable_rows
from trainables.families.framing import TokenIds


@dataclass(frozen=True)
class Preview:
    """What is known of a sweep's rows.

    Attributes:
        survey: How many there are.
        cut: Split -> rows whose prompt or statement is longer than the limits: of training those
            that the largest data size takes, else all that are scored. None where they were not
            counted.
        unknown: Why they could not be.
        lengths: "prompt" and "statement" -> median, 95th percentile and maximum of the tokens of
            these training rows.
        measurable: On how many validation rows execution accuracy can be measured; None where that
            was not asked for.
        examples: The first training rows, as the model sees them.
    """

    survey: Survey
    cut: Mapping[str, int] | None = None
    unknown: str | None = None
    lengths: Mapping[str, Sequence[int]] = field(default_factory=dict)
    measurable: Measurable | None = None
    examples: Sequence[SeenExample] = ()


def preview(configuration: TrialConfiguration, *, rows_only: bool = False) -> Preview:
    """Returns what is known of a sweep's rows.

    Args:
        configuration: A trial of it, with its largest data size.
        rows_only: Leave out which are cut.

    Raises:
        DatasetError: The rows cannot be had, or not be divided so.
    """
    surveyed, splits = survey(configuration)
    if rows_only:
        return Preview(surveyed)
    measured = measurable_rows(splits.validation)
    try:
        base = configuration.base_model, configuration.base_model_revision
        tokenizer = load_tokenizer(*base)
        framing = framing_of(load_family(*base), tokenizer)
    except UserError as error:
        seen = seen_examples(splits)
        return Preview(surveyed, unknown=str(error), measurable=measured, examples=seen)
    tokens = SqlTokens(tokenizer, framing)
    taught = EncodedRows(
        splits.train,
        tokens,
        source_limit=configuration.source_tokens,
        target_limit=configuration.target_tokens,
    )
    whole = taught.whole_lengths(range(min(configuration.data_size, len(splits.train))))
    return Preview(
        surveyed,
        cut=_cut(splits, tokens, configuration),
        lengths={
            what: [int(np.percentile(found, share, method="higher")) for share in (50, 95, 100)]
            for what, found in zip(("prompt", "statement"), zip(*whole, strict=True), strict=False)
        },
        measurable=measured,
        examples=_seen(taught, tokens, min(SHOWN, len(splits.train))),
    )


def _seen(rows: EncodedRows, tokens: SqlTokens, count: int) -> list[SeenExample]:
    """Returns the first rows as their token ids say them, which may be cut."""

    def text(ids: TokenIds) -> str:
        return tokens.decode(tokens.tokenizer.decode(ids, clean_up_tokenization_spaces=False))

    return [
        SeenExample(text(source)[:LONGEST_SHOWN], text(target)[:LONGEST_SHOWN])
        for source, target in zip(
            rows.sources(range(count)), rows.targets(range(count)), strict=True
        )
    ]


def _cut(splits: Splits, tokens: SqlTokens, configuration: TrialConfiguration) -> dict[str, int]:
    """Counts through the same blocks of token ids as the trials make."""
    tested = configuration.test_protocols[0]
    counted = (
        ("train", splits.train, "standard", configuration.data_size),
        ("validation", splits.validation, configuration.validation_protocol, None),
        ("test", splits.test, tested, NOTEBOOK_ROWS if tested == "notebook" else None),
    )
    found = {}
    for split, examples, protocol, most in counted:
        count = len(examples) if most is None else min(most, len(examples))
        rows = EncodedRows(
            examples,
            tokens,
            source_limit=configuration.source_tokens,
            target_limit=configuration.target_tokens if split == "train" else None,
            protocol=protocol,
        )
        found[split] = sum(rows.are_cut(range(count), configuration.target_tokens))
    return found


def main() -> None:
    """Answers one configuration on standard input."""
    configuration = TrialConfiguration.from_dict(json.load(sys.stdin))
    try:
        found = preview(configuration, rows_only="--rows-only" in sys.argv)
        answer: dict[str, Any] = dataclasses.asdict(found)
    except UserError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

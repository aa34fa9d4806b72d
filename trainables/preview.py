"""Counts the rows of a sweep, and those that its limits of length would cut, before it starts.

    python -m trainables.preview [--rows-only] < configuration.json

prints one JSON object: `survey`, `cut` and `unknown` of a `Preview`, or `error`. A command of its
own, because it takes the base model's tokenizer and perhaps the hub's data sets, and whoever
schedules trials must not load those libraries. What is tokenised here is kept for the trials.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainables.base_models.tokenizer import framing_of, load_family, load_tokenizer
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.errors import UserError
from trainables.data.encoded_rows import EncodedRows
from trainables.data.spelling import SqlTokens
from trainables.data.splits import NOTEBOOK_ROWS, Splits
from trainables.data.survey import Survey, survey


@dataclass(frozen=True)
class Preview:
    """What is known of a sweep's rows.

    Attributes:
        survey: How many there are.
        cut: Split -> rows whose prompt or statement is longer than the limits: of training those
            that the largest data size takes, else all that are scored. None where they were not
            counted.
        unknown: Why they could not be.
    """

    survey: Survey
    cut: Mapping[str, int] | None
    unknown: str | None


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
        return Preview(surveyed, None, None)
    try:
        base = configuration.base_model, configuration.base_model_revision
        tokenizer = load_tokenizer(*base)
        framing = framing_of(load_family(*base), tokenizer)
    except UserError as error:
        return Preview(surveyed, None, str(error))
    return Preview(surveyed, _cut(splits, SqlTokens(tokenizer, framing), configuration), None)


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

"""What `--plan` shows of a sweep's rows: all of it from one reading of the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from orchestrator.search_space import Sweep
from orchestrator.sweep.rows import (
    any_trial,
    ask,
    describe_split,
    describe_table,
    splits_of,
    survey_from,
    surveyed,
)
from trainables.base_models.availability import has_tokenizer
from trainables.contract.configuration import BUILT_IN_MODELS, EMBEDDED
from trainables.data.availability import is_cached
from trainables.data.locations import is_on_hub, split_files
from trainables.data.survey import SeenExample, Survey, seen_examples
from trainables.embedded.corpus import LONGEST_PROMPT, LONGEST_STATEMENT
from trainables.evaluation.measurable import Measurable, measurable_rows

_LONGEST_PROMPT, _LONGEST_SQL = 200, 120
"""Characters of an example: two lines of a wide terminal."""


@dataclass(frozen=True)
class Cut:
    """The rows that the limits of length cut.

    Attributes:
        rows: Split -> how many; None where they could not be counted.
        unknown: Why they could not.
        lengths: "prompt" and "statement" -> median, 95th percentile and maximum of the tokens of
            training rows; empty where they are not known.
    """

    rows: Mapping[str, int] | None
    unknown: str | None = None
    lengths: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class RowPreview:
    """What is known of a sweep's rows.

    Attributes:
        survey: How many there are, of a data set of the user's own or of the hub's that is here.
        cut: Those that are longer than the limits.
        measurable: Those whose execution accuracy can be measured; None where nobody has looked.
        examples: The first training rows, as the model sees them.
    """

    survey: Survey | None
    cut: Cut
    measurable: Measurable | None = None
    examples: Sequence[SeenExample] = ()


def preview(sweep: Sweep, largest_size: int) -> RowPreview:
    """Returns what is known of the sweep's rows.

    Args:
        sweep: The resolved search space file.
        largest_size: Of the data sizes that a trial may have.

    Raises:
        UserError: They cannot be had, or not be divided so.
        SandboxUnavailable: No SQL can be run here.
    """
    if is_on_hub(sweep.dataset) and not is_cached(sweep.dataset):
        return RowPreview(
            None, Cut(None, f"the data set {sweep.dataset} is not on this machine yet")
        )
    lengths = sweep.lengths
    if (
        # A token of the built-in model is at least one character: there is nothing to count.
        sweep.dataset == EMBEDDED
        and sweep.base_model in BUILT_IN_MODELS
        and lengths.source > LONGEST_PROMPT
        and lengths.target > LONGEST_STATEMENT
    ):
        splits = splits_of(sweep)
        nothing = Cut(dict.fromkeys(("train", "validation", "test"), 0))
        measured = measurable_rows(splits.validation)
        return RowPreview(None, nothing, measured, seen_examples(splits))
    split_files(sweep.dataset)  # refuses what is not there without waiting for the process
    answer = ask(any_trial(sweep, largest_size))
    if "survey" not in answer:
        return RowPreview(surveyed(sweep), Cut(None, answer["failure"]))
    unknown = answer["unknown"]
    if not has_tokenizer(sweep.base_model, sweep.base_model_revision):
        unknown = f"the base model {sweep.base_model} is not on this machine yet"
    return RowPreview(
        None if sweep.dataset == EMBEDDED else survey_from(answer["survey"]),
        Cut(answer["cut"], unknown, answer["lengths"]),
        Measurable(**answer["measurable"]),
        [SeenExample(**example) for example in answer["examples"]],
    )


def describe(sweep: Sweep, found: RowPreview) -> Iterator[tuple[str, str]]:
    """Yields what is known of the rows, a name and words at a time.

    Args:
        sweep: The resolved search space file.
        found: From `preview`.
    """
    if found.measurable is not None:
        yield "", found.measurable.sentence()
    if found.survey is not None:
        yield "rows", _counted(found.survey)
    yield from (("", words) for words in describe_table(sweep, found.survey))
    yield from zip_longest(("split",), describe_split(sweep, found.survey), fillvalue="")
    if found.cut.lengths:
        yield "lengths", _lengths(sweep, found.cut.lengths)
    yield "cut", describe_cut(sweep, found.cut)
    for number, example in enumerate(found.examples):
        shown = f"{_shortened(example.prompt, _LONGEST_PROMPT)} => "
        yield (
            ("" if number else "examples"),
            f"{number + 1}. {shown}{_shortened(example.sql, _LONGEST_SQL)}",
        )


def describe_cut(sweep: Sweep, found: Cut) -> str:
    """Returns how many rows are longer than the limits, in words.

    Args:
        sweep: The resolved search space file.
        found: From `preview`.
    """
    limits = (
        f"prompts over {sweep.lengths.source:,} tokens or statements over"
        f" {sweep.lengths.target:,}; scored on the whole statement"
    )
    if found.rows is None:
        return f"not counted, since {found.unknown} ({limits})"
    counts = (f"{found.rows[split]:,} of {split}" for split in ("train", "validation", "test"))
    return f"{', '.join(counts)} rows ({limits})"


def _counted(found: Survey) -> str:
    repeated = f"{found.repeated:,}" if found.repeated else "no"
    bad = "1 bad row" if found.bad_rows == 1 else f"{found.bad_rows or 'no'} bad rows"
    return f"{found.rows:,}; {repeated} duplicates dropped, {bad}"


def _lengths(sweep: Sweep, lengths: Mapping[str, Sequence[int]]) -> str:
    limits = {"prompt": sweep.lengths.source, "statement": sweep.lengths.target}
    return "; ".join(
        f"{what}s of {median:,} tokens (median), {high:,} (95 % have no more), {most:,} (longest);"
        f" limit {limits[what]:,}"
        for what, (median, high, most) in lengths.items()
    )


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 4]} ..."

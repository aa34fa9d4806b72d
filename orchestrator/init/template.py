"""The text of a search space file that `init` writes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.init.findings import Division, Findings
from trainables.contract.configuration import BUILT_IN_MODELS, EMBEDDED
from trainables.contract.splits import BY_ROW
from trainables.contract.yaml_texts import remark, text_value
from trainables.data.bad_rows import SKIP
from trainables.data.row_counts import training_rows

_FULL_SIZES = (1_000, 20_000)
_EMBEDDED_SIZES = (100, 1_000)
_WIDTH = 100
_RATES = 6
"""Learning rates a combination: fewer leave its best to luck."""


@dataclass(frozen=True)
class Asked:
    """What `init` was asked for.

    Attributes:
        name: Of the sweep.
        dataset: A table, a folder or an identifier of the hub; None leaves it to the profile.
        databases: An SQLite file or a folder of them, which have the schemas; None for the table.
        columns: The project's columns, and what the table calls them, where that was said.
        base_model: A folder, "embedded" or an identifier of the hub; None leaves it to the profile.
        seed: Of the sweep.
        schema: Path of the JSON Schema, for editors.
        command: How the sweep is run, without options.
    """

    name: str
    dataset: str | None
    databases: str | None
    columns: Mapping[str, str]
    base_model: str | None
    seed: int
    schema: str
    command: str


@dataclass(frozen=True)
class Scale:
    """Sizes that suit a base model and the rows that there are.

    Attributes:
        ranks: Of the adapters.
        rates: Bounds of the learning rate.
        sizes: Numbers of training rows, ascending.
        budget: Examples that each trial sees.
    """

    ranks: tuple[int, ...]
    rates: tuple[str, str]
    sizes: tuple[int, ...]
    budget: int


def full_scale(rows: int | None) -> Scale:
    """Returns the sizes for a model of the hub's; `rows` are those to train on, None if unknown."""
    sizes = _FULL_SIZES if rows is None else training_sizes(rows, _FULL_SIZES[-1])
    budget = max(sizes[-1], min(20_000, max(2_000, 20 * sizes[-1])))
    return Scale((4, 16, 64), ("1.0e-4", "1.0e-2"), sizes, budget)


def embedded_scale(rows: int | None) -> Scale:
    """Returns the sizes for the built-in model, which is 128 wide."""
    sizes = _EMBEDDED_SIZES if rows is None else training_sizes(rows, _EMBEDDED_SIZES[-1])
    return Scale((1, 4, 16), ("1.0e-3", "1.0e-1"), sizes, 2_400)


def training_sizes(rows: int, most: int) -> tuple[int, ...]:
    """Returns a size near all of the rows, and a tenth of it where that is enough to train on.

    Args:
        rows: To train on.
        most: The largest size that is worth asking for.
    """
    largest = _round_down(min(rows, most))
    tenth = _round_down(largest // 10)
    return (tenth, largest) if tenth >= 30 else (largest,)


def _round_down(count: int) -> int:
    """Returns a number with its first two digits."""
    digits = max(0, len(str(count)) - 2)
    return int(f"{str(count)[:2]}{'0' * digits}")


def candidate(asked: Asked, division: Division) -> str:
    """Returns the shortest search space file over this data set that divides its rows so."""
    dataset = asked.dataset or EMBEDDED
    databases = f"databases: {text_value(asked.databases)}\n" if asked.databases else ""
    columns = f"{_columns(asked.columns)}\n" if asked.columns else ""
    return (
        f"name: {text_value(asked.name)}\nquestion: x\nobjective: {{metric: rouge_l}}\n"
        f"dataset: {text_value(dataset)}\nseed: {asked.seed}\nsplit_by: {division.split_by}\n"
        f"{databases}{columns}bad_rows: {division.bad_rows}\n"
        f"base_model: {EMBEDDED}\nspace: {{technique: {{lora: {{}}}}, data_size: 1}}\n"
        f"trials: 1\nbudget: {{examples: 100}}\n"
        f"evaluation: {{validation_rows: {division.validation_rows},"
        f" test_rows: {division.test_rows}}}\n"
    )


def _training_rows(asked: Asked, findings: Findings) -> int | None:
    if findings.rows is not None:
        return findings.rows.train.rows
    division = findings.division
    if asked.dataset != EMBEDDED:
        return None
    return training_rows(EMBEDDED, division.validation_rows, division.test_rows)


def document(asked: Asked, findings: Findings, notes: list[str]) -> str:
    """Returns the text of the search space file.

    Args:
        asked: What was asked for.
        findings: What the rows allow.
        notes: What was found, in words, for its head.
    """
    rows = _training_rows(asked, findings)
    own = embedded_scale(rows) if asked.base_model in BUILT_IN_MODELS else full_scale(rows)
    questions = ["rank"] + (["data_size"] if len(own.sizes) > 1 else [])
    strata = len(own.ranks) * len(own.sizes)
    what = "Does a bigger adapter buy better SQL"
    what += ", and at which data size?" if len(own.sizes) > 1 else "?"
    parts = [
        f"# yaml-language-server: $schema={asked.schema}",
        "#",
        f"# {what}",
        "#",
        f"#   {remark(asked.command)} --plan     what would run, without running",
        f"#   {remark(asked.command)}",
        "#",
        "# Change anything here, or without editing: --trials 60   --set seed=1   --set ask=rank",
        "#",
        *(line for note in notes for line in _remark(note)),
        "",
        f"name: {text_value(asked.name)}",
        f"question: {what}",
        _line(f"ask: [{', '.join(questions)}]", f"{strata} combinations, each with its own rate"),
        _objective(findings),
        _line("baseline: true", "the untuned model, once: what tuning starts from"),
        *([f"base_model: {text_value(asked.base_model)}"] if asked.base_model else []),
        *([f"dataset: {text_value(asked.dataset)}"] if asked.dataset else []),
        *_table(asked, findings),
        *_split(findings, asked.dataset),
        "",
        "space:",
        _line("  technique:", "or qlora, prefix, full: each has parameters of its own"),
        "    lora:",
        _line(f"      rank: {{choice: [{_list(own.ranks)}]}}", "parameters grow in proportion"),
        f"      learning_rate: {{loguniform: [{', '.join(own.rates)}]}}",
        _line(f"  data_size: {_sizes(own.sizes)}", "distinct rows; the budget stays the same"),
        "",
        _line(f"trials: {_RATES * strata}", f"{_RATES} rates each: fewer leave the best to luck"),
        f"seed: {asked.seed}",
        _line(f"budget: {{examples: {own.budget}}}", "of every trial, whatever its data_size"),
        _line("stopping: {first_rung: 0.14, reduction_factor: 2}", "by the validation loss"),
        _line(f"confirm: {{runs: {3 * strata}, seeds: 3}}", "the best of each, under new seeds"),
        "evaluation:",
        _line(f"  validation_rows: {findings.division.validation_rows}", "what tuning chooses by"),
        _line(
            f"  test_rows: {findings.division.test_rows}",
            "what is stated rests on these; nothing is chosen on them",
        ),
        *_profiles(asked, rows),
    ]
    return "\n".join(parts) + "\n"


def _line(code: str, words: str) -> str:
    """Returns a line of the file with what there is to say of it."""
    return f"{code:<39} # {words}"


def _remark(words: str) -> list[str]:
    """Returns a remark as lines of the file, the second and later ones indented."""
    return textwrap.wrap(
        remark(words),
        _WIDTH,
        initial_indent="# ",
        subsequent_indent="#   ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _objective(findings: Findings) -> str:
    if findings.by_execution:
        why = "does the SQL give the right result?"
        return _line("objective: {metric: execution_accuracy}", why)
    return _line("objective: {metric: rouge_l}", "overlap with the reference statement")


def _table(asked: Asked, findings: Findings) -> list[str]:
    """Returns what is to be said of a table beside its name."""
    lines = []
    found = asked.columns if findings.rows is None else findings.rows.columns
    if found:
        lines.append(_columns(found))
    if findings.rows is not None and findings.rows.mixed_columns:
        mixed = ", ".join(findings.rows.mixed_columns)
        lines += _remark(f"{mixed}: each table has names of its own, which are recognised")
    if asked.databases is not None:
        lines.append(f"databases: {text_value(asked.databases)}")
    if findings.division.bad_rows == SKIP:
        lines.append(_line("bad_rows: skip", "those that are counted above"))
    return lines


def _columns(found: Mapping[str, str]) -> str:
    named = (f"{text_value(ours)}: {text_value(theirs)}" for ours, theirs in found.items())
    return f"columns: {{{', '.join(named)}}}"


def _split(findings: Findings, dataset: str | None) -> list[str]:
    """Returns how rows are divided, with what the test then has in common with training."""
    if dataset is None:
        return []
    code, rows = f"split_by: {findings.division.split_by}", findings.rows
    if dataset == EMBEDDED:
        shared = "no schema is both trained on and tested on"
    elif rows is None:
        # Of test rows that the data set may have as its own nobody knows anything yet.
        shared = "a test that is taken from training has schemas of its own"
    elif rows.overlap.schemas:
        of = f"its own {rows.overlap.of:,}" if rows.has_test else f"{rows.overlap.of:,}"
        shared = f"{rows.overlap.schemas:,} of {of} test rows have their schema in training"
    else:
        shared = "no schema is both trained on and tested on"
    if findings.division.split_by == BY_ROW:
        few = "too few schemas, or rows of them, to keep some apart:"
        return [_line(code, few), _line("", shared)]
    return [_line(code, shared)]


def _profiles(asked: Asked, rows: int | None) -> list[str]:
    """Returns what differs for the built-in model, where the profile decides on the model."""
    if asked.base_model is not None:
        return []
    small, large = embedded_scale(rows), full_scale(rows)
    sizes = small.sizes if len(small.sizes) == len(large.sizes) else large.sizes
    return [
        "",
        "profiles:",
        _line("  embedded:", "the built-in model, where there is no GPU"),
        "    space:",
        "      technique:",
        "        lora:",
        f"          rank: {{choice: [{_list(small.ranks)}]}}",
        f"          learning_rate: {{loguniform: [{', '.join(small.rates)}]}}",
        f"      data_size: {_sizes(sizes)}",
        f"    budget: {{examples: {small.budget}}}",
        *([] if asked.dataset else ["    evaluation: {test_rows: 200}"]),
        _line("  full: {}", "as above"),
    ]


def _sizes(sizes: tuple[int, ...]) -> str:
    return f"{{choice: [{_list(sizes)}]}}" if len(sizes) > 1 else str(sizes[0])


def _list(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values))

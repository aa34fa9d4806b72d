"""What is known of a sweep's rows before it starts: their columns, and how they are split."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.errors import UserError
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import Proposal, trial_configuration
from orchestrator.search_space import Sweep
from orchestrator.terminal.values import counted
from trainables.contract.configuration import EMBEDDED, TrialConfiguration
from trainables.contract.splits import BY_ROW, BY_SCHEMA
from trainables.data.availability import is_cached
from trainables.data.columns import CONTEXT, DATABASE, OPTIONAL_COLUMNS, PROMPT, SQL, listed
from trainables.data.locations import is_on_hub
from trainables.data.overlap import Overlap
from trainables.data.reading import Reading
from trainables.data.splits import Splits, load_splits
from trainables.data.survey import Part, Survey, survey
from trainables.techniques.registry import BASELINE

PREVIEW = "trainables.preview"
EVIDENCE = "evidence"
"""BIRD's column of what a question presupposes."""
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}


def splits_of(sweep: Sweep) -> Splits:
    """Returns the sweep's rows, divided.

    Raises:
        DatasetError: They cannot be read, or not be divided so.
    """
    wanted = sweep.evaluation
    return load_splits(
        sweep.dataset,
        sweep.dataset_revision,
        sweep.seed,
        wanted.validation_rows,
        wanted.test_rows,
        sweep.split_by,
        reading(sweep),
    )


def reading(sweep: Sweep) -> Reading:
    """Returns how the sweep's rows are taken from the tables."""
    return Reading.of(any_trial(sweep, 0))


def surveyed(sweep: Sweep) -> Survey | None:
    """Returns what the sweep's rows are.

    Args:
        sweep: The resolved search space file; its data set is there.

    Returns:
        None for the built-in corpus, which has a split of its own, and for a data set of the hub's
        that is not on this machine.

    Raises:
        UserError: They cannot be divided so, or are too few.
    """
    if sweep.dataset == EMBEDDED:
        return None
    configuration = any_trial(sweep, 0)
    if not is_on_hub(sweep.dataset):
        return survey(configuration)[0]
    # The library that reads the hub's data sets is not loaded here.
    answer = ask(configuration, "--rows-only") if is_cached(sweep.dataset) else {}
    return survey_from(answer["survey"]) if "survey" in answer else None


def describe_table(sweep: Sweep, found: Survey | None) -> Iterator[str]:
    """Yields which columns were taken for which, and what was left out, in words.

    Args:
        sweep: The resolved search space file.
        found: From `surveyed`.
    """
    if found is None:
        return
    if found.columns or found.mixed_columns:
        names = (
            _called(ours, found)
            for ours in (PROMPT, CONTEXT, SQL, DATABASE, *OPTIONAL_COLUMNS)
            if ours in found.columns or ours in found.mixed_columns
        )
        yield f"columns: {', '.join(names)}"
    if found.unused:
        yield f"columns that are not used: {listed(found.unused)}{_hints(found.unused)}"
    if found.without_schema:
        yield (
            f"{found.without_schema:,} of {found.rows:,} rows have no schema: their prompts are"
            " questions alone"
        )
    if found.databases:
        files = "1 database" if found.databases == 1 else f"{found.databases:,} databases"
        yield f"SQL runs on the rows of {files} of {sweep.databases}"
    if found.bad_rows:
        rows = "row" if found.bad_rows == 1 else "rows"
        yield f"left out: {found.bad_rows:,} bad {rows}: {found.bad_rows_said}"


def _called(ours: str, found: Survey) -> str:
    """Returns which column of the tables is one of the project's; where they differ, of which."""
    if ours in found.columns:
        return f"{listed([found.columns[ours]])} as {ours}"
    names = found.mixed_columns[ours].items()
    return f"{' and '.join(f'{listed([name])} (of {file})' for name, file in names)} as {ours}"


def _hints(unused: Sequence[str]) -> str:
    """Returns what is to be said of BIRD's hints, without which its questions are other ones."""
    names = [name for name in unused if name.casefold() == EVIDENCE]
    return f" ({names[0]} holds hints: join them to the questions to use them)" if names else ""


def describe_split(sweep: Sweep, found: Survey | None) -> Iterator[str]:
    """Yields how the rows are split, and what the test has in common with training, in words.

    Args:
        sweep: The resolved search space file.
        found: From `surveyed`.
    """
    if sweep.dataset == EMBEDDED:
        yield "the built-in corpus's own, in which each row has a schema of its own"
        return
    schemas = "schema" if sweep.databases is None else "database"
    how = {BY_SCHEMA: f"by {schemas}", BY_ROW: "by row"}.get(
        sweep.split_by, f"by the column {sweep.split_by}"
    )
    if found is None:
        yield f"{how}; the rows are counted when they are here"
        return
    in_schemas = sweep.split_by in (BY_SCHEMA, BY_ROW)

    def groups(count: int) -> str:
        if in_schemas:
            return counted(count, schemas)
        return f"{counted(count, 'value')} of {sweep.split_by}"

    parts = (
        f"{part.rows:,} {use}, of {groups(part.groups)}"
        for part, use in (
            (found.train, f"row{'' if found.train.rows == 1 else 's'} to train on"),
            (found.validation, "to validate on"),
            (found.test, "to test on"),
        )
    )
    own = ", the test rows as the data set has them" if found.has_test else ""
    yield f"{how}{own}: {'; '.join(parts)}"
    yield _shared(found.overlap, left_out=found.has_test)


def _shared(common: Overlap, *, left_out: bool) -> str:
    dropped = " (these are left out of training)" if left_out and common.rows else ""
    return (
        f"of {common.of:,} test rows {common.rows:,} have their question in training too{dropped},"
        f" {common.statements:,} their statement, {common.schemas:,} their schema"
    )


def any_trial(sweep: Sweep, data_size: int) -> TrialConfiguration:
    """Returns a trial of the sweep with so many training rows; all have the same split."""
    untuned: Configuration = {"technique": BASELINE.name, "data_size": data_size}
    return trial_configuration(sweep, Proposal(0, None, 0, untuned))


def ask(
    configuration: TrialConfiguration,
    *options: str,
    module: str = PREVIEW,
    threads: int | None = None,
) -> dict[str, Any]:
    """Asks a process about one trial; see `answer_of`.

    Args:
        configuration: The trial.
        options: Of the module.
        module: What answers.
        threads: How many it computes with; None leaves it to torch.

    Returns:
        What it prints, or why it did not, as `failure`.

    Raises:
        UserError: What it says is an error: rows cannot be had, or a base model will not do.
    """
    return answer_of(module, configuration.to_dict(), *options, threads=threads)


def answer_of(module: str, given: Any, *options: str, threads: int | None = None) -> dict[str, Any]:
    """Asks a process that may load libraries which are not loaded here; nothing is downloaded.

    Args:
        module: What answers.
        given: What it is asked, JSON-compatible.
        options: Of the module.
        threads: How many it computes with; None leaves it to torch.

    Returns:
        What it prints, or why it did not, as `failure`.

    Raises:
        UserError: What it says is an error: rows cannot be had, or a base model will not do.
    """
    computing = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-m", module, *options],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        env=os.environ | OFFLINE | computing,
        check=False,
    )
    try:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"failure": f"the process that counts them ended ({lines[-1]})"}
    if "error" in answer:
        raise UserError(answer["error"])
    return answer


def survey_from(values: Mapping[str, Any]) -> Survey:
    """Returns a survey that came as JSON."""
    parts = {name: Part(**values[name]) for name in ("train", "validation", "test")}
    return Survey(**{**values, **parts, "overlap": Overlap(**values["overlap"])})

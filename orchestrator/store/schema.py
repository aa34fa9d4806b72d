"""The three tables: one explicit Arrow schema each, and its version.

The columns are spelled out here and not taken from `trainables.contract.scores`: the schema of a
version must not change because a list elsewhere does. To change a table, raise `SCHEMA_VERSION`,
and keep a golden store of every older version under `tests/data/` readable: readers fill the
columns that an older file lacks with NULL.

Rules: integers are int64 and fractions float64 everywhere. Times are in microseconds, in UTC and
without a zone: DuckDB shows a zoned time in the reader's own zone, and its Python module cannot
fetch one without pytz. An absent value is NULL; NaN stands only where a report really was NaN.
`trials.objective` is finite or NULL, because `ORDER BY objective DESC` puts NaN first in DuckDB.
A score is the mean over `<score>_rows` of the `eval_rows`: the others cannot be measured, whatever
is predicted, but for `<score>_unjudged` of them, whose predictions nobody can judge;
`predictions.execution_reason` says why a row has no execution accuracy. `scoring_version` and
`sqlite_version` are what scores depend on beside the model, `split_version` what the rows do,
`prompt_version` and `training_version` what the model does. `trials.content_id` names the run by
all that its numbers depend on, the same in every sweep; `adopted_from` is `<sweep_id>/<trial_id>`
of the trial whose rows were taken over, NULL of one that was trained in its sweep.
`<score>_se` is clustered by `predictions.schema_group`, the schema of a row or the value of the
column that rows are split by, of which there are `eval_schemas`. `train_rows_cut`, `eval_rows_cut`
and `test_rows_cut` count the rows whose prompt or statement is longer than the limits
(`source_cut`, `target_cut` of a prediction); scores are against the whole statement.
`reports.pack_size` is how many trials, itself included, took each optimiser step together, in the
mean since the rung before. `reports.steps` is the learning curve since then, a list of at most 200
points.
`trials.phase` is `baseline`, `point`, `tune` or `confirm`, and `stratum` what the trial has of what
the sweep asks about. `trials.config_json` is the trial's
`trainables.contract.configuration.TrialConfiguration` as an object.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

SCHEMA_VERSION = 2

OUTCOMES = ("completed", "stopped", "diverged", "failed", "out_of_memory", "hung")

CONFIRM = "confirm"
"""The phase of runs that confirm what the search has chosen."""

SCORE_COLUMNS = (
    "bleu",
    "rouge_l",
    "meteor",
    "gleu",
    "exact_match",
    "execution_accuracy",
    "valid_sql",
    "rouge_l_recall",
    "unigram_f1",
)

_TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "time": pa.timestamp("us"),
}

STEP = pa.struct(
    {
        "step": pa.int64(),
        "examples_seen": pa.int64(),
        "loss": pa.float64(),
        "learning_rate": pa.float64(),
        "gradient_norm": pa.float64(),
        "tokens": pa.int64(),
    }
)
"""Consecutive optimiser steps; `trainables.contract.reports.StepPoint` says what each field is."""

STEPS = pa.list_(pa.field("element", STEP))  # as Parquet names what is in a list


@dataclass(frozen=True)
class Table:
    """One table of the store.

    Attributes:
        name: Folder below the root.
        schema: The Arrow schema of every file of the present version.
        required: Columns that are never NULL.
    """

    name: str
    schema: pa.Schema
    required: frozenset[str]


def _columns(kind: str, names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, _TYPES[kind]) for name in names.split()]


def _scores(prefix: str = "") -> list[tuple[str, pa.DataType]]:
    """Returns each score with its standard error, the rows it was measured on, and the unjudged."""
    suffixes = {"": "number", "_se": "number", "_rows": "integer", "_unjudged": "integer"}
    return [
        (f"{prefix}{name}{suffix}", _TYPES[kind])
        for name in SCORE_COLUMNS
        for suffix, kind in suffixes.items()
    ]


def _table(name: str, required: str, *columns: list[tuple[str, pa.DataType]]) -> Table:
    fields = [column for group in columns for column in group]
    fields.append(("schema_version", _TYPES["integer"]))
    return Table(name, pa.schema(fields), frozenset([*required.split(), "schema_version"]))


TRIALS = _table(
    "trials",
    "sweep_id trial_id trial_number outcome",
    _columns("text", "sweep_id sweep_name question trial_id"),
    _columns("integer", "trial_number"),
    _columns("text", "configuration_id content_id adopted_from"),
    _columns("integer", "replicate"),
    _columns("text", "phase stratum"),
    _columns("text", "profile technique"),
    _columns("integer", "rank"),
    _columns("number", "alpha dropout"),
    _columns("text", "target_modules"),
    _columns("integer", "virtual_tokens"),
    _columns("number", "learning_rate"),
    _columns("integer", "batch_size data_size"),
    _columns("number", "epochs"),
    _columns("integer", "seed"),
    _columns("text", "base_model base_fingerprint dataset dataset_fingerprint outcome"),
    _columns("integer", "last_rung"),
    _columns("text", "error"),
    _columns("integer", "attempts steps examples_seen trainable_parameters total_parameters"),
    _columns("number", "trainable_percent train_loss eval_loss"),
    _scores(),
    _columns("integer", "eval_rows eval_schemas train_rows_cut eval_rows_cut"),
    _columns("text", "objective_metric objective_mode"),
    _columns("number", "objective"),
    _columns("flag", "meteor_synonyms"),
    _scores("test_"),
    _columns("integer", "test_rows test_schemas test_rows_cut"),
    _columns("number", "train_seconds eval_seconds wall_seconds"),
    _columns("integer", "peak_memory_bytes"),
    _columns("text", "device_kind device_name dtype node"),
    _columns("integer", "prompt_version split_version scoring_version training_version"),
    _columns("text", "sqlite_version"),
    _columns("time", "started_at ended_at"),
    _columns("text", "checkpoint config_json environment_json"),
)

REPORTS = _table(
    "reports",
    "sweep_id trial_id trial_number rung rung_from rung_examples step reported_at",
    _columns("text", "sweep_id trial_id"),
    _columns("integer", "trial_number rung rung_from rung_examples step examples_seen"),
    _columns("number", "epoch train_loss eval_loss"),
    _scores(),
    _columns("integer", "eval_rows eval_schemas train_rows_cut eval_rows_cut"),
    _columns("flag", "meteor_synonyms"),
    _columns(
        "number",
        "learning_rate tokens_per_second train_seconds eval_seconds elapsed_seconds pack_size",
    ),
    _columns("integer", "peak_memory_bytes trainable_parameters total_parameters"),
    _columns("number", "trainable_percent"),
    _columns("text", "device_kind device_name dtype node"),
    _columns("integer", "prompt_version split_version scoring_version training_version"),
    _columns("text", "sqlite_version"),
    _columns("integer", "attempt"),
    _columns("text", "base_model base_fingerprint dataset_fingerprint checkpoint"),
    _columns("time", "reported_at"),
    [("steps", STEPS)],
)

PREDICTIONS = _table(
    "predictions",
    "sweep_id trial_id trial_number split protocol step example_id",
    _columns("text", "sweep_id trial_id"),
    _columns("integer", "trial_number"),
    _columns("text", "split protocol"),
    _columns("integer", "step"),
    _columns("text", "example_id sql_prompt sql_context reference prediction"),
    _columns("number", " ".join(SCORE_COLUMNS)),
    _columns("text", "execution_reason schema_group"),
    _columns("flag", "source_cut target_cut"),
)

TABLES = {table.name: table for table in (TRIALS, REPORTS, PREDICTIONS)}

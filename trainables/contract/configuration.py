"""What one trial is to do, as plain values that cross process boundaries.

Standard library only: the orchestrator builds these without loading torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainables.contract.splits import BY_SCHEMA

Scalar = int | float | str | bool | None

EMBEDDED = "embedded"
"""Name of the base model, and of the data set, that come with the package."""

EMBEDDED_CAUSAL = "embedded-causal"
"""Name of the decoder-only base model that comes with the package."""

BUILT_IN_MODELS = (EMBEDDED, EMBEDDED_CAUSAL)
"""The names of the base models that come with the package."""


@dataclass(frozen=True)
class TrialConfiguration:
    """One trial, completely: on one type of CPU the same value always means the same numbers.

    Attributes:
        technique: One of `trainables.techniques.registry.TECHNIQUES`.
        parameters: The technique's own parameters, with every default filled in.
        data_size: Number of distinct training rows.
        budget_examples: Training examples in all; epochs follow as `budget_examples / data_size`.
            0 for a technique that does not train.
        seed: Seeds the adapter's initial values, dropout and the order of the batches.
        data_seed: Seeds the split, and the one order of the training rows, the same for every trial
            of a sweep, so that smaller data sizes are nested in larger ones.
        base_model: One of `BUILT_IN_MODELS`, a checkpoint folder, or an identifier of the Hugging
            Face hub.
        base_model_revision: Git revision on the hub; None for a folder or the embedded model.
        dataset: "embedded", a table of rows, a folder of tables, or an identifier of the hub.
        dataset_revision: Git revision on the hub.
        split_by: By what rows are divided: "schema", "row", or the name of a column
            (`trainables.contract.splits`).
        columns: The project's columns (`trainables.data.columns`) -> their names in the tables;
            those that are not given are found by the names that are usual.
        databases: An SQLite file or a folder of them, which the questions are about; None where the
            tables have the schemas.
        bad_rows: "error" or "skip": whether rows that are of no use are left out.
        validation_rows: Rows carved out of the training split, on which every rung is evaluated.
        test_rows: Rows of the test split scored once, at the end; None means all of them.
        tested: Whether they are; not where the trial is one that is chosen from.
        protocol: "standard"; "notebook" for the decoding and the prompt of the study; or "both":
            standard, and the test rows by the notebook's protocol as well.
        scored_rungs: "all", or "last": before its last rung the trial measures the loss alone.
        source_tokens: Prompts are cut to this many tokens.
        target_tokens: SQL statements are cut to this many tokens in training; scores are against
            the whole ones.
    """

    technique: str
    parameters: Mapping[str, Scalar]
    data_size: int
    budget_examples: int
    seed: int
    data_seed: int
    base_model: str = EMBEDDED
    base_model_revision: str | None = None
    dataset: str = EMBEDDED
    dataset_revision: str | None = None
    split_by: str = BY_SCHEMA
    columns: Mapping[str, str] = field(default_factory=dict)
    databases: str | None = None
    bad_rows: str = "error"
    validation_rows: int = 100
    test_rows: int | None = None
    tested: bool = True
    protocol: str = "standard"
    scored_rungs: str = "all"
    source_tokens: int = 512
    target_tokens: int = 256

    @property
    def validation_protocol(self) -> str:
        """The protocol under which validation rows are scored."""
        return "standard" if self.protocol == "both" else self.protocol

    @property
    def test_protocols(self) -> tuple[str, ...]:
        """The protocols of the test rows; the first one gives the trial its test scores."""
        if not self.tested:
            return ()
        return ("standard", "notebook") if self.protocol == "both" else (self.protocol,)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON-compatible values; `from_dict` is the inverse."""
        return dataclasses.asdict(self) | {
            "parameters": dict(self.parameters),
            "columns": dict(self.columns),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrialConfiguration:
        """Builds the configuration that `to_dict` described.

        Raises:
            TypeError: A field is missing or unknown.
        """
        return cls(**values)

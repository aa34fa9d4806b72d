"""What a search space file says, as types; resolved for one profile.

The types are the one source of the rules: `load` reports their violations and `schema` writes them
for editors. Rules that concern several keys stand in `checks`, and are attached here to the key
that a user would change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from orchestrator.search_space import ask, checks, confirm_rules, stopping_rules
from orchestrator.search_space.distributions import Fault
from orchestrator.search_space.sections import (
    Budget,
    Columns,
    Confirm,
    Evaluation,
    Lengths,
    Limits,
    Objective,
    Resources,
    Search,
    Section,
    Stopping,
)
from orchestrator.search_space.space import Points, Space, fail
from orchestrator.search_space.strata import Stratum, Values, strata, stratum_of
from orchestrator.search_space.value_types import Asked, Trackers, Whole
from trainables.contract.configuration import Scalar
from trainables.contract.splits import BY_SCHEMA
from trainables.techniques.registry import is_untuned

Profile = Literal["embedded", "full"]

BASE_MODELS: dict[str, tuple[str, str | None]] = {
    "embedded": ("embedded", None),
    "full": ("google/flan-t5-large", "0613663d0d48ea86ba8cb3d7a44f0f65dc596a2a"),
}
"""Profile -> the base model where the file names none, and its revision on the hub."""

DATASETS: dict[str, tuple[str, str | None]] = {
    "embedded": ("embedded", None),
    "full": ("gretelai/synthetic_text_to_sql", "740ab236e64503fba51be1101df7a1be83bf455d"),
}
"""Profile -> the data set where the file names none, and its revision on the hub."""

_RULES = checks.BY_KEY | {
    "ask": ask.ask,
    "stopping": stopping_rules.stopping,
    "confirm": confirm_rules.confirm,
}

RUNGS_WITHOUT_STOPPING = 4
"""Reports of a trial that is never stopped early, at equal distances."""


class Sweep(Section):
    """A search space file, resolved for one profile."""

    name: Annotated[
        str,
        Field(
            max_length=48,
            pattern=r"^[A-Za-z][A-Za-z0-9_-]*$",
            description="Begins the sweep's identifier and names its folders: letters, digits, _ "
            "and -, beginning with a letter.",
            examples=["rank"],
        ),
    ]
    question: Annotated[
        str,
        Field(
            min_length=1,
            description="What the sweep is to answer, in one sentence.",
            examples=['"Does a bigger adapter buy better SQL?"'],
        ),
    ]
    objective: Annotated[
        Objective,
        Field(description="What better means.", examples=["{metric: rouge_l, mode: max}"]),
    ]
    baseline: Annotated[
        bool,
        Field(
            description="Run the untuned model once, first, outside the search; never stopped.",
            examples=["true"],
        ),
    ] = False
    base_model: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1000,
            description='"embedded" or "embedded-causal", which come with the package, a folder '
            "with a checkpoint, or an identifier on the hub. Follows from the profile.",
            examples=["google/flan-t5-large"],
        ),
    ]
    base_model_revision: Annotated[
        str | None,
        Field(min_length=1, max_length=200, description="Revision on the hub.", examples=["main"]),
    ] = None
    dataset: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1000,
            description='"embedded", a table (.parquet, .jsonl, .json, .csv, .tsv, also .gz) or a '
            "folder of tables of questions, schemas and SQL, or an identifier on the hub. Follows "
            "from the profile.",
            examples=["gretelai/synthetic_text_to_sql"],
        ),
    ]
    dataset_revision: Annotated[
        str | None,
        Field(min_length=1, max_length=200, description="Revision on the hub.", examples=["main"]),
    ] = None
    split_by: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="What stands on one side only, of training, validation and test, where a "
            "data set does not come with these: schema (the sql_context), the name of a column "
            "(such as a database's), or row, by which most test schemas are trained on too. The "
            "embedded data set keeps its own split.",
            examples=["schema", "row", "db_id"],
        ),
    ] = BY_SCHEMA
    columns: Annotated[
        Columns | None,
        Field(
            description="What the table calls its columns, where their names are not usual ones.",
            examples=["{sql_prompt: question, sql_context: schema, sql: query}"],
        ),
    ] = None
    databases: Annotated[
        str | None,
        Field(
            validate_default=True,
            min_length=1,
            max_length=1000,
            description="An SQLite file, or a folder of them (DIR/<name>/<name>.sqlite or flat), "
            "named in a column such as db_id: their schemas are what is asked about, and SQL runs "
            "on their rows. They are never changed.",
            examples=["spider/database"],
        ),
    ] = None
    bad_rows: Annotated[
        Literal["error", "skip"],
        Field(
            description="What follows from rows without a question or SQL, or that cannot be read: "
            "error refuses the data set, skip leaves them out.",
            examples=["error", "skip"],
        ),
    ] = "error"
    space: Annotated[
        Space | None,
        Field(
            description="What the search may choose from.",
            examples=["{technique: {lora: {}}, data_size: 1000}"],
        ),
    ] = None
    points: Annotated[
        Points,
        Field(
            validate_default=True,
            description="Fixed configurations, run before the search or instead of one. A point "
            "may set epochs of its own, and technique: pretrained; such files have no stopping.",
            examples=["[{technique: lora, data_size: 1000}]"],
        ),
    ] = ()
    search: Annotated[
        Search,
        Field(
            validate_default=True,
            description="How configurations are proposed.",
            examples=["{method: tpe}"],
        ),
    ] = Search()
    ask: Annotated[
        Asked,
        Field(
            validate_default=True,
            description="What the question is about: technique, data_size or parameters, each a "
            "choice. Every combination of their values is tuned by itself, and what else is in the "
            "space is there to be tuned. Absent: which configuration is best.",
            examples=["[rank, data_size]"],
        ),
    ] = ()
    trials: Annotated[
        Whole,
        Field(
            json_schema_extra={"minimum": 1},
            validate_default=True,
            description="Configurations that the search proposes, dealt in turn to what is asked "
            "about; runs = trials x replicates. A grid may leave it out: every configuration.",
            examples=[32],
        ),
    ] = 0
    replicates: Annotated[
        Whole,
        Field(
            ge=1,
            le=1_000,
            description="Seeds under which each configuration runs. More separate luck from merit, "
            "at proportional cost.",
            examples=[1],
        ),
    ] = 1
    seed: Annotated[
        Whole,
        Field(
            ge=0,
            le=2**31 - 1,  # NumPy's and torch's generators take no more than 32 bits
            description="Seeds the search, the split of the rows and every trial.",
            examples=[0],
        ),
    ] = 0
    budget: Annotated[
        Budget | None,
        Field(
            validate_default=True,
            description="How long every trial trains. Only needless if every point has epochs.",
            examples=["{examples: 20000}"],
        ),
    ] = None
    stopping: Annotated[
        Stopping | None,
        Field(
            description="When trials that lag behind are stopped; absent: never.",
            examples=["{first_rung: 0.14, reduction_factor: 2}"],
        ),
    ] = None
    confirm: Annotated[
        Confirm | None,
        Field(
            description="What is trained again under new seeds when tuning has ended, and scored "
            "on the test rows, which nothing was chosen on. Absent: 18 runs, or none where points "
            "alone run; null: none.",
            examples=["{runs: 18, seeds: 3}"],
        ),
    ] = None
    evaluation: Annotated[
        Evaluation,
        Field(description="What trials are scored on.", examples=["{validation_rows: 100}"]),
    ] = Evaluation()
    resources: Annotated[
        Resources,
        Field(description="What one trial takes.", examples=["{accelerators: 1}"]),
    ] = Resources()
    limits: Annotated[
        Limits,
        Field(description="What the sweep may take at most.", examples=["{max_concurrent: 2}"]),
    ] = Limits()
    track: Annotated[
        Trackers,
        Field(
            description="Tools in which the sweep is seen while it runs, beside the store: wandb, "
            "mlflow, tensorboard. No number depends on it.",
            examples=["[tensorboard]", "[wandb, mlflow]"],
        ),
    ] = ()
    lengths: Annotated[
        Lengths,
        Field(description="Where texts are cut.", examples=["{source: 512, target: 256}"]),
    ] = Lengths()
    profile: Annotated[Profile, Field(description="The profile it is resolved for.")]
    profile_reason: Annotated[str, Field(description="Why that profile, for the start line.")]

    @field_validator(
        *("base_model", "base_model_revision", "dataset", "dataset_revision"),
        *("split_by", "databases"),
    )
    @classmethod
    def _in_sight(cls, value: str | None) -> str | None:
        fail(checks.source(value), value)
        return value

    @field_validator(
        "points",
        "search",
        "ask",
        "replicates",
        "budget",
        "stopping",
        "confirm",
        "base_model_revision",
        "dataset_revision",
        "columns",
        "databases",
    )
    @classmethod
    def _consistent(cls, value: Any, info: ValidationInfo) -> Any:
        assert info.field_name is not None
        check: Callable[[Any, Mapping[str, Any]], list[Fault]] = _RULES[info.field_name]
        fail(check(value, info.data), value)
        return value

    @field_validator("trials")
    @classmethod
    def _count_trials(cls, value: int, info: ValidationInfo) -> int:
        fail(checks.trials(value, info.data), value)
        return checks.resolved_trials(value, info.data)

    @property
    def configurations(self) -> int:
        """Number of configurations: the baseline, the points and those of the search."""
        return int(self.baseline) + len(self.points) + self.trials

    @property
    def runs(self) -> int:
        """Number of trials that run: each configuration under each seed, an untuned model once."""
        once = int(self.baseline) + sum(is_untuned(point) for point in self.points)
        return once + (self.configurations - once) * self.replicates

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """What the search is dealt to, in turn; none where nothing is asked about."""
        return () if self.space is None else strata(self.space, self.ask)

    def stratum_of(self, configuration: Mapping[str, Scalar]) -> Values | None:
        """Returns a configuration's values of the asked parameters; None if nothing is asked."""
        return None if self.space is None else stratum_of(self.space, self.ask, configuration)

    @property
    def compared_by(self) -> str:
        """The metric by which early stopping compares trials; the objective without stopping."""
        by_loss = self.stopping is not None and self.stopping.by == "eval_loss"
        return "eval_loss" if by_loss else self.objective.metric

    @property
    def stopping_given(self) -> frozenset[str]:
        """The keys of `stopping` that the file or an override gives, rather than a default."""
        return frozenset(self.stopping.model_fields_set if self.stopping is not None else ())

    @property
    def scores_every_rung(self) -> bool:
        """Whether trials write and score SQL at every rung, not at the full budget alone."""
        return self.stopping is None or self.stopping.by == "objective"

    def budget_examples(self, configuration: Mapping[str, Scalar]) -> int:
        """Returns how many examples a configuration trains on.

        Args:
            configuration: A point, or what the search proposed.

        Returns:
            Examples: 0 for the untuned model, else the point's epochs of its rows, else the budget.
        """
        if is_untuned(configuration):
            return 0
        epochs, rows = configuration.get("epochs"), configuration.get("data_size")
        if isinstance(epochs, int | float) and isinstance(rows, int | float):
            return max(1, round(epochs * rows))
        assert self.budget is not None  # checks.budget: only a file of such points lacks one
        return self.budget.examples

    @property
    def leaves_out_rungs(self) -> bool:
        """Whether a rung so near the end of the budget is left out that nothing would be saved."""
        if self.stopping is None or self.budget is None:
            return False
        budget = self.budget.examples
        return self._compared_at(budget, least_saved=0) != self._compared_at(budget)

    def rungs(self, budget_examples: int) -> tuple[int, ...]:
        """Returns after how many examples a trial is evaluated and reports.

        Args:
            budget_examples: Examples that the trial trains on in all.

        Returns:
            Ascending numbers of examples, the last of them the budget. With stopping: first_rung of
            the budget, times the reduction factor as often as that leaves `LEAST_SAVED` of the
            budget, and an optimiser step. Without: quarters. `(0,)` for a trial that does not
            train.
        """
        if budget_examples == 0:
            return (0,)
        if self.stopping is not None:
            return (*self._compared_at(budget_examples), budget_examples)
        quarters = (
            round(budget_examples * part / RUNGS_WITHOUT_STOPPING)
            for part in range(1, RUNGS_WITHOUT_STOPPING)
        )
        return (*sorted({q for q in quarters if 0 < q < budget_examples}), budget_examples)

    def _compared_at(self, budget: int, least_saved: float | None = None) -> tuple[int, ...]:
        """Returns the rungs before the budget, at which early stopping compares trials."""
        assert self.stopping is not None
        if least_saved is None:
            batch = checks.largest(self.space, self.points, "batch_size")
            least_saved = stopping_rules.least_saved(budget, batch)
        found = []
        fraction = self.stopping.first_rung
        # 0.29 of 100 is 29.
        while fraction < 1 and round(fraction * budget, 6) <= budget - least_saved:
            found.append(round(fraction * budget))
            fraction *= self.stopping.reduction_factor
        return tuple(sorted({rung for rung in found if 0 < rung < budget}))

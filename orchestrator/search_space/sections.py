"""The groups of keys of a search space file, each with its own rules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from orchestrator.search_space import checks, confirm_rules, stopping_rules
from orchestrator.search_space.space import MOST_EXAMPLES, fail
from orchestrator.search_space.value_types import ColumnName, Decades, Kinds, PackSize, Whole
from trainables.contract.scores import METRICS

MOST_SCORED_ROWS = 1_000_000
"""Of one split; every one is decoded. Their standard error is a hundredth of that of 100 rows."""

MOST_DEVICES = 1024
"""Of one trial."""


class Section(BaseModel):
    """A group of keys: immutable, and none but the known."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Objective(Section):
    """What "better" means."""

    metric: Annotated[
        str,
        Field(
            json_schema_extra={"enum": list(METRICS)},
            description="The figure that trials are compared by, on the validation rows: "
            + "; ".join(f"{metric.name}: {metric.description}" for metric in METRICS.values()),
            examples=["rouge_l"],
        ),
    ]
    mode: Annotated[
        Literal["max", "min"] | None,
        Field(
            validate_default=True,
            description="Whether more or less is better; follows from the metric.",
            examples=["max"],
        ),
    ] = None

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str) -> str:
        fail(checks.metric(metric), metric)
        return metric

    @field_validator("mode")
    @classmethod
    def _agrees(cls, mode: str | None, info: ValidationInfo) -> str | None:
        metric: str | None = info.data.get("metric")
        fail(checks.mode(mode, metric), mode)
        return METRICS[metric].mode if metric else mode


class Columns(Section):
    """What a table calls its columns."""

    sql_prompt: Annotated[
        ColumnName, Field(description="The column of questions.", examples=["question"])
    ] = None
    sql_context: Annotated[
        ColumnName, Field(description="The column of schemas, as SQL.", examples=["schema"])
    ] = None
    sql: Annotated[ColumnName, Field(description="The column of the SQL.", examples=["query"])] = (
        None
    )
    database: Annotated[
        ColumnName,
        Field(
            description="The column that names each row's database, where `databases` is given.",
            examples=["db_id"],
        ),
    ] = None
    id: Annotated[
        ColumnName, Field(description="The column of identifiers.", examples=["question_id"])
    ] = None
    domain: Annotated[
        ColumnName, Field(description="The column of domains.", examples=["topic"])
    ] = None
    sql_complexity: Annotated[
        ColumnName,
        Field(description="The column of how hard the SQL is.", examples=["difficulty"]),
    ] = None
    sql_task_type: Annotated[
        ColumnName, Field(description="The column of kinds of tasks.", examples=["task"])
    ] = None

    def given(self) -> dict[str, str]:
        """Returns the columns that are named, and how."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class Budget(Section):
    """How long every trial trains."""

    examples: Annotated[
        Whole,
        Field(
            ge=1,
            le=MOST_EXAMPLES,
            description="Training examples, the same for every trial; epochs follow as examples / "
            "data_size. Higher is better and slower, in proportion.",
            examples=[20000],
        ),
    ]


class Search(Section):
    """How configurations are proposed."""

    method: Annotated[
        Literal["tpe", "random", "grid"],
        Field(
            description="tpe learns from finished trials; random does not; grid tries every "
            "configuration once, and needs a space without continuous ranges.",
            examples=["tpe"],
        ),
    ] = "tpe"


class Confirm(Section):
    """What is trained again under new seeds when tuning has ended."""

    seeds: Annotated[
        Whole,
        Field(
            ge=2,
            le=1_000,
            description="New seeds under which each chosen configuration is trained again, in full "
            "and never stopped, and scored on the test rows. More make what is said surer.",
            examples=[3],
        ),
    ] = 3
    around: Annotated[
        Decades,
        Field(
            description="Decades from each chosen learning rate at which its combination is trained"
            " again, too, under half as many seeds. What is stated is then about the values that "
            "are asked about, each at the rate that suits it best. Empty: about what was chosen.",
            examples=["[-0.8, -0.4, 0.4]"],
        ),
    ] = ()
    runs: Annotated[
        Whole,
        Field(
            ge=2,
            le=10_000,
            validate_default=True,
            description="Confirming runs in all; configurations = runs / seeds, or with `around` "
            "runs / (seeds + those around). With `ask` one of each stratum, the ends first; "
            "without, the best ones.",
            examples=[18],
        ),
    ] = 18

    @field_validator("around")
    @classmethod
    def _rates(cls, around: tuple[float, ...]) -> tuple[float, ...]:
        fail(confirm_rules.around(around), around)
        return around

    @field_validator("runs")
    @classmethod
    def _enough(cls, runs: int, info: ValidationInfo) -> int:
        fail(confirm_rules.confirming_runs(runs, info.data), runs)
        return runs

    @property
    def seeds_around(self) -> int:
        """Under how many seeds each of the rates around a chosen one is trained."""
        return confirm_rules.seeds_around(self.seeds)

    @property
    def runs_of_each(self) -> int:
        """How many runs a configuration takes, with those around it."""
        return self.seeds + len(self.around) * self.seeds_around

    @property
    def configurations(self) -> int:
        """How many configurations are chosen at most."""
        return self.runs // self.runs_of_each


class Stopping(Section):
    """When trials that lag behind are stopped (successive halving)."""

    by: Annotated[
        Literal["eval_loss", "objective"],
        Field(
            description="eval_loss: compare by the validation loss, which foretells the end early "
            "and costs little; SQL is then written and scored at the full budget only. objective: "
            "by the objective, scored at every rung.",
            examples=["eval_loss"],
        ),
    ] = "eval_loss"
    first_rung: Annotated[
        float,
        Field(
            gt=0,
            lt=1,
            description="Fraction of the budget after which trials are first compared. Lower stops "
            "losers earlier, and slow starters with them.",
            examples=[0.14],
        ),
    ] = 0.14
    reduction_factor: Annotated[
        float,
        Field(
            gt=1,
            le=100,
            description="At each rung trials wait for those that they are compared with, and the "
            "best 1/n go on; the next rung lies n times as far. Higher stops more.",
            examples=[2],
        ),
    ] = 2.0

    @field_validator("reduction_factor")
    @classmethod
    def _few_rungs(cls, value: float, info: ValidationInfo) -> float:
        fail(stopping_rules.reduction_factor(value, info.data), value)
        return value


class Evaluation(Section):
    """What trials are scored on."""

    validation_rows: Annotated[
        Whole,
        Field(
            ge=1,
            le=MOST_SCORED_ROWS,
            description="Rows carved out of the training split, the same for every trial, scored "
            "at every rung. Four times as many halve the standard error.",
            examples=[100],
        ),
    ] = 100
    test_rows: Annotated[
        Whole | None,
        Field(
            ge=1,
            le=MOST_SCORED_ROWS,
            description="Rows of the test split, scored once by completed trials; null: all.",
            examples=[500],
        ),
    ] = None
    protocol: Annotated[
        Literal["standard", "notebook", "both"],
        Field(
            description="standard: greedy decoding; notebook: the study's prompt and decoding, "
            "and its first 50 test rows; both: standard, and the test rows by both.",
            examples=["standard"],
        ),
    ] = "standard"


class Resources(Section):
    """What one trial takes."""

    accelerators: Annotated[
        float,
        Field(
            gt=0,
            le=MOST_DEVICES,
            description="GPUs of one trial, where there are any: 0.5 lets two trials share one, 2 "
            "makes a worker group.",
            examples=[1],
        ),
    ] = 1.0
    cpus: Annotated[
        Whole,
        Field(
            ge=1,
            le=MOST_DEVICES,
            description="CPU cores of one trial, and its threads.",
            examples=[1],
        ),
    ] = 1

    kinds: Annotated[
        Kinds | None,
        Field(
            description="Kinds of devices that trials may run on, where a cluster has several: a "
            "node of another kind gets none. Absent: accelerators of every kind, and CPUs where "
            "there is no accelerator.",
            examples=["[cuda]", "[cuda, mps]", "[cuda, cpu]"],
        ),
    ] = None

    pack: Annotated[
        PackSize,
        Field(
            description="Trials that share one device at the most: one process trains them "
            "together, on one copy of the base model. LoRA and QLoRA on T5, mT5 and most "
            "decoder-only models (not GPT-2) share passes, on CPUs and CUDA; any other trial takes "
            "its steps in turn with the rest. auto: as many as are measured to pay, at each start.",
            examples=[8, "auto"],
        ),
    ] = 1

    price_per_device_hour: Annotated[
        float | None,
        Field(
            gt=0,
            allow_inf_nan=False,
            description="What an hour of one device costs, in whatever unit: --plan says what the "
            "sweep costs, and --max-cost ends it there.",
            examples=["2.5"],
        ),
    ] = None

    @property
    def workers(self) -> int:
        """Processes of one trial; 1 is the trial's own process."""
        return max(1, round(self.accelerators))

    @property
    def members(self) -> int:
        """Trials that share a device at the most; 1 where that is left to a measurement."""
        return self.pack if isinstance(self.pack, int) else 1

    @field_validator("pack")
    @classmethod
    def _on_one_device(cls, value: int | str, info: ValidationInfo) -> int | str:
        fail(checks.pack(value, info.data), value)
        return value

    @field_validator("accelerators")
    @classmethod
    def _whole_above_one(cls, value: float) -> float:
        fail(checks.accelerators(value), value)
        return value


class Limits(Section):
    """What the sweep may take at most."""

    max_concurrent: Annotated[
        Whole | None,
        Field(
            ge=1,
            le=10_000,
            description="Trials at the same time; null: as many as the resources allow.",
            examples=[2],
        ),
    ] = None
    max_attempts: Annotated[
        Whole,
        Field(
            ge=1,
            le=1_000,
            description="Attempts at a trial that may end with the death of its process; each next "
            "one goes on from the last rung. Then the trial has failed.",
            examples=[3],
        ),
    ] = 3
    heartbeat_minutes: Annotated[
        float,
        Field(
            ge=0.01,
            le=10080,
            description="A trial without a sign of life for so long has hung and is ended for "
            "good. Signs are optimiser steps and evaluated batches. Loading gives none: where it "
            "may take longer (a slow download), raise this, which changes no score, or run `hf "
            "download` beforehand.",
            examples=[30],
        ),
    ] = 30.0
    checkpoints: Annotated[
        Whole,
        Field(
            ge=1,
            le=1_000_000,
            description="Models to keep of the trials that have ended: those of the best. A trial "
            "that has not ended keeps its last checkpoint.",
            examples=[20],
        ),
    ] = 20
    checkpoint_gigabytes: Annotated[
        float,
        Field(
            gt=0,
            le=1_000_000,
            description="Disk space of the models of trials that have ended, in 10^9 bytes; the "
            "worst are removed first, the best one stays.",
            examples=[100],
        ),
    ] = 100.0


class Lengths(Section):
    """Where texts are cut, in tokens of the base model."""

    source: Annotated[
        Whole,
        Field(ge=1, le=65536, description="Tokens of question and schema.", examples=[512]),
    ] = 512
    target: Annotated[
        Whole,
        Field(ge=1, le=65536, description="Tokens of the SQL statement.", examples=[256]),
    ] = 256

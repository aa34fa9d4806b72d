"""What `--plan` tells a person, piped into a file as on a terminal."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from orchestrator.search_space import load
from orchestrator.sweep.plan import describe

FOLDER = Path(__file__).resolve().parents[3] / "search_spaces"


def plan(
    name: str,
    *overrides: str,
    profile: str = "embedded",
    trials: int | None = None,
    measured: str | None = None,
) -> str:
    sweep = load(FOLDER / f"{name}.yaml", overrides, trials, profile)
    out = io.StringIO()
    rows = [] if measured is None else [("", measured)]
    Console(file=out, width=200).print(describe(sweep, "2 at a time, one CPU core each", rows))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_a_plan_says_what_would_run() -> None:
    text = plan("rank", "replicates=3", profile="full", trials=10)
    for line in (
        "Does a bigger adapter buy better SQL, and at which data size?",
        "profile      full (asked for with --profile)",
        "base model   google/flan-t5-large at 0613663d0d48",
        "trials       31 runs: 1 baseline + 10 by tpe search, under 3 seeds each (the untuned",
        "space        endlessly many configurations",
        "  data_size  one of 1000, 20000",
        "  lora       rank: one of 4, 16, 64",
        "learning_rate: 0.0001 to 0.01, log scale",
        "budget       20,000 examples a trial",
        "rungs        2,800, 5,600, 11,200, 20,000 examples",
        "asks         about rank, data_size: 6 combinations (rank=4, data_size=1000; rank=4, "
        "data_size=20000; rank=16, data_size=1000; rank=16, data_size=20000; rank=64, data_size=1",
        "stopping     by eval_loss: at each rung but the last the trials of a technique and",
        "wait until 6 of them are there; the best 1/2 go on, the others end. Other trials train",
        "evaluation   100 validation rows at each rung (by the loss; SQL is written at the last",
        "resources    2 at a time, one CPU core each",
    ):
        assert line in text


def test_points_have_budgets_of_their_own() -> None:
    text = plan("notebooks", profile="full")
    assert "7 runs: 7 points" in text
    assert "prefix: data_size 20000, epochs 1, virtual_tokens 20, projection false" in text
    assert "161,000 examples in all; by point: 0, 40,000, 20,000, 20,000, 1,000, 60,000" in text
    assert "stopping    never" in text


def test_a_finite_space_is_not_tried_twice() -> None:
    text = plan("smoke", "search.method=tpe", trials=6)
    assert "4 configurations; each is tried once" in text
    assert "4 by tpe search" in text
    assert "4 configurations; none is tried twice" in plan("smoke", "search.method=tpe", trials=3)
    assert "4 configurations; each is tried once" in plan("smoke")
    assert "4 configurations; trials caps the grid at the first 3" in plan("smoke", trials=3)


def test_a_plan_says_on_how_many_rows_what_is_measured() -> None:
    lines = plan("smoke", measured="execution_accuracy can be measured on 4").splitlines()
    [line] = [line for line in lines if "execution_accuracy" in line]
    assert lines[lines.index(line) - 1].startswith("evaluation")

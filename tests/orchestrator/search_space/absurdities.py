"""What no accepted search space may hold, said here by itself and not by the rules of the code."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from optuna import create_study, logging
from optuna.samplers import RandomSampler

from orchestrator.search.identity import configuration_id, sweep_id
from orchestrator.search.optuna_space import grid, suggest, to_optuna
from orchestrator.search_space import Sweep
from orchestrator.search_space.checks import grid_size
from trainables.techniques.registry import complete

DRAWS = 3

LAYERS = {"q", "k", "v", "o", "wi_0", "wi_1", "wo", "all"}

RANGES: dict[str, tuple[float, float]] = {
    "data_size": (1, 1e9),
    "epochs": (1e-12, 1e4),
    "rank": (1, 1024),
    "alpha": (1, 65536),
    "dropout": (0, 0.99999999999999),
    "virtual_tokens": (1, 1024),
    "learning_rate": (1e-12, 10),
    "batch_size": (1, 65536),
    "micro_batch_size": (1, 65536),
    "weight_decay": (0, 1),
    "warmup": (0, 0.5),
    "gradient_clipping": (1e-12, 1e6),
}
"""Both ends are sane; nothing beyond them is."""

WHOLE = {"data_size", "rank", "alpha", "virtual_tokens", "batch_size", "micro_batch_size"}


def absurdities(sweep: Sweep) -> list[str]:
    """Returns what is absurd about a sweep that was accepted; nothing if nothing is."""
    return [*_sizes(sweep), *_sections(sweep), *_trials(sweep), *_identity(sweep)]


def _within(what: str, value: Any, low: float, high: float, *, whole: bool = True) -> Iterator[str]:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        yield f"{what} is {value!r}"


def _sizes(sweep: Sweep) -> Iterator[str]:
    yield from _within("trials", sweep.trials, 0, 10_000)
    yield from _within("points", len(sweep.points), 0, 1_000)
    yield from _within("replicates", sweep.replicates, 1, 1_000)
    yield from _within("runs", sweep.runs, 1, 100_001)
    yield from _within("seed", sweep.seed, 0, 2**31 - 1)
    if sweep.search.method == "grid" and sweep.space is not None:
        yield from _within("grid", grid_size(sweep.space), 1, 10_000)
    if sweep.space is not None and sweep.trials == 0 and not sweep.points:
        yield "a space is searched in no trial"


def _sections(sweep: Sweep) -> Iterator[str]:
    if not 0 < len(sweep.question) <= 2_000 or not 0 < len(sweep.name) <= 48:
        yield "question or name is endless or empty"
    for name in (sweep.base_model, sweep.dataset):
        if not 0 < len(name) <= 1_000 or re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", name):
            yield f"a source is {name!r}"
    yield from _within("validation rows", sweep.evaluation.validation_rows, 1, 1e6)
    if sweep.evaluation.test_rows is not None:
        yield from _within("test rows", sweep.evaluation.test_rows, 1, 1e6)
    yield from _within("accelerators", sweep.resources.accelerators, 0.01, 1024, whole=False)
    yield from _within("cpus", sweep.resources.cpus, 1, 1024)
    yield from _within("trials of a pack", sweep.resources.members, 1, 64)
    limits = sweep.limits
    if limits.max_concurrent is not None:
        yield from _within("concurrent trials", limits.max_concurrent, 1, 1e4)
    yield from _within("attempts", limits.max_attempts, 1, 1_000)
    yield from _within("heartbeat", limits.heartbeat_minutes, 0.01, 10080, whole=False)
    yield from _within("checkpoints", limits.checkpoints, 1, 1e6)
    yield from _within("gigabytes", limits.checkpoint_gigabytes, 5e-324, 1e6, whole=False)
    yield from _within("source tokens", sweep.lengths.source, 1, 65536)
    yield from _within("target tokens", sweep.lengths.target, 1, 65536)
    if sweep.stopping is not None:
        yield from _within("first rung", sweep.stopping.first_rung, 1e-9, 1, whole=False)
        yield from _within("factor", sweep.stopping.reduction_factor, 1.0, 100, whole=False)


def _trials(sweep: Sweep) -> Iterator[str]:
    """Looks at points, and at what the search draws."""
    for configuration in itertools.chain(sweep.points, _drawn(sweep)):
        whole = complete(
            str(configuration["technique"]),
            {
                name: value
                for name, value in configuration.items()
                if name not in ("technique", "data_size", "epochs")
            },
        )
        yield from _values({**configuration, **whole})
        if configuration["technique"] != "pretrained":
            yield from _rungs(sweep, configuration, whole)


def _drawn(sweep: Sweep) -> Iterator[dict[str, Any]]:
    if sweep.space is None or sweep.trials == 0:
        return
    logging.set_verbosity(logging.ERROR)
    study = create_study(sampler=RandomSampler(seed=0))
    for _ in range(DRAWS):
        drawn = suggest(study.ask(), sweep.space)
        assert to_optuna(sweep.space, drawn) is not None, f"{drawn} cannot be told to Optuna"
        yield drawn
    if sweep.search.method == "grid" and (grid_size(sweep.space) or 0) <= 500:
        configurations = grid(sweep.space)
        assert len(configurations) == grid_size(sweep.space)
        yield from configurations[:: max(1, len(configurations) // 5)]


def _values(configuration: Mapping[str, Any]) -> Iterator[str]:
    for name, value in configuration.items():
        if name in RANGES:
            yield from _within(name, value, *RANGES[name], whole=name in WHOLE)
        elif name == "target_modules":
            if not set(map(str.strip, value.split(","))) <= LAYERS:
                yield f"target_modules is {value!r}"
        elif name in ("projection", "gradient_checkpointing"):
            if not isinstance(value, bool):
                yield f"{name} is {value!r}"
        elif name == "schedule":
            if value not in ("warmup_stable_decay", "linear", "constant"):
                yield f"schedule is {value!r}"
        elif name != "technique":
            yield f"{name} is nothing that this knows"


def _rungs(
    sweep: Sweep, configuration: Mapping[str, Any], whole: Mapping[str, Any]
) -> Iterator[str]:
    budget = sweep.budget_examples(configuration)
    yield from _within("budget", budget, whole["batch_size"], 1e9)
    rungs = sweep.rungs(budget)
    yield from _within("number of rungs", len(rungs), 1, 51)
    if list(rungs) != sorted(set(rungs)) or rungs[-1] != budget or rungs[0] < 1:
        yield f"the rungs of {budget} examples are {rungs}"
    starts = max(whole["batch_size"], whole["warmup"] * budget)
    if sweep.stopping is not None and rungs[0] < starts - 1:
        yield f"the first rung of {rungs} lies before the first step or in the warm-up"


def _identity(sweep: Sweep) -> Iterator[str]:
    """Whoever stores a sweep finds the same one again, and can name it."""
    if Sweep.model_validate(sweep.model_dump(mode="json")) != sweep:
        yield "the sweep is another one once it was stored"
    sweep_id(sweep)
    names = [configuration_id(point) for point in sweep.points]
    if len(set(names)) < len(names):
        yield "a point is there twice"

"""The runs of a sweep as trials of an Optuna study, in whose terms other programs show them.

The search space itself is not stored. A parameter is therefore what a technique's runs differ in,
under the name that `orchestrator.search.optuna_space` gives it in the search (`lora/rank`), and its
distribution is that of the values seen: an int or float range from the least to the greatest one,
on a logarithmic scale where these are a factor of 10 or more apart; categories of anything else. So
it may be narrower than what was searched, and choices among numbers are a range.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from orchestrator.results.configurations import parameters, recorded, varying
from orchestrator.results.errors import ResultsError
from orchestrator.results.log_scale import is_log_scale
from orchestrator.results.selection import FACTS_AND_METRICS, metric_and_mode
from orchestrator.search.identity import trial_id
from orchestrator.search.proposals import Proposal
from orchestrator.search.run_result import signed_curve
from orchestrator.search.tries import latest_tries, run_number
from orchestrator.search_space.membership import parameters_of
from orchestrator.search_space.space import MOST_EXAMPLES
from orchestrator.state.attempts import AttemptLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.sweep_files import found
from orchestrator.store import index
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.store.schema import SCORE_COLUMNS
from trainables.contract.configuration import Scalar
from trainables.contract.scores import METRICS
from trainables.techniques.registry import TECHNIQUES, complete, is_untuned

_TEST = tuple(f"test_{score}" for score in SCORE_COLUMNS)
FINAL_COLUMNS = (
    *FACTS_AND_METRICS,
    *("sweep_name", "question", "replicate", "objective", "started_at", "ended_at", *_TEST),
)
"""What of the final rows is needed."""

_REPORT_COLUMNS = ("trial_id", "trial_number", "rung_examples", "reported_at", *METRICS)
_STATES = {"completed": TrialState.COMPLETE, "stopped": TrialState.PRUNED}
_LEAST, _LEAST_OF_ALL = 1e-7, 1e-300
"""Where the logarithmic scale of a float above 0 begins: no axis shows all that there may be."""
_EPOCH = datetime.datetime(1970, 1, 1)


@dataclass(frozen=True)
class _Run:
    """What is known of one run.

    Attributes:
        trial_id: Its identifier.
        trial_number: Its number in the sweep.
        final: Its final row; None before its end.
        proposal: What was to run; None in a compacted copy, which has no `state/`.
        reports: By rung.
        started_at: When its first process started, in UTC; None if it has a final row or that is
            not known.
    """

    trial_id: str
    trial_number: int
    final: Row | None
    proposal: Proposal | None
    reports: Sequence[Row]
    started_at: datetime.datetime | None

    def searched(self) -> dict[str, Any] | None:
        """Returns technique, data size and all parameters; None for what no search proposes."""
        if self.proposal is not None:
            given = self.proposal.configuration
            technique = str(given["technique"])
            if is_untuned(given) or "epochs" in given:
                return None
            whole = complete(technique, parameters_of(given))
            return {"technique": technique, **whole, "data_size": given["data_size"]}
        if self.final is None or is_untuned(self.final):
            return None
        return parameters(self.final)


def optuna_trials(
    root: Root, sweep_id: str, finals: Sequence[Row], *, settled: bool = False
) -> list[FrozenTrial]:
    """Returns the runs of a sweep by trial number, as `optuna.study.Study.add_trials` takes them.

    Completed runs are COMPLETE with their objective, stopped ones PRUNED. Those that failed,
    diverged, hung or lacked memory are FAIL. Runs without a final row are RUNNING if they started,
    else WAITING. Intermediate values are what early stopping compared: the objective, or the
    validation loss, turned round where more is better; their step is the number of examples at
    the rung. Optuna numbers trials from 0 without gaps; a compacted copy, which lacks
    the runs that have not reported, may have some, and `trial_number` is the sweep's own.

    User attributes: `trial_id`, `trial_number`, `technique`, `outcome`, `data_size`, `replicate`,
    the latest losses and scores, those on test rows as `test_<score>`, and, for what the search
    could not have proposed (the untuned baseline, a point with its own `epochs`), which has no
    parameters, its configuration.

    Args:
        root: Of the store.
        sweep_id: The sweep.
        finals: Its final rows with `FINAL_COLUMNS`, at least one.
        settled: Whether names and distributions are to be such that no later run changes them, for
            a study that grows: all parameters that a proposal gives, within the bounds that a
            search space file may have.

    Raises:
        ResultsError: The rows name no objective.
        StoreError: The store cannot be read.
    """
    metric, mode = metric_and_mode(finals, None)
    by_loss = recorded(finals[0]).get("scored_rungs") == "last"
    compared_by = "eval_loss" if by_loss else metric
    runs = _runs(root, sweep_id, finals)
    drawn = _given(runs) if settled else _drawn(runs)
    distributions = _distributions(drawn.values(), settled=settled)
    return [
        _trial(run, compared_by, mode, drawn.get(run.trial_number, {}), distributions)
        for run in runs
    ]


def _runs(root: Root, sweep_id: str, finals: Sequence[Row]) -> list[_Run]:
    reports: dict[int, list[Row]] = {}
    for row in index.reports(root, sweep_id, columns=_REPORT_COLUMNS).to_pylist():
        reports.setdefault(int(row["trial_number"]), []).append(row)
    ended = {int(row["trial_number"]): row for row in finals}
    proposals: Mapping[int, Proposal] = {}
    attempts = None
    if (files := found(root, sweep_id)) is not None:
        proposals, attempts = ProposalLog(files).read(), AttemptLog(files)
    runs = []
    for number in sorted(latest_tries([*ended, *proposals, *reports]).values(), key=run_number):
        known = [*reports.get(number, []), *([ended[number]] if number in ended else [])]
        started = attempts.of(number).started_at if attempts and number not in ended else None
        runs.append(
            _Run(
                known[0]["trial_id"] if known else trial_id(sweep_id, number),
                number,
                ended.get(number),
                proposals.get(number),
                reports.get(number, []),
                started,
            )
        )
    return runs


def _drawn(runs: Iterable[_Run]) -> dict[int, dict[str, Scalar]]:
    """Returns parameters by Optuna's names, by trial number."""
    searched = {run.trial_number: own for run in runs if (own := run.searched()) is not None}
    differ = varying(searched.values())
    given: dict[str, set[str]] = {}
    for run in runs:
        if run.proposal is not None and run.trial_number in searched:
            configuration = run.proposal.configuration
            given.setdefault(str(configuration["technique"]), set()).update(configuration)
    sizes = {own["data_size"] for own in searched.values()}
    found: dict[int, dict[str, Scalar]] = {}
    for number, own in searched.items():
        technique = own["technique"]
        found[number] = {"technique": technique}
        if len(sizes) > 1:
            found[number]["data_size"] = own["data_size"]
        # A default that follows another parameter differs too, but was not drawn.
        for name in differ[technique]:
            if name in own and name != "data_size" and name in given.get(technique, {name}):
                found[number][f"{technique}/{name}"] = own[name]
    return found


def _given(runs: Iterable[_Run]) -> dict[int, dict[str, Scalar]]:
    """Returns what each proposal gives, by Optuna's names, by trial number."""
    found: dict[int, dict[str, Scalar]] = {}
    for run in runs:
        if run.proposal is None or run.searched() is None:
            continue
        given = run.proposal.configuration
        technique = str(given["technique"])
        beside = {str(name): given[name] for name in ("technique", "data_size") if name in given}
        own = {f"{technique}/{name}": value for name, value in parameters_of(given).items()}
        found[run.trial_number] = {**beside, **own}
    return found


def _distributions(
    drawn: Iterable[Mapping[str, Scalar]], *, settled: bool
) -> dict[str, BaseDistribution]:
    values: dict[str, list[Scalar]] = {}
    for params in drawn:
        for name, value in params.items():
            values.setdefault(name, []).append(value)
    known = {name: _bounded(name, values[name]) for name in values} if settled else {}
    return {name: known.get(name) or _distribution(seen) for name, seen in values.items()}


def _bounded(name: str, seen: Sequence[Scalar]) -> BaseDistribution | None:
    """Returns the distribution of a number between its bounds; None of anything else."""
    if name == "technique":
        return CategoricalDistribution(list(TECHNIQUES))
    if name == "data_size":
        return IntDistribution(1, MOST_EXAMPLES, log=True)
    technique, _, own = name.partition("/")
    parameter = TECHNIQUES[technique].parameters[own]
    if parameter.choices:
        return CategoricalDistribution(list(parameter.choices))
    if parameter.kind not in (int, float) or parameter.maximum is None:
        return None
    low, high = parameter.minimum or 0.0, parameter.maximum
    if parameter.kind is int:
        return IntDistribution(int(low), int(high), log=is_log_scale(low, high))
    if low == 0.0 and parameter.exclusive_minimum:
        below = any(isinstance(value, int | float) and value < _LEAST for value in seen)
        low = min(_LEAST_OF_ALL if below else _LEAST, high)
    return FloatDistribution(low, high, log=is_log_scale(low, high))


def _distribution(seen: Iterable[Scalar]) -> BaseDistribution:
    values = list(seen)
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(values):
        return CategoricalDistribution(sorted(dict.fromkeys(values), key=repr))
    low, high = min(numbers), max(numbers)
    log = is_log_scale(low, high)
    if all(isinstance(value, int) for value in numbers):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(low, high, log=log)


def _trial(
    run: _Run,
    compared_by: str,
    mode: str,
    params: dict[str, Scalar],
    distributions: Mapping[str, BaseDistribution],
) -> FrozenTrial:
    final, started = run.final, run.started_at
    outcome = "running" if final is None else str(final["outcome"])
    curve = signed_curve(run.reports, compared_by, mode)
    times = [row["reported_at"] for row in run.reports]
    value = None
    if final is None:
        state = TrialState.RUNNING if started or times else TrialState.WAITING
        outcome = state.name.lower()
    else:
        state, value = _STATES.get(outcome, TrialState.FAIL), final["objective"]
        times = [at for at in (final["started_at"], *times, final["ended_at"]) if at] or [_EPOCH]
        if state is TrialState.COMPLETE and value is None:
            state = TrialState.FAIL  # Optuna has no completed trial without a value.
        if state is TrialState.FAIL:
            value = None
    try:
        trial = create_trial(
            state=state,
            value=value,
            params=params,
            distributions={name: distributions[name] for name in params},
            user_attrs=_attributes(run, outcome, with_configuration=not params),
            intermediate_values=dict(curve),
        )
    except ValueError as error:
        raise ResultsError(f"Optuna refuses the trial {run.trial_id}: {error}") from error
    if state is not TrialState.WAITING:
        trial.datetime_start = started or _utc(times[0])
    if final is not None:
        trial.datetime_complete = _utc(times[-1])
    return trial


def _attributes(run: _Run, outcome: str, *, with_configuration: bool) -> dict[str, Any]:
    given = run.proposal.configuration if run.proposal else {}
    last = run.final or (run.reports[-1] if run.reports else {})
    found = {
        "trial_id": run.trial_id,
        "trial_number": run.trial_number,
        "technique": last.get("technique", given.get("technique")),
        "outcome": outcome,
        "data_size": last.get("data_size", given.get("data_size")),
        "replicate": last.get("replicate", run.proposal.replicate if run.proposal else None),
        **(given if with_configuration else {}),
        **{name: last.get(name) for name in (*METRICS, *_TEST)},
    }
    # NaN is no JSON, in which attributes are kept and sent to a browser.
    return {
        name: value
        for name, value in found.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }


def _utc(at: datetime.datetime) -> datetime.datetime:
    """Returns a time of the store with its zone, without which Optuna takes it for local time."""
    return at.replace(tzinfo=datetime.UTC)

"""How much each parameter has to do with a trial being among the best."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from orchestrator.results.configurations import parameters, varied
from orchestrator.results.curves import Curves
from orchestrator.results.log_scale import is_log_scale
from orchestrator.store.rows import Row
from trainables.techniques.registry import is_untuned

FEWEST_TRIALS = 8
"""Below this the share is mostly chance."""

_BEST_TRIALS = 5
"""At least so many trials count as the best ones; with the usual tenth it may be a single one."""


def importances(curves: Curves, rows: Sequence[Row], mode: str) -> dict[str, dict[str, float]]:
    """Returns the share of each varied parameter, per technique, most important first.

    PED-ANOVA (S. Watanabe, A. Bansal and F. Hutter, IJCAI 2023) over the values at the highest
    rung that every trial of the technique reached, so that stopped trials count too. Within a
    technique, because other techniques have other parameters. A technique with fewer than
    `FEWEST_TRIALS` measured trials has no entry.

    Args:
        curves: The reports of the trials.
        rows: Final rows of the trials.
        mode: "max" or "min".
    """
    found = {}
    for technique in sorted({row["technique"] for row in rows if not is_untuned(row)}):
        of_technique = [row for row in rows if row["technique"] == technique]
        measured = curves.reported(of_technique)
        if len(measured) < FEWEST_TRIALS:
            continue
        rung = curves.common_rung(measured)
        values = [curves.value(row, rung) for row in measured]
        own = [parameters(row) for row in measured]
        shares = _ped_anova(own, varied(measured)[technique], values, mode)
        if shares:
            found[technique] = shares
    return found


def _ped_anova(
    configurations: Sequence[dict[str, Any]],
    names: Sequence[str],
    values: Sequence[float],
    mode: str,
) -> dict[str, float]:
    import optuna

    distributions = {
        name: _distribution([configuration.get(name) for configuration in configurations])
        for name in names
    }
    if not distributions:
        return {}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize" if mode == "max" else "minimize")
    for configuration, value in zip(configurations, values, strict=True):
        study.add_trial(
            optuna.trial.create_trial(
                params={name: configuration.get(name) for name in distributions},
                distributions=distributions,
                value=value,
            )
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(
            target_quantile=max(0.1, _BEST_TRIALS / len(values))
        )
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    # Of two that are alike Optuna has now the one first, now the other.
    return dict(sorted(found.items(), key=lambda each: (-round(each[1], 9), each[0])))


def _distribution(seen: Sequence[Any]) -> Any:
    """Returns a distribution over the values seen: the space itself is not in the store."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    distinct = set(seen)
    if len(distinct) > 2 and all(isinstance(value, float) for value in distinct):
        low, high = min(distinct), max(distinct)
        return FloatDistribution(low, high, log=is_log_scale(low, high))
    return CategoricalDistribution(sorted(distinct, key=repr))

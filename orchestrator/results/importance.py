"""How much each parameter has to do with a trial being among the best."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from orchestrator.results.configurations import by_configuration, parameters, varied
from orchestrator.results.curves import Curves, mean_at
from orchestrator.results.log_scale import is_log_scale
from orchestrator.store.rows import Row
from trainables.techniques.registry import is_untuned

FEWEST_TRIALS = 8
"""Below this the share is mostly chance."""

_MOST_VALUES = 8
_PERMUTATIONS = 999
_SIGNIFICANT = 0.05
_SEED = 0

_BEST_TRIALS = 5
"""At least so many trials count as the best ones; with the usual tenth it may be a single one."""


def importances(curves: Curves, rows: Sequence[Row], mode: str) -> dict[str, dict[str, float]]:
    """Returns the share of each varied parameter, per technique, most important first.

    PED-ANOVA (S. Watanabe, A. Bansal and F. Hutter, IJCAI 2023) over the values at the highest
    rung that every trial of the technique reached, so that stopped trials count too; replicates are
    averaged. Within a technique, because other techniques have other parameters. A technique with
    fewer than `FEWEST_TRIALS` measured configurations has no entry, nor one in which no parameter
    is seen to matter: shares sum to 1 of nothing too.

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
        configurations = list(by_configuration(measured).values())
        if len(configurations) < FEWEST_TRIALS:
            continue
        values = [mean_at(curves, runs, rung) for runs in configurations]
        own = [parameters(runs[0]) for runs in configurations]
        names = varied(measured)[technique]
        if not something_matters(own, names, values):
            continue
        shares = _ped_anova(own, names, values, mode)
        if shares:
            found[technique] = shares
    return found


def something_matters(
    configurations: Sequence[dict[str, Any]], names: Sequence[str], values: Sequence[float]
) -> bool:
    """Whether values go with any of the parameters by more than chance, all taken together.

    For each parameter the Kruskal-Wallis statistic between its values, or between quarters of many
    numbers, less its mean and by its deviation where nothing matters; the largest of these against
    that of permuted values (P. H. Westfall and S. S. Young, 1993).

    Args:
        configurations: Their parameters.
        names: The parameters that vary.
        values: What each configuration came to.
    """
    import numpy as np
    from scipy import stats

    count = len(values)
    ranks = stats.rankdata(values)
    if not names or np.ptp(ranks) == 0:
        return False
    indicators, offsets, spreads = [], [], []
    for name in names:
        groups = _groups([configuration.get(name) for configuration in configurations])
        free = len(set(groups)) - 1
        if free < 1:
            continue
        own = np.equal.outer(np.array(sorted(set(groups))), np.array(groups)).astype(float)
        indicators.append(own / np.sqrt(own.sum(axis=1, keepdims=True)))
        offsets.append(float(free))
        spreads.append((2 * free) ** 0.5)
    random = np.random.default_rng(_SEED)
    orders = np.stack([ranks, *(random.permutation(ranks) for _ in range(_PERMUTATIONS))], axis=1)
    centred = orders - ranks.mean()
    scale = (count - 1) / float((centred[:, 0] ** 2).sum())
    largest = np.max(
        [
            (scale * ((own @ centred) ** 2).sum(axis=0) - offset) / spread
            for own, offset, spread in zip(indicators, offsets, spreads, strict=True)
        ],
        axis=0,
    )
    return bool(np.mean(largest >= largest[0] - 1e-9) <= _SIGNIFICANT)


def _groups(values: Sequence[Any]) -> list[int]:
    """Returns which group each value is in: of its equals, or its quarter of many numbers."""
    import numpy as np

    distinct = sorted(set(values), key=repr)
    numbers = all(isinstance(value, int | float) for value in distinct)
    if numbers and len(distinct) > _MOST_VALUES:
        edges = np.quantile(np.array(values, dtype=float), [0.25, 0.5, 0.75])
        quarters: list[int] = np.searchsorted(edges, np.array(values, dtype=float)).tolist()
        return quarters
    return [distinct.index(value) for value in values]


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

"""The ranking of what a sweep tuned, on validation rows, with the uncertainty of each score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.results.configurations import Configurations, configuration_name
from orchestrator.results.errors import ResultsError, absent
from orchestrator.results.measured import (
    interval_of,
    measured_rows,
    mixed_dtypes,
    mixed_scoring,
    partly_measured,
)
from orchestrator.results.profile_words import profile_words
from orchestrator.results.replicates import configurations, mean_row, measured
from orchestrator.results.selection import (
    FACTS,
    FACTS_AND_METRICS,
    check_same_evaluation,
    final_table,
    is_score,
    metric_and_mode,
)
from orchestrator.store.arrays import integers
from orchestrator.store.place import Root
from orchestrator.store.rows import Row, finite_or_none
from orchestrator.store.schema import CONFIRM, SCORE_COLUMNS
from orchestrator.terminal.values import duration, number, with_interval
from trainables.contract.scores import COLUMNS_OF_SCORES

if TYPE_CHECKING:
    from rich.console import RenderableType

_BESIDE = ("bleu", "rouge_l", "execution_accuracy")
"""Scores that a table shows beside the one that ranks; JSON and CSV have all of them. The loss is
there too if it ranks some of the trials."""


_IDENTITY = ("sweep_id", "trial_id", "trial_number", "replicate")
_SETTING = ("profile", "base_model", "dataset", "technique")
_MEASURES = (
    *("rank", "alpha", "dropout", "target_modules", "virtual_tokens", "learning_rate"),
    *("batch_size", "data_size", "epochs", "examples_seen", "trainable_parameters"),
    *("total_parameters", "trainable_percent", "train_seconds", "eval_seconds"),
    *("wall_seconds", "peak_memory_bytes", "device_kind", "device_name", "dtype", "error"),
    *("scoring_version", "sqlite_version"),
)
_ORDER = ("last_rung", "eval_loss")
_COLUMNS = tuple(
    dict.fromkeys(
        (
            *(*FACTS_AND_METRICS, *_IDENTITY, *_SETTING, *_MEASURES, *_ORDER),
            *("test_rows", "eval_schemas", "test_schemas"),
            *(f"{test}{column}" for column in COLUMNS_OF_SCORES for test in ("", "test_")),
        )
    )
)


_UNKNOWN: dict[str, float | None] = {"test_low": None, "test_high": None}
_SCORED, _STOPPED, _UNRANKED = range(3)
"""The groups of a ranking, one below the other."""


class Ranking:
    """Configurations, or single trials, by a metric on their validation rows, best first.

    Those whose runs completed come first; the validation loss breaks a tie. Below them are those
    that were stopped, the later the higher and at the same rung by the loss: a score of a shorter
    training is another figure, and mostly there is none. Others without a score come last. Runs
    that confirm take no part in the ranking, in which they would stand beside scores that were
    chosen by: what they scored on test rows stands beside the configuration that they confirm. The
    figures are computed when they are asked for: a table shows the first few of many.

    Args:
        root: Of the store.
        sweep_ids: The sweeps; what is theirs is ranked together.
        by: A score or loss; None means the objective.
        techniques: Only these; none given means all.
        each_trial: Whether each run has a place of its own, rather than each configuration the mean
            of its runs.

    Attributes:
        sweeps: The ids of the sweeps that have a ranked trial.
        count: How many configurations, or trials, are ranked.
        of: "configurations" or "trials".
        warnings: Why scores of these trials may not compare.

    Raises:
        ResultsError: No trial has ended, a name is unknown, a metric was not measured, or the
            trials were evaluated differently.
        StoreError: The store cannot be read.
    """

    def __init__(
        self,
        root: Root,
        sweep_ids: Sequence[str],
        by: str | None,
        techniques: Sequence[str],
        *,
        each_trial: bool = False,
    ) -> None:
        self._table = final_table(root, sweep_ids, _COLUMNS)
        facts = self._table.select(FACTS_AND_METRICS if by else FACTS).to_pylist()
        self._configurations = Configurations(facts)
        for index, row in enumerate(facts):
            row["index"] = index
        rows = _only(facts, techniques)
        check_same_evaluation(rows)
        metric, mode = self._metric, self._mode = metric_and_mode(rows, by)
        measures = (metric, "last_rung", "eval_loss")
        columns = {name: self._table[name].to_pylist() for name in measures}
        for row in rows:
            row |= {name: values[row["index"]] for name, values in columns.items()}
        sign = -1.0 if mode == "max" else 1.0

        def order(runs: Sequence[Row]) -> tuple[int, float, float, int]:
            row = mean_row(runs)
            value, loss = finite_or_none(row[metric]), finite_or_none(row["eval_loss"])
            group, number = _group(row["outcome"], value, loss), runs[0]["trial_number"]
            if group == _SCORED:
                assert value is not None
                return group, sign * value, math.inf if loss is None else loss, number
            if group == _STOPPED:
                assert loss is not None
                return group, -(row["last_rung"] or 0), loss, number
            return group, 0.0, 0.0, number

        units = [[row] for row in rows] if each_trial else configurations(rows)
        self._order = [[row["index"] for row in runs] for runs in sorted(units, key=order)]
        self._facts = facts
        self._confirming = {} if each_trial else _confirming(facts)
        self.sweeps = tuple(dict.fromkeys(row["sweep_id"] for row in rows))
        bases = self._table["base_model"].to_pylist()
        self.bases = tuple(dict.fromkeys(bases[row["index"]] for row in rows))
        self.count = len(units)
        self.of = "trials" if each_trial else "configurations"
        self.warnings = [*mixed_scoring(rows, (metric, *_BESIDE)), *mixed_dtypes(rows)]

    def entries(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Returns one flat dictionary a configuration, or a trial, best first.

        Args:
            limit: Only so many; None means all.

        Returns:
            `place` (None of a trial that neither has a score nor was stopped), ids, `profile`,
            `configuration` (in words), `metric`, `mode`, `value`, `low`, `high` (95 % interval over
            evaluated rows), `last_rung` and `eval_loss`, which rank the stopped, each score with
            `<score>_low` and `<score>_high`, `test_value`, `test_low`, `test_high`, `test_rows`,
            sizes, times, device. Of a configuration with several runs all of these are means, ids
            those of its first completed run; `seeds` says of how many runs, `trials` which, and
            `confirm_seeds` how many confirming runs the figures on test rows are of.
        """
        shown = self._order[:limit]
        confirming = [self._confirming.get(self._name(runs), []) for runs in shown]
        wanted = [index for each in (*shown, *confirming) for index in each]
        rows = dict(zip(wanted, self._table.take(integers(wanted)).to_pylist(), strict=True))
        return [
            self._entry(place, [rows[i] for i in runs], [rows[i] for i in confirm])
            for place, (runs, confirm) in enumerate(zip(shown, confirming, strict=True), 1)
        ]

    def _name(self, runs: Sequence[int]) -> tuple[Any, ...]:
        row = self._facts[runs[0]]
        return row["sweep_id"], configuration_name(row)

    def _entry(self, place: int, runs: Sequence[Row], confirming: Sequence[Row]) -> dict[str, Any]:
        metric, row = self._metric, mean_row(runs)
        tested = mean_row(confirming) if confirming else row
        value = finite_or_none(row[metric])
        group = _group(row["outcome"], value, finite_or_none(row["eval_loss"]))
        entry = {
            "place": None if group == _UNRANKED else place,
            **{name: row[name] for name in (*_IDENTITY, *_SETTING)},
            "configuration": self._configurations.describe(row),
            "outcome": row["outcome"],
            "metric": metric,
            "mode": self._mode,
            "value": value,
            **_interval("", row, metric),
            "rows": measured_rows(row, metric),
            "eval_rows": row["eval_rows"],
            "test_value": tested[f"test_{metric}"] if is_score(metric) else None,
            # Of several seeds the interval is over them too: the sweep's answer has it.
            **(_UNKNOWN if confirming else _interval("test_", row, metric)),
            "test_rows": tested["test_rows"],
            "seeds": len(measured(runs)),
            "confirm_seeds": len(confirming),
            "trials": [each["trial_id"] for each in (*runs, *confirming)],
            "last_rung": row["last_rung"],
            "eval_loss": finite_or_none(row["eval_loss"]),
        }
        for name in SCORE_COLUMNS:
            low, high = interval_of(row, name) or (None, None)
            entry |= {name: row[name], f"{name}_low": low, f"{name}_high": high}
            entry |= {column: row[column] for column in (f"{name}_rows", f"{name}_unjudged")}
        return entry | {name: row[name] for name in _MEASURES}


def leaderboard(
    root: Root,
    *sweep_ids: str,
    by: str | None = None,
    techniques: Sequence[str] = (),
    each_trial: bool = False,
) -> list[dict[str, Any]]:
    """Returns every entry of a `Ranking`; arguments and errors as there."""
    return Ranking(root, sweep_ids, by, techniques, each_trial=each_trial).entries()


def render(
    rows: Sequence[dict[str, Any]],
    limit: int | None = None,
    ranking: Ranking | None = None,
    *,
    wide: bool = False,
) -> RenderableType:
    """Returns the table of a leaderboard, under one line that says what was compared.

    Args:
        rows: What `leaderboard` returned.
        limit: At most so many lines; None means all.
        ranking: What the rows are from, if they are only its first ones.
        wide: Whether no column is left out, however narrow the terminal is.
    """
    from rich.console import Group

    from orchestrator.terminal.fitting_table import FittingTable
    from orchestrator.terminal.plain_console import shown

    count = ranking.count if ranking else len(rows)
    sweeps = ranking.sweeps if ranking else tuple(dict.fromkeys(row["sweep_id"] for row in rows))
    bases = ranking.bases if ranking else tuple(dict.fromkeys(row["base_model"] for row in rows))
    metric, beside = rows[0]["metric"], _beside(rows)
    headers, lines = board(rows, limit)
    right = {"", *beside, "trainable", "examples", "time"}
    least_first = ["device", "examples", "time", "trainable", *reversed(beside), "outcome"]
    least_first += ["seeds", f"test {metric}", "trial"]
    remedy = "--wide shows them, `results leaderboard --format csv` has all."
    parts: list[RenderableType] = [shown(_head(rows, sweeps, bases))]
    fitting = FittingTable(headers, lines, right, least_first, remedy)
    parts.append(fitting.whole() if wide else fitting)
    if limit is not None and count > limit:
        parts.append(shown(f"and {count - limit} more {ranking.of if ranking else 'trials'}"))
    warnings = ranking.warnings if ranking else mixed_scoring(rows, (metric, *beside))
    parts += [shown(text) for text in (*partly_measured(rows), *warnings)]
    return Group(*parts)


def board(
    rows: Sequence[dict[str, Any]], limit: int | None = None
) -> tuple[list[str], list[list[str]]]:
    """Returns headers and lines of the table of a leaderboard.

    Args:
        rows: What `leaderboard` returned; at least one.
        limit: At most so many lines; None means all.
    """
    metric, beside = rows[0]["metric"], _beside(rows)
    tested = any(row["test_value"] is not None for row in rows)
    seeded = any(row["seeds"] > 1 or row["confirm_seeds"] for row in rows)
    headers = ["", "trial", "configuration", *(["seeds"] if seeded else []), metric, *beside]
    headers += [f"test {metric}"] if tested else []
    headers += ["trainable", "examples", "time", "device", "outcome"]
    lines = []
    for row in rows[:limit]:
        cells = [
            str(row["place"] or "-"),
            row["trial_id"],
            row["configuration"],
            *([_seeds(row)] if seeded else []),
            with_interval(row["value"], row["low"], row["high"]),
            *(number(row[name]) for name in beside),
        ]
        if tested:
            cells.append(with_interval(row["test_value"], row["test_low"], row["test_high"]))
        percent = row["trainable_percent"]
        cells += [
            "-" if percent is None else f"{percent:.2f} %",
            "-" if row["examples_seen"] is None else f"{row['examples_seen']:,}",
            duration(row["wall_seconds"]),
            row["device_kind"] or "-",
            row["outcome"],
        ]
        lines.append(cells)
    return headers, lines


def _beside(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Returns the metrics that a table shows beside the one that ranks."""
    metric = rows[0]["metric"]
    found = [n for n in _BESIDE if n != metric and any(row[n] is not None for row in rows)]
    if metric != "eval_loss" and any(row["outcome"] == "stopped" for row in rows):
        found.append("eval_loss")
    return found


def _head(
    rows: Sequence[dict[str, Any]], sweeps: Sequence[str], bases: Sequence[str | None]
) -> str:
    """Returns what was compared: sweeps, profile, models, data and evaluated rows, in one line."""
    first = rows[0]
    counts = sorted({row["eval_rows"] for row in rows if row["eval_rows"]})
    evaluated = " or ".join(f"{count:,}" for count in counts) or "no"
    noun = "row" if counts == [1] else "rows"
    better = "higher" if first["mode"] == "max" else "lower"
    profiles = [profile_words(first["profile"], base, first["dataset"]) for base in bases]
    text = (
        f"{', '.join(sweeps)}: profile {' and '.join(dict.fromkeys(profiles))},"
        f" {', '.join(base or '-' for base in bases)} on {first['dataset']};"
        f" {first['metric']} ({better} is better) on {evaluated} validation {noun}"
    )
    has_intervals = is_score(first["metric"]) and counts
    return f"{text}, with 95 % intervals over rows" if has_intervals else text


def _seeds(row: dict[str, Any]) -> str:
    """Returns under how many seeds a configuration was tuned, and confirmed."""
    confirmed = f" + {row['confirm_seeds']}" if row["confirm_seeds"] else ""
    return f"{row['seeds']}{confirmed}"


def _confirming(facts: Sequence[Row]) -> dict[tuple[Any, ...], list[int]]:
    """Returns the places of the completed runs that confirm each configuration of each sweep."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for row in facts:
        if row["phase"] == CONFIRM and row["outcome"] == "completed":
            found.setdefault((row["sweep_id"], configuration_name(row)), []).append(row["index"])
    return found


def _only(rows: list[Row], techniques: Sequence[str]) -> list[Row]:
    # What confirms has a ranking of its own, on test rows, of configurations under several seeds.
    rows = [row for row in rows if row["phase"] != CONFIRM]
    known = {row["technique"] for row in rows}
    for name in techniques:
        if name not in known:
            raise absent("technique", name, known, "in these sweeps")
    found = [row for row in rows if not techniques or row["technique"] in techniques]
    if not found:
        raise ResultsError("No trial is left to rank.")
    return found


def _group(outcome: str, value: float | None, loss: float | None) -> int:
    if outcome == "stopped":
        return _UNRANKED if loss is None else _STOPPED
    return _UNRANKED if value is None or outcome != "completed" else _SCORED


def _interval(prefix: str, row: Row, metric: str) -> dict[str, float | None]:
    low, high = interval_of(row, metric, prefix) or (None, None)
    return {f"{prefix}low": low, f"{prefix}high": high}

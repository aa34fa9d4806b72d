"""Everything that the store knows of one trial."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType

from orchestrator.errors import visible_line
from orchestrator.results.configurations import parameters, recorded
from orchestrator.results.evaluations import chosen_predictions, evaluations_of, ordered_by
from orchestrator.results.measured import interval_of, measured_rows, reasons
from orchestrator.results.missing_files import missing_files, was_measured
from orchestrator.results.profile_words import profile_words
from orchestrator.results.selection import is_score, metric_and_mode
from orchestrator.search.identity import trial_id
from orchestrator.search.tries import earlier_tries, run_number
from orchestrator.store import reader
from orchestrator.store.place import Root
from orchestrator.store.rows import Row, finite_or_none
from orchestrator.store.schema import PREDICTIONS, REPORTS, SCORE_COLUMNS
from orchestrator.terminal.fitting_table import FittingTable
from orchestrator.terminal.output import Answer, table
from orchestrator.terminal.plain_console import shown, shown_line
from orchestrator.terminal.values import duration, number, text, with_interval
from trainables.contract.scores import REASONS

_LINES = 20
_BAR = 40
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def show(root: Root, row: Row) -> Answer:
    """Returns parameters, scores, reports, curve, predictions, environment of a trial.

    The ten predictions are of the test rows where they were evaluated, else of the validation rows
    at the last rung: the best, the worst and some seeded random ones by the objective.

    Args:
        root: Of the store.
        row: Its final row.

    Raises:
        StoreError: The store cannot be read.
    """
    metric, _ = metric_and_mode([row], None)
    sweep_id, trial_ids = row["sweep_id"], [row["trial_id"]]
    reports = reader.reports(root, sweep_id, trial_ids=trial_ids).to_pylist()
    predictions = reader.predictions(root, sweep_id, trial_ids=trial_ids).to_pylist()
    evaluations = evaluations_of(predictions, row)
    split, chosen = chosen_predictions(evaluations, row, metric)
    environment = dict(recorded(row, "environment_json"))
    config = dict(recorded(row))
    before = [trial_id(sweep_id, number) for number in earlier_tries(row["trial_number"])]
    data = {
        "trial": {key: value for key, value in row.items() if not key.endswith("_json")},
        "earlier_tries": before,
        "configuration": config,
        "environment": environment,
        "reports": reports,
        "not_measured": {name: reasons(found) for name, found in evaluations.items()},
        "predictions": {"split": split, "rows": chosen},
    }
    parts: list[RenderableType] = [shown_line(_head(row)), shown_line(_cost(row))]
    if before:
        run = run_number(row["trial_number"])
        parts.append(shown(f"Try {len(before) + 1} at run {run}; before it: {', '.join(before)}"))
    parts += [shown(f"\nParameters: {_listed(parameters(row))}"), shown("\nScores", style="bold")]
    few = _thinned(reports)
    title = "Reports" if len(few) == len(reports) else f"{len(few)} of {len(reports)} reports"
    parts += [_scores(row), *(shown(line) for line in _not_measured(evaluations))]
    parts += [shown(f"\n{title}", style="bold"), _reports(few, metric)]
    everywhere = all(report[metric] is not None for report in reports)
    parts += [shown(line) for line in curve(few, metric if everywhere else "eval_loss")]
    if chosen:
        order = ordered_by(metric)
        parts.append(shown(f"\nPredictions on {split} rows, by {order}", style="bold"))
        parts += [shown(_prediction(each, order)) for each in chosen]
    if was_measured(row, metric):
        for definition, content in ((REPORTS, reports), (PREDICTIONS, predictions)):
            # By a loss alone no SQL was written that there could be predictions of.
            if not content and (definition is REPORTS or is_score(metric)):
                what = f"the {definition.name}"
                parts.append(shown(f"\n{missing_files(root, definition, [row], what)}"))
    if row["error"]:
        parts.append(shown(f"\nError\n{row['error']}"))
    parts.append(shown(f"\nCheckpoint: {visible_line(row['checkpoint'] or 'none')}"))
    parts.append(shown(f"Environment: {_listed(environment)}"))
    return Answer(data, Group(*parts))


def curve(reports: list[Row], metric: str) -> list[str]:
    """Returns one line a rung: examples, a bar from 0 to the highest value, the value."""
    values = [finite_or_none(report[metric]) for report in reports]
    top = max((value for value in values if value is not None), default=0.0)
    lines = []
    for report, value in zip(reports, values, strict=True):
        eighths = round(8 * _BAR * value / top) if value is not None and top > 0 else 0
        bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
        lines.append(f"{report['rung_examples']:>10,} {bar:<{_BAR}} {number(value)}")
    return lines


def _head(row: Row) -> str:
    profile = profile_words(row["profile"], row["base_model"], row["dataset"])
    adopted = f", adopted from {row['adopted_from']}" if row["adopted_from"] else ""
    return (
        f"{row['trial_id']} of {row['sweep_id']}: {row['technique']}, {row['outcome']}, profile"
        f" {profile}, {row['base_model']} on {row['dataset']}{adopted}"
    )


def _cost(row: Row) -> str:
    memory = row["peak_memory_bytes"]
    parts = [
        f"{row['device_name'] or row['device_kind'] or 'unknown device'} on {row['node'] or '?'}",
        f"{duration(row['wall_seconds'])} in all ({duration(row['train_seconds'])} training,"
        f" {duration(row['eval_seconds'])} evaluation)",
        f"peak memory {memory / 2**20:,.0f} MiB" if memory else "",
        _trained(row),
        f"{row['attempts']} attempts" if (row["attempts"] or 0) > 1 else "",
    ]
    return "; ".join(part for part in parts if part)


def _trained(row: Row) -> str:
    part, whole, percent = (
        row[name] for name in ("trainable_parameters", "total_parameters", "trainable_percent")
    )
    if part is None or not whole or percent is None:
        return ""
    return f"{part:,} of {whole:,} parameters trained ({percent:.4g} %)"


def _scores(row: Row) -> RenderableType:
    return table(*score_lines(row))


def score_lines(row: Row) -> tuple[list[str], list[list[str]]]:
    """Returns headers and lines of a trial's losses and scores, with their intervals over rows."""
    lines = []
    for name in ("train_loss", "eval_loss", *SCORE_COLUMNS):
        value, tested = row[name], row.get(f"test_{name}")
        if value is None and tested is None:
            continue
        cells = [
            with_interval(score, *(interval_of(row, name, prefix) or (None, None)))
            + _on_fewer(row, name, prefix)
            for prefix, score in (("", value), ("test_", tested))
        ]
        lines.append([name, *cells])
    headers = ["", f"{row['eval_rows'] or 0} validation rows", f"{row['test_rows'] or 0} test rows"]
    return headers, lines


def _on_fewer(row: Row, metric: str, prefix: str) -> str:
    """Returns on how many rows a score was measured, where that is not on all."""
    if not is_score(metric):
        return ""
    rows, all_rows = measured_rows(row, metric, prefix), row["test_rows" if prefix else "eval_rows"]
    return "" if rows is None or rows == all_rows else f" on {rows:,}"


def _reports(reports: list[Row], metric: str) -> RenderableType:
    columns = ["rung", "rung_examples", "step", "epoch", "train_loss", "eval_loss", metric]
    columns = list(dict.fromkeys([*columns, "learning_rate", "tokens_per_second", "attempt"]))
    lines = [[text(report[name]) for name in columns] for report in reports]
    least_first = ("attempt", "tokens_per_second", "learning_rate", "step", "train_loss", "epoch")
    remedy = "`results show --format json` has all."
    return FittingTable(columns, lines, set(columns), least_first, remedy)


def _thinned(reports: list[Row]) -> list[Row]:
    """Returns at most `_LINES` reports at like distances, the last among them."""
    step = -(-len(reports) // _LINES) or 1
    return reports[::-1][::step][::-1]


def _not_measured(evaluations: dict[str, list[Row]]) -> list[str]:
    """Returns why rows have no execution accuracy, counted; nothing where all have one."""
    lines = []
    for split, found in evaluations.items():
        counted = reasons(found)
        if not counted:
            continue
        missing = sum(counted.values())
        lines.append(f"execution_accuracy: none on {missing:,} of {len(found):,} {split} rows")
        lines += [f"{count:>7,}  {kind}: {reason_words(kind)}" for kind, count in counted.items()]
    return lines


def reason_words(kind: str) -> str:
    """Returns what a kind of reason for an absent execution accuracy means."""
    return REASONS.get(kind, "a reason that this version does not know")


def _prediction(row: dict[str, Any], order: str) -> str:
    texts = (row["sql_prompt"], row["reference"], row["prediction"])
    asked, reference, prediction = (visible_line(str(text)) for text in texts)
    return f"{judged(row, order)}: {asked}\n  reference   {reference}\n  prediction  {prediction}"


def judged(row: dict[str, Any], order: str) -> str:
    """Returns why a prediction was chosen and how good it is, e.g. "best (rouge_l 0.912)"."""
    value = f"{order} {row[order]:.3f}"
    runs = row["execution_accuracy"]
    if runs is not None:
        value += ", right when run" if runs == 1.0 else ", wrong when run"
    return f"{row['chosen']} ({value})"


def _listed(values: dict[str, Any]) -> str:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= value
        elif value is not None:
            flat[name] = value
    words = (f"{name} {text(value)}" for name, value in flat.items() if value is not None)
    return visible_line(", ".join(words))

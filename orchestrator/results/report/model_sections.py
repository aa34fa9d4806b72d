"""The best model: what it wrote, where it errs, and how its rows were scored."""

from __future__ import annotations

from orchestrator.results.evaluations import chosen_predictions, evaluations_of, ordered_by
from orchestrator.results.measured import reasons
from orchestrator.results.report.kinds_figure import kinds_figure
from orchestrator.results.report.parts import Paragraph, Part, Sample, Section, Table
from orchestrator.results.show import judged, reason_words, score_lines
from orchestrator.results.statement_kinds import by_kind
from orchestrator.store.rows import Row
from trainables.contract.scores import METRICS

_REFERENCE, _PREDICTION = "reference", "prediction"


def predictions_section(best: Row, predictions: list[Row]) -> Section:
    """Returns how often the best is right by kind of statement, and what it wrote.

    Args:
        best: Its final row.
        predictions: What it wrote.
    """
    title = "What the best writes"
    metric = best["objective_metric"]
    evaluations = evaluations_of(predictions, best)
    split, chosen = chosen_predictions(evaluations, best, metric)
    order = ordered_by(metric)
    if not chosen:
        return Section(title, [Paragraph(f"No predictions of {best['trial_id']} are stored.")])
    said = f"Of {best['trial_id']}, on {len(evaluations[split]):,} {split} rows."
    parts: list[Part] = [Paragraph(said)]
    parts += [kinds_figure(each) for each in by_kind(evaluations[split], best)]
    parts += [
        Sample(
            f"{judged(each, order)}: {each['sql_prompt']}",
            [(name, str(each[name])) for name in (_REFERENCE, _PREDICTION)],
        )
        for each in chosen
    ]
    return Section(title, parts)


def scoring_section(best: Row, predictions: list[Row]) -> Section:
    """Returns the best's scores with what each is, and how many rows could not be scored and why.

    Args:
        best: Its final row.
        predictions: What it wrote.
    """
    headers, lines = score_lines(best)
    if not lines:
        return Section("How rows were scored", [])
    described = [[*line, METRICS[line[0]].description] for line in lines]
    headers = ["score", *headers[1:], "what it is"]
    said = f"Scores of {best['trial_id']}, with 95 % intervals over rows."
    parts: list[Part] = [Paragraph(said), Table("Scores", headers, described, set(headers[1:3]))]
    evaluations = evaluations_of(predictions, best)
    absent = [
        [split, f"{count:,}", kind, reason_words(kind)]
        for split, found in evaluations.items()
        for kind, count in reasons(found).items()
    ]
    if absent:
        parts.append(
            Table(
                "Rows without an execution accuracy",
                ["rows of", "rows", "why there is no execution_accuracy", "what that means"],
                absent,
                {"rows"},
            )
        )
    elif evaluations and all(
        row["execution_accuracy"] is not None for found in evaluations.values() for row in found
    ):
        parts.append(Paragraph("Every row has an execution_accuracy; no prediction is unjudged."))
    return Section("How rows were scored", parts)

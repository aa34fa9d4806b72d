"""The project's scores of predicted SQL for users of the `evaluate` library.

    import evaluate, pathlib, trainables

    folder = str(pathlib.Path(trainables.__file__).parent / "sql_scores")
    scores = evaluate.load(folder)
    scores.compute(predictions=["SELECT 1"], references=["select 1;"])
    evaluate.combine([folder, ...]).compute(predictions=..., references=...)

It loads from its folder without a network, and gives means over all rows; with `contexts=[...]`,
the SQL that builds each row's database, also what the statements do when they run.
"""

from __future__ import annotations

from collections.abc import Sequence

import datasets
import evaluate

from trainables.evaluation.text_scores import score, summarise
from trainables.sql.execution import execute

_DESCRIPTION = """\
Scores of predicted SQL statements: BLEU, ROUGE-L F1, METEOR, Google-BLEU, exact match after
normalisation, ROUGE-L recall, unigram F1, corpus BLEU, and on request execution accuracy and valid
SQL."""

_INPUTS = """\
Args:
    predictions: what a model wrote, one string a row.
    references: what it should have written.
    contexts: optional, the SQL that builds each row's database.
Returns:
    means from 0 to 1 by name, and meteor_synonyms, 1.0 if METEOR had WordNet; a score that no row
    has is left out."""


class SqlScores(evaluate.Metric):
    """Means of the scores over all rows."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(
        self,
        predictions: Sequence[str],
        references: Sequence[str],
        contexts: Sequence[str] | None = None,
    ) -> dict[str, float]:
        rows = [
            {**scores, "prediction": prediction, "reference": reference}
            for scores, prediction, reference in zip(
                score(predictions, references), predictions, references, strict=True
            )
        ]
        if contexts is not None:
            outcomes = execute(contexts, references, predictions)
            rows = [{**row, **outcome} for row, outcome in zip(rows, outcomes, strict=True)]
        summary = summarise(rows)
        means = dict(summary.mean)
        if summary.corpus_bleu is not None:
            means["corpus_bleu"] = summary.corpus_bleu
        return means

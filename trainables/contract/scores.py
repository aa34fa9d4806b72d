"""What a trial is measured by: one record a metric, from which every list of names follows.

Standard library only: the search space file's objective is checked against this module, in
processes that must not load torch.

A new score is its record here, its function (`trainables.evaluation.text_scores.score` or
`trainables.sql.execution`), and its columns (`orchestrator.store.schema`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "execution", "loss"]


@dataclass(frozen=True)
class Metric:
    """A score or a loss.

    Attributes:
        name: As in the search space file and in the store's columns.
        mode: Whether more ("max") or less ("min") is better.
        kind: "text": a score of a prediction's text against the reference's text. "execution": a
            score of what the prediction does when it runs. "loss": of tokens, not of rows.
        description: One line, for `--help`, the file's schema and model cards.
        bounded: Whether it lies in 0..1.
        binary: Whether it is 0 or 1 in each row.
    """

    name: str
    mode: Literal["max", "min"]
    kind: Kind
    description: str
    bounded: bool = True
    binary: bool = False


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("bleu", "max", "text", "sentence BLEU, up to 4-grams, smoothing method 1 (0 to 1)"),
        Metric(
            "rouge_l",
            "max",
            "text",
            "ROUGE-L F1: longest common subsequence of words and numbers (0 to 1)",
        ),
        Metric(
            "meteor",
            "max",
            "text",
            "METEOR: aligned words, stems and, with WordNet, synonyms (0 to 1)",
        ),
        Metric(
            "gleu",
            "max",
            "text",
            "Google-BLEU: the lesser of n-gram precision and recall, up to 4-grams (0 to 1)",
        ),
        Metric(
            "exact_match",
            "max",
            "text",
            "1 if both statements are the same after normalisation by sqlglot, else 0",
            binary=True,
        ),
        Metric(
            "execution_accuracy",
            "max",
            "execution",
            "1 if both statements do the same to the row's own database, else 0",
            binary=True,
        ),
        Metric(
            "valid_sql",
            "max",
            "execution",
            "1 if the prediction runs on the row's own database, else 0",
            binary=True,
        ),
        Metric(
            "rouge_l_recall",
            "max",
            "text",
            "ROUGE-L recall: what the study publishes as ROUGE-L (0 to 1)",
        ),
        Metric(
            "unigram_f1",
            "max",
            "text",
            "F1 of the sets of words: what the study publishes as GLEU (0 to 1)",
        ),
        Metric(
            "train_loss",
            "min",
            "loss",
            "mean cross-entropy per target token since the last report, in nats",
            bounded=False,
        ),
        Metric(
            "eval_loss",
            "min",
            "loss",
            "mean cross-entropy per target token on the evaluated rows, in nats",
            bounded=False,
        ),
    )
}
"""Name -> metric, the scores in the order of the store's columns; each can be an objective."""


def of_kind(*kinds: Kind) -> tuple[str, ...]:
    """Returns the names of the metrics of some kinds, in the order of `METRICS`."""
    return tuple(name for name, metric in METRICS.items() if metric.kind in kinds)


SCORES: tuple[str, ...] = of_kind("text", "execution")
"""The names of all scores, in the order of the store's columns."""

LOSSES: tuple[str, ...] = of_kind("loss")

COLUMNS_OF_SCORES: tuple[str, ...] = tuple(
    f"{score}{suffix}" for score in SCORES for suffix in ("", "_se", "_rows", "_unjudged")
)
"""The columns of all scores: the mean, its standard error, the rows that it is over, and the rows
whose prediction could not be judged."""

SCORING_VERSION = 5
"""Rises with every change that may give a row another score: numbers of one version compare."""

UNJUDGED = "unjudged"
"""The reason of a row that can be measured, where nobody can judge this prediction."""

REASONS: Mapping[str, str] = {
    "context fails": "the context does not run, in SQLite or as any dialect",
    "reference fails": "the reference does not run in its context",
    "limit": "the context or the reference passes a limit",
    "no translation": "a construct whose meaning in SQLite is not known",
    "dialects differ": "it fits several dialects that return different results",
    UNJUDGED: "the row can be measured, but this prediction is none that its engine can judge",
}
"""The kinds of reasons; the last one is a prediction's, the others are a row's."""

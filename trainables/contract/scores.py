"""The names of what a trial is measured by, which way each is better, and what each says.

Standard library only: the search space file's objective is checked against this module, in
processes that must not load torch.
"""

from __future__ import annotations

TEXT_SCORES: tuple[str, ...] = (
    "bleu",
    "rouge_l",
    "meteor",
    "gleu",
    "exact_match",
    "rouge_l_recall",
    "unigram_f1",
)
"""Scores of a prediction's text against the reference's text,
`trainables.evaluation.text_scores`."""

EXECUTION_SCORES: tuple[str, ...] = ("execution_accuracy", "valid_sql")
"""Scores of what the prediction does when it runs, `trainables.sql.execution`."""

SCORES: tuple[str, ...] = (
    "bleu",
    "rouge_l",
    "meteor",
    "gleu",
    "exact_match",
    "execution_accuracy",
    "valid_sql",
    "rouge_l_recall",
    "unigram_f1",
)
"""All scores, in the order of the store's columns."""

LOSSES: tuple[str, ...] = ("train_loss", "eval_loss")

MODES: dict[str, str] = {**dict.fromkeys(SCORES, "max"), **dict.fromkeys(LOSSES, "min")}
"""For each metric that can be an objective: is more better, or less?"""

DESCRIPTIONS: dict[str, str] = {
    "bleu": "sentence BLEU, up to 4-grams, smoothing method 1 (0 to 1)",
    "rouge_l": "ROUGE-L F1: longest common subsequence of words and numbers (0 to 1)",
    "meteor": "METEOR: aligned words, stems and, with WordNet, synonyms (0 to 1)",
    "gleu": "Google-BLEU: the lesser of n-gram precision and recall, up to 4-grams (0 to 1)",
    "exact_match": "1 if both statements are the same after normalisation by sqlglot, else 0",
    "execution_accuracy": "1 if both statements do the same to the row's own database, else 0",
    "valid_sql": "1 if the prediction runs on the row's own database, else 0",
    "rouge_l_recall": "ROUGE-L recall: what the study publishes as ROUGE-L (0 to 1)",
    "unigram_f1": "F1 of the sets of words: what the study publishes as GLEU (0 to 1)",
    "train_loss": "mean cross-entropy per target token since the last report, in nats",
    "eval_loss": "mean cross-entropy per target token on the evaluated rows, in nats",
}
"""One line a metric, for `--help` and the README."""

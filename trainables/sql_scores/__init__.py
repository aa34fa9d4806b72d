"""The scores of `evaluation.text_scores` and `sql.execution` as a module of `evaluate`."""

"""How a prompt is put together: what the model is asked, in training, evaluation and prediction."""

from __future__ import annotations

from trainables.data.tables import Example

NOTEBOOK_SUFFIX = (
    ", IMPORTANT: With or without the context, your answer must always be a SQL statement"
)


def prompt(example: Example, protocol: str = "standard") -> str:
    """Returns what the model is asked, the same in training, evaluation and prediction.

    Args:
        example: The question and its schema.
        protocol: "notebook" appends the study's sentence, which it used in evaluation only.
    """
    question = f"Question: {example.sql_prompt} Context: {example.sql_context}"
    return question + NOTEBOOK_SUFFIX if protocol == "notebook" else question

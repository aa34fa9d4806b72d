from __future__ import annotations

from trainables.data.prompt import prompt
from trainables.data.tables import Example


def test_the_prompt_is_the_study_s() -> None:
    row = Example("1", "How many?", "CREATE TABLE t (a INT);", "SELECT 1")
    plain = "Question: How many? Context: CREATE TABLE t (a INT);"
    assert prompt(row) == plain
    assert prompt(row, "notebook") == (
        plain
        + ", IMPORTANT: With or without the context, your answer must always be a SQL statement"
    )

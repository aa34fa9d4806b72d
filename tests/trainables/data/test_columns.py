"""Which column is which: as the file says, as the project calls them, or as is usual."""

from __future__ import annotations

import pytest

from trainables.data.columns import OtherTable, renamed, resolve
from trainables.data.errors import DatasetError

OURS = {"sql_prompt": "sql_prompt", "sql_context": "sql_context", "sql": "sql"}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["question", "context", "answer"], ("question", "context", "answer")),
        (["schema", "query", "question", "x"], ("question", "schema", "query")),
        (["Question", "DB Schema", "SQL"], ("Question", "DB Schema", "SQL")),
        # A name of the project's own goes before the usual ones, whatever else there is.
        (["sql", "query", "question", "context"], ("question", "context", "sql")),
        (["SQL", "query", "question", "context"], ("question", "context", "SQL")),
        (["sql_prompt", "question", "context", "sql"], ("sql_prompt", "context", "sql")),
    ],
)
def test_columns_are_recognised(names: list[str], found: tuple[str, str, str]) -> None:
    prompt, context, sql = found
    assert resolve(names, {}, "t") == {"sql_prompt": prompt, "sql_context": context, "sql": sql}


def test_what_is_given_goes_before_what_is_usual() -> None:
    names = ["question", "paraphrase", "context", "sql", "kind"]
    given = {"sql_prompt": "paraphrase", "domain": "kind"}
    found = resolve(names, given, "t")
    assert found["sql_prompt"] == "paraphrase"
    assert renamed(found) == {
        "sql_prompt": "paraphrase",
        "sql_context": "context",
        "domain": "kind",
    }


def test_a_column_is_taken_once() -> None:
    names = ["question", "answer", "query", "context"]
    found = resolve(names, {"sql": "query", "id": "answer"}, "t")
    assert found == {
        "sql": "query",
        "id": "answer",
        "sql_prompt": "question",
        "sql_context": "context",
    }


@pytest.mark.parametrize(
    ("names", "given", "words"),
    [
        (
            ["question", "schema", "ddl", "sql"],
            {},
            "2 columns that may be the schema: schema, ddl; say which one, e.g. with"
            " `--set columns.sql_context=schema`",
        ),
        (["question", "Question", "context", "sql"], {}, "may be the question: question, Question"),
        (["question", "context"], {}, "lacks sql: it has question, context; name the columns"),
        (["question", "sql"], {}, "with `--set databases=DIR`"),
        (list(OURS), {"sql": "query"}, "no column 'query', which `columns.sql` names; it has the"),
        (["sql", *OURS], {}, "has the column 'sql' twice"),
    ],
)
def test_what_is_not_clear_is_refused(names: list[str], given: dict[str, str], words: str) -> None:
    with pytest.raises(DatasetError) as caught:
        resolve(names, given, "t")
    assert words in str(caught.value)


def test_a_column_of_objects_is_no_text() -> None:
    names = ["question", "context", "sql", "query"]
    assert resolve(names, {}, "t", nested=["sql"])["sql"] == "query"
    with pytest.raises(DatasetError, match="objects or lists in the column 'sql', which `columns"):
        resolve(names, {"sql": "sql"}, "t", nested=["sql"])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["", "id"], "it has '' (without a name), id;"),
        ([" id", "a,b", "it's", "plain name"], "it has 'id', 'a,b', \"it's\", plain name;"),
    ],
)
def test_names_that_would_be_misread_are_in_quotes(names: list[str], words: str) -> None:
    with pytest.raises(DatasetError) as caught:
        resolve(names, {}, "t")
    assert words in str(caught.value)


def test_where_the_others_have_it_is_said() -> None:
    others = [OtherTable("dev.csv", ["query", "answer"]), OtherTable("train.csv", ["query", "x"])]
    with pytest.raises(DatasetError, match=r"train\.csv has sql as 'query': give it a column"):
        resolve(["question", "context"], {}, "test.csv", others=others)

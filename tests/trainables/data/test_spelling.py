from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from trainables.data.spelling import SqlTokens, collapse_white_space
from trainables.embedded import corpus
from trainables.embedded.tokenizer import build

ORDINARY = "SELECT name, COUNT(*) AS n FROM users WHERE age >= 18 AND city = 'Graz' GROUP BY name;"
PIECES = st.sampled_from(
    [
        *("SELECT", "name", "x", "1", "3.5", "'a b'", "<", "<=", "<>", ">", "!=", "{", "}", "~"),
        *("^", "\\", "`t`", "\n", "\t", " ", "  ", "--", "«", "®", "®3c;", "</s>", "<pad>"),
        *("<extra_id_0>", "é", "e\u0301", "½", "中文", "ﬁ", "\U0001d4b3", "—", "▁", "\u2060"),
        *("\x00", "\u00a0", "“q”", "\u200d"),
    ]
)
SQL = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=30)


@pytest.fixture(scope="module", params=["flan-t5", "embedded"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    if request.param == "flan-t5":
        shared: Path = request.getfixturevalue("shared")
        return AutoTokenizer.from_pretrained(shared / "flan-t5-tokenizer")
    return build(row["sql"] for row in corpus.rows("train")[:100])


@pytest.fixture(scope="module")
def tokens(tokenizer: Any) -> SqlTokens:
    return SqlTokens(tokenizer)


@given(sql=SQL)
@settings(max_examples=400, deadline=None)
def test_any_text_comes_back_from_its_token_ids(tokens: SqlTokens, sql: str) -> None:
    ids = tokens.statement_ids([sql])
    assert tokens.texts(ids) == [sql]


def test_ordinary_sql_costs_no_token_more(tokens: SqlTokens, tokenizer: Any) -> None:
    assert tokens.encode(ORDINARY) == ORDINARY
    assert tokens.prompt_ids([ORDINARY])[0].tolist() == tokenizer(ORDINARY)["input_ids"]


def test_a_comparison_costs_one_token(tokens: SqlTokens) -> None:
    less, equal = tokens.prompt_ids(["x < 3", "x = 3"])
    assert len(less) == len(equal)


@given(text=st.text(alphabet="®«—0123456789abcdef; ", max_size=30))
def test_whatever_a_model_writes_is_decoded(tokens: SqlTokens, text: str) -> None:
    assert isinstance(tokens.decode(text), str)


def test_a_cut_text_ends_in_the_end_token_only_where_asked(
    tokens: SqlTokens, tokenizer: Any
) -> None:
    (prompt,) = tokens.prompt_ids([ORDINARY], 8)
    (target,) = tokens.statement_ids([ORDINARY], 8)
    assert len(prompt) == len(target) == 8
    assert prompt[-1] == tokenizer.eos_token_id
    assert target[-1] != tokenizer.eos_token_id


def test_white_space_of_prompts_is_collapsed() -> None:
    assert collapse_white_space(" a\n\t b  c ") == "a b c"


@pytest.mark.slow
def test_every_wikisql_statement_comes_back(shared: Path) -> None:
    tokens = SqlTokens(AutoTokenizer.from_pretrained(shared / "flan-t5-tokenizer"))
    for split in ("train", "validation"):
        table = pyarrow.parquet.read_table(shared / "data" / f"wikisql-{split}.parquet")
        statements = table["sql"].to_pylist()
        assert tokens.texts(tokens.prompt_ids(statements)) == statements

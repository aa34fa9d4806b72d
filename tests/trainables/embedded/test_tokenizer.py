"""The embedded tokenizer: a token a word, and text that comes back as it was."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from trainables.embedded import corpus
from trainables.embedded.pretrain import BASE, build_tokenizer

TOKENIZER = AutoTokenizer.from_pretrained(BASE)
# A stride that no period of the generator divides; all words are in it.
ROWS = [*corpus.rows("train"), *corpus.rows("test")][::7]


@pytest.mark.parametrize("column", ["sql", "sql_prompt", "sql_context"])
def test_every_row_comes_back_exactly(column: str) -> None:
    texts = [row[column] for row in ROWS]
    tokens = TOKENIZER(texts)["input_ids"]
    assert TOKENIZER.batch_decode(tokens, skip_special_tokens=True) == texts
    assert not any(TOKENIZER.unk_token_id in row for row in tokens)


def test_prompts_and_statements_are_short() -> None:
    prompts = [f"Question: {row['sql_prompt']} Context: {row['sql_context']}" for row in ROWS]
    lengths = [len(tokens) for tokens in TOKENIZER(prompts)["input_ids"]]
    assert sum(lengths) / len(lengths) < 70
    assert max(lengths) < 100
    assert max(map(len, TOKENIZER([row["sql"] for row in ROWS])["input_ids"])) < 30


def test_a_text_has_no_more_tokens_than_characters_beside_its_end() -> None:
    for column in ("sql", "sql_prompt", "sql_context"):
        texts = [row[column] for row in ROWS]
        for text, tokens in zip(texts, TOKENIZER(texts)["input_ids"], strict=True):
            assert len(tokens) <= len(text) + 1


def test_a_word_is_the_same_token_in_a_question_a_schema_and_a_statement() -> None:
    (paris,) = TOKENIZER.convert_tokens_to_ids(["▁Paris"])
    (price,) = TOKENIZER.convert_tokens_to_ids(["▁price"])
    text = "price of Paris? (price INT, 'Paris') SELECT AVG(price), hotels.price = 'Paris';"
    tokens = TOKENIZER(text)["input_ids"]
    assert (tokens.count(paris), tokens.count(price)) == (3, 4)


def test_special_tokens_are_where_t5_has_them() -> None:
    assert (TOKENIZER.pad_token_id, TOKENIZER.eos_token_id, TOKENIZER.unk_token_id) == (0, 1, 2)
    assert TOKENIZER("a")["input_ids"][-1] == 1
    text = "of <extra_id_0> and <extra_id_1>."
    assert TOKENIZER.decode(TOKENIZER(text)["input_ids"], skip_special_tokens=True) == "of and."


@given(st.text(st.sampled_from(string.ascii_letters + string.digits + string.punctuation + " ")))
def test_any_ascii_text_comes_back(text: str) -> None:
    # One space at the start is not kept, as with T5's own tokenizer.
    text = text.strip()
    tokens = TOKENIZER(text, add_special_tokens=False)["input_ids"]
    assert TOKENIZER.unk_token_id not in tokens
    assert TOKENIZER.decode(tokens) == text


def test_the_shipped_tokenizer_is_the_one_that_the_corpus_gives() -> None:
    assert build_tokenizer().get_vocab() == TOKENIZER.get_vocab()

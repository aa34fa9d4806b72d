from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import nltk
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.gleu_score import sentence_gleu
from rouge_score.rouge_scorer import RougeScorer

from trainables.contract.scores import of_kind
from trainables.evaluation import text_scores
from trainables.evaluation.text_scores import score, summarise, tokenise
from trainables.sql.parsing import process as parsing
from trainables.sql.parsing.process import ParsingLimits, ParsingProcess

STUDY = {"bleu": "BLEU", "rouge_l_recall": "ROUGE_L", "unigram_f1": "GLEU", "meteor": "METEOR"}
TOLERANCE = {"bleu": 0.001, "rouge_l_recall": 0.000051, "unigram_f1": 0.01, "meteor": 0.001}


@pytest.fixture
def generations(shared: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(
        (shared / "data" / "notebook-generations.json").read_text()
    )
    return rows


def test_the_figures_that_the_study_printed_come_out(
    generations: list[dict[str, Any]], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nltk.data, "path", [str(shared / "nltk_data")])
    rows = score([row["generated"] for row in generations], [row["sql"] for row in generations])
    assert len(rows) == 32
    for ours, printed in zip(rows, generations, strict=True):
        assert ours["meteor_synonyms"] == 1.0
        for name, theirs in STUDY.items():
            assert ours[name] == pytest.approx(printed[theirs], abs=TOLERANCE[name]), name


def test_rouge_l_is_the_library_s_number(generations: list[dict[str, Any]]) -> None:
    library = RougeScorer(["rougeL"])
    for row in generations:
        [ours] = score([row["generated"]], [row["sql"]], synonyms=False)
        theirs = library.score(row["sql"], row["generated"])["rougeL"].fmeasure
        assert ours["rouge_l"] == pytest.approx(theirs)
        words = [tokenise(row["sql"])], tokenise(row["generated"])
        assert ours["gleu"] == pytest.approx(sentence_gleu(*words))


def test_without_wordnet_meteor_has_no_synonyms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    [row] = score(["the automobile stopped"], ["the car stopped"])
    assert row["meteor_synonyms"] == 0.0
    assert row["meteor"] is not None
    assert 0 < row["meteor"] < 1


def test_a_known_pair() -> None:
    [row] = score(
        ["SELECT COUNT(*) FROM company;"],
        ["SELECT COUNT(*) AS total_employees FROM employees"],
        synonyms=False,
    )
    # The study's one demo question; its README gives these four figures for a whole technique.
    assert row["bleu"] == pytest.approx(0.4775, abs=0.001)
    assert row["rouge_l_recall"] == pytest.approx(0.6667, abs=0.0001)
    assert row["unigram_f1"] == pytest.approx(0.7059, abs=0.0001)
    assert row["exact_match"] == 0.0


def test_equal_statements_score_one() -> None:
    [row] = score(["select a, b from t where c > 3;"], ["SELECT a, b FROM t WHERE c > 3;"])
    assert all(row[name] == pytest.approx(1.0, abs=0.001) for name in of_kind("text"))


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 predictions for 1 references"):
        score(["a", "b"], ["a"])


def test_contexts_tell_names_from_strings() -> None:
    pair = ["SELECT a FROM t WHERE a = 'b'"], ['SELECT a FROM t WHERE a = "b"']
    matches = [
        score(*pair, contexts=contexts, synonyms=False)[0]["exact_match"]
        for contexts in (None, ["CREATE TABLE t (a TEXT)"], ["CREATE TABLE t (a TEXT, b TEXT)"])
    ]
    assert matches == [0.0, 1.0, 0.0]


def test_a_context_is_needed_for_each_row() -> None:
    with pytest.raises(ValueError, match="1 contexts for 2 references"):
        score(["a", "b"], ["a", "b"], contexts=["c"])


def test_more_rows_than_are_compared_at_once_keep_their_order() -> None:
    texts = [f"SELECT {n}" for n in range(text_scores.ROWS_AT_ONCE * 2 + 1)]
    rows = score([text.lower() for text in texts], texts, synonyms=False)
    assert [row["exact_match"] for row in rows] == [1.0] * len(texts)
    rows = score(texts[::-1], texts, synonyms=False)
    assert [n for n, row in enumerate(rows) if row["exact_match"]] == [text_scores.ROWS_AT_ONCE]


def test_a_row_that_cannot_be_compared_has_no_exact_match(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = ParsingProcess(ParsingLimits(cpu_seconds=0.2))
    monkeypatch.setattr(parsing, "shared", lambda: process)
    monkeypatch.setattr(text_scores, "same_statement", compares_for_ever)
    rows = score(["a", "b"], ["b", "b"], synonyms=False)
    assert [row["exact_match"] for row in rows] == [None, 1.0]
    assert rows[0]["bleu"] is not None
    assert summarise(rows).n["exact_match"] == 1
    process.close()


def compares_for_ever(reference: str, prediction: str, schema: str | None) -> bool:
    while reference != prediction:
        pass
    return True


def test_each_row_is_a_sign_of_life() -> None:
    beats: list[None] = []
    score(["a"] * 100, ["a"] * 100, synonyms=False, heartbeat=lambda: beats.append(None))
    assert len(beats) >= 100


def test_a_heartbeat_that_raises_ends_the_scoring() -> None:
    def interrupt() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        score(["a"], ["b"], synonyms=False, heartbeat=interrupt)
    assert score(["SELECT  1"], ["SELECT 1"], synonyms=False)[0]["exact_match"] == 1.0


HOSTILE = {
    "empty": "",
    "white space": " \n\t" * 30_000,
    "a gap after a full stop": "a." + " " * 100_000 + "b",
    "one letter": "y" * 100_000,
    "many words": "a " * 50_000,
    "distinct words": " ".join(map(str, range(17_000))),
    "parentheses": "SELECT " + "(" * 100_000,
    "quotes": "'" * 100_000,
    "full stops": ". " * 50_000,
    "a long statement": "SELECT a FROM t WHERE " + " OR ".join(["b = 1"] * 10_000),
    "another script": "選択 é Ω " * 15_000,
    "half of a surrogate pair": "\ud800" * 1_000,
    "NUL": "\x00" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_scores(name: str) -> None:
    text = HOSTILE[name]
    rows = score([text, "SELECT 1"], ["b " + text, text], synonyms=False)
    for row in rows:
        assert all(is_between_zero_and_one(row[name]) for name in of_kind("text"))


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_scores_between_zero_and_one(prediction: str, reference: str) -> None:
    [row] = score([prediction], [reference], synonyms=False)
    assert set(row) == {*of_kind("text"), "meteor_synonyms"}
    assert all(is_between_zero_and_one(value) for value in row.values())


def is_between_zero_and_one(score: float | None) -> bool:
    return score is not None and 0 <= score <= 1 + 1e-9


@given(st.text("a. \n'\"", max_size=60))
def test_shortening_gaps_changes_no_token(text: str) -> None:
    wide = text.replace(" ", " " * 30).replace("\n", "\n" * 30)
    assert tokenise(wide) == text_scores._tokenizer.tokenize(wide.lower())


def test_long_pairs_get_the_library_s_rouge_l(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = random.Random(0)
    prediction, reference = (" ".join(generator.choices("abcd", k=300)) for _ in range(2))
    [short] = score([prediction], [reference], synonyms=False)
    monkeypatch.setattr(text_scores, "LARGEST_TABLE", 0)
    [long] = score([prediction], [reference], synonyms=False)
    assert long["rouge_l"] == pytest.approx(short["rouge_l"])


def test_summary_of_rows() -> None:
    rows: list[dict[str, float | None]] = [
        {"bleu": 0.0, "valid_sql": 1.0, "execution_accuracy": None},
        {"bleu": 1.0, "valid_sql": 1.0, "execution_accuracy": 1.0},
        {"bleu": 0.5, "valid_sql": 0.0, "execution_accuracy": None},
    ]
    summary = summarise(rows)
    assert summary.rows == 3
    assert summary.n == {"bleu": 3, "valid_sql": 3, "execution_accuracy": 1}
    assert summary.mean["bleu"] == pytest.approx(0.5)
    assert summary.se["bleu"] == pytest.approx(0.5 / 3**0.5)
    assert summary.se["execution_accuracy"] is None
    assert summary.corpus_bleu is None


def test_errors_are_clustered_by_what_rows_share() -> None:
    rows = [{"bleu": score} for score in (1.0, 1.0, 0.0, 0.0)]
    assert summarise(rows, ["a", "a", "b", "b"]).se["bleu"] == pytest.approx(0.5)
    assert summarise(rows).se["bleu"] == pytest.approx(1 / 12**0.5)


def test_corpus_bleu_of_rows_with_texts() -> None:
    summary = summarise([{"bleu": 1.0, "prediction": "a b c d e", "reference": "a b c d e"}] * 2)
    assert summary.corpus_bleu == pytest.approx(1.0)


def test_no_rows_have_no_summary() -> None:
    summary = summarise([])
    assert (summary.rows, summary.mean, summary.corpus_bleu) == (0, {}, None)

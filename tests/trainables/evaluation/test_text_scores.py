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
        assert all(0 <= row[name] <= 1 for name in of_kind("text"))


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_scores_between_zero_and_one(prediction: str, reference: str) -> None:
    [row] = score([prediction], [reference], synonyms=False)
    assert set(row) == {*of_kind("text"), "meteor_synonyms"}
    assert all(0 <= value <= 1 + 1e-9 for value in row.values())


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


def test_corpus_bleu_of_rows_with_texts() -> None:
    summary = summarise([{"bleu": 1.0, "prediction": "a b c d e", "reference": "a b c d e"}] * 2)
    assert summary.corpus_bleu == pytest.approx(1.0)


def test_no_rows_have_no_summary() -> None:
    summary = summarise([])
    assert (summary.rows, summary.mean, summary.corpus_bleu) == (0, {}, None)

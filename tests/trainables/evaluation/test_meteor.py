from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import nltk
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.evaluation import meteor as meteor_module
from trainables.evaluation.meteor import WordNetSynonyms, find_synonyms, meteor, no_synonyms

WORDS = st.lists(
    st.sampled_from(["dog", "dogs", "hound", "running", "run", "city", "select", "(", "1"]),
    max_size=25,
)


class Pairs:
    """Stands in for WordNet: dog and hound are synonyms of each other."""

    def synsets(self, word: str) -> list[Any]:
        return [self] if word in ("dog", "hound") else []

    def lemmas(self) -> list[Any]:
        return [Lemma("dog"), Lemma("hound"), Lemma("domestic_dog")]


class Lemma:
    def __init__(self, name: str) -> None:
        self._name = name

    def name(self) -> str:
        return self._name


@given(WORDS, WORDS)
def test_the_form_for_long_texts_equals_nltk(reference: list[str], prediction: list[str]) -> None:
    for synonyms in (no_synonyms(), Pairs()):
        long = meteor_module._long_meteor(reference, prediction, synonyms)  # type: ignore[arg-type]  # a stand-in
        assert long == pytest.approx(meteor(reference, prediction, synonyms))  # type: ignore[arg-type]  # likewise


def test_long_texts_take_the_linear_form() -> None:
    words = random.Random(0).choices("abcdef", k=30_000)
    assert meteor(words, words, no_synonyms()) > 0.99


def test_a_word_that_breaks_the_stemmer_is_its_own_stem() -> None:
    # Each y costs NLTK's stemmer one level of recursion.
    word = "y" * 50_000 + "ing"
    assert meteor([word], [word], no_synonyms()) == 0.5


def test_without_wordnet_nothing_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    assert find_synonyms() is no_synonyms()


def test_wordnet_finds_synonyms(monkeypatch: pytest.MonkeyPatch, shared: Path) -> None:
    monkeypatch.setattr(nltk.data, "path", [str(shared / "nltk_data")])
    synonyms = find_synonyms()
    assert isinstance(synonyms, WordNetSynonyms)
    assert meteor(["dog"], ["hound"], no_synonyms()) == 0.0
    assert meteor(["dog"], ["hound"], synonyms) == 0.5
    assert synonyms.synsets("y" * 1_000) == []


def test_wordnet_is_not_loaded_before_a_word_needs_it(shared: Path) -> None:
    program = (
        "from trainables.evaluation import meteor, text_scores\n"
        "text_scores.score(['select 1'], ['SELECT 1'])\n"
        "found = meteor.find_synonyms()\n"
        "assert isinstance(found, meteor.WordNetSynonyms)\n"
        "text_scores.score(['dog'], ['hound'], synonyms=False)\n"
        "assert found._reader is None\n"
        "text_scores.score(['dog'], ['hound'])\n"
        "assert found._reader is not None\n"
    )
    environment = os.environ | {"NLTK_DATA": str(shared / "nltk_data")}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=120)

"""METEOR by NLTK, with WordNet's synonyms where WordNet is installed.

NLTK's `meteor_score` takes its synonyms from any object with `synsets(word)`; here that object
either holds WordNet, found by `nltk.data.find` and loaded when the first word asks for it, or has
no synonyms at all. A score therefore belongs to one of two variants, and every row says which.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from trainables.evaluation.text_libraries import (
    PorterStemmer,
    WordNetCorpusReader,
    find_data,
    single_meteor_score,
)

LONGEST_WORD = 64
"""Characters; a longer word has no stem but itself and no synonyms. NLTK's stemmer takes time that
grows with the square of the length, and recurses once for each `y`."""

LARGEST_TABLE = 250_000
"""Pairs of words (prediction times reference) up to which NLTK aligns them; above, we do."""

_WORDNET_PLACES = ("corpora/wordnet", "corpora/wordnet.zip/wordnet/")


class _Stemmer:
    """Porter's stemmer (NLTK's) with a memory, for words of bounded length."""

    def __init__(self) -> None:
        self._porter = PorterStemmer()
        self.stem = lru_cache(maxsize=65_536)(self._stem)

    def _stem(self, word: str) -> str:
        stemmed: str = word if len(word) > LONGEST_WORD else self._porter.stem(word)
        return stemmed


class _EnglishWordNet(WordNetCorpusReader):
    """WordNet without the map to its version 3.0: half of the load, for other languages only."""

    def map_wn(self, version: str = "wordnet") -> None:
        return None


class NoSynonyms:
    """Stands in for WordNet where only exact and stem matches are wanted."""

    def synsets(self, word: str) -> list[Any]:
        """Returns an empty list."""
        return []


class WordNetSynonyms:
    """WordNet for METEOR: loaded by the first look-up, then kept.

    Args:
        root: NLTK's path pointer to the WordNet corpus, from `nltk.data.find`.
    """

    def __init__(self, root: Any) -> None:
        self._root = root
        self._reader: _EnglishWordNet | None = None
        # Two evaluations may run in threads of one process, and NLTK's reader seeks in shared
        # files.
        self._lock = threading.Lock()
        self.synsets = lru_cache(maxsize=65_536)(self._synsets)

    def _synsets(self, word: str) -> list[Any]:
        if len(word) > LONGEST_WORD:
            return []
        with self._lock:
            if self._reader is None:
                # Any reader but None keeps NLTK from warning that other languages are missing.
                self._reader = _EnglishWordNet(self._root, omw_reader=NoSynonyms())
            found: list[Any] = self._reader.synsets(word)
            return found


Synonyms = NoSynonyms | WordNetSynonyms

_stemmer = _Stemmer()
_no_synonyms = NoSynonyms()


@lru_cache(maxsize=4)
def _open(root: Any) -> WordNetSynonyms:
    return WordNetSynonyms(root)


def find_synonyms() -> Synonyms:
    """Returns WordNet where NLTK finds it, else no synonyms; nothing is loaded or downloaded."""
    for place in _WORDNET_PLACES:
        try:
            return _open(find_data(place))
        except LookupError:
            continue
    return _no_synonyms


def has_synonyms() -> bool:
    """Returns whether `find_synonyms` finds WordNet."""
    return isinstance(find_synonyms(), WordNetSynonyms)


def no_synonyms() -> Synonyms:
    """Returns the variant of METEOR without WordNet, whether or not WordNet is installed."""
    return _no_synonyms


def meteor(reference: Sequence[str], prediction: Sequence[str], synonyms: Synonyms) -> float:
    """METEOR of one tokenised prediction, with NLTK's parameters (alpha 0.9, beta 3, gamma 0.5).

    Source: Lavie and Agarwal, "METEOR: An Automatic Metric for MT Evaluation with High Levels of
    Correlation with Human Judgments", 2007, as NLTK implements it.

    Args:
        reference: Lower-case words.
        prediction: Lower-case words.
        synonyms: From `find_synonyms` or `no_synonyms`.

    Returns:
        The score, from 0 to 1.
    """
    if len(reference) * len(prediction) > LARGEST_TABLE:
        return _long_meteor(reference, prediction, synonyms)
    return float(single_meteor_score(reference, prediction, stemmer=_stemmer, wordnet=synonyms))


def _long_meteor(reference: Sequence[str], prediction: Sequence[str], synonyms: Synonyms) -> float:
    """The same number as NLTK's, in time that grows with the length and not with its square.

    NLTK takes each word of the prediction, last first, to the last equal word of the reference that
    is still free; a stack of positions for each word finds that one at once.
    """
    matches: list[tuple[int, int]] = []
    left, right = list(enumerate(prediction)), list(enumerate(reference))
    left, right = _match(left, right, lambda word: (word,), matches)
    left = [(place, _stemmer.stem(word)) for place, word in left]
    right = [(place, _stemmer.stem(word)) for place, word in right]
    left, right = _match(left, right, lambda word: (word,), matches)
    _match(left, right, lambda word: _synonyms_of(word, synonyms), matches)
    if not matches:
        return 0.0
    matches.sort()
    chunks = 1 + sum(
        after != (before[0] + 1, before[1] + 1) for before, after in itertools.pairwise(matches)
    )
    precision, recall = len(matches) / len(prediction), len(matches) / len(reference)
    mean = precision * recall / (0.9 * precision + 0.1 * recall)
    return (1 - 0.5 * math.pow(chunks / len(matches), 3.0)) * mean


def _synonyms_of(word: str, synonyms: Synonyms) -> Iterable[str]:
    lemmas = (lemma.name() for synset in synonyms.synsets(word) for lemma in synset.lemmas())
    return {word, *(name for name in lemmas if "_" not in name)}


def _match(
    left: list[tuple[int, str]],
    right: list[tuple[int, str]],
    equals: Callable[[str], Iterable[str]],
    matches: list[tuple[int, int]],
) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Appends the pairs of places that match; returns what is left unmatched on both sides."""
    free: defaultdict[str, list[int]] = defaultdict(list)
    for place, word in right:
        free[word].append(place)
    unmatched = []
    for place, word in reversed(left):
        last = max(
            (word for word in equals(word) if free.get(word)),
            key=lambda w: free[w][-1],
            default=None,
        )
        if last is None:
            unmatched.append((place, word))
        else:
            matches.append((place, free[last].pop()))
    taken = {place for _, place in matches}
    return unmatched[::-1], [item for item in right if item[0] not in taken]

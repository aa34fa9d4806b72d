"""What scores take of NLTK and rouge-score, loaded without SciPy's statistics, which none needs.

NLTK (3.9.1), which rouge-score loads too, imports them for a measure of association and knows how
to do without. They are a sixth of the processor time in which a trial's process loads its
libraries. Where something else has loaded them, or loads them later, they are there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast


@contextmanager
def _without(name: str) -> Iterator[None]:
    """Has imports of a module fail that is not loaded yet."""
    if name in sys.modules:
        yield
        return
    modules = cast(dict[str, Any], sys.modules)
    modules[name] = None  # how Python (`sys.modules`) is told that there is no such module
    try:
        yield
    finally:
        del modules[name]


with _without("scipy.stats"):
    import nltk.data
    from nltk.corpus.reader.wordnet import WordNetCorpusReader
    from nltk.stem.porter import PorterStemmer
    from nltk.tokenize.destructive import NLTKWordTokenizer
    from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu, sentence_bleu
    from nltk.translate.gleu_score import sentence_gleu
    from nltk.translate.meteor_score import single_meteor_score
    from rouge_score import scoring
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import DefaultTokenizer

find_data = nltk.data.find

__all__ = [
    "DefaultTokenizer",
    "NLTKWordTokenizer",
    "PorterStemmer",
    "RougeScorer",
    "SmoothingFunction",
    "WordNetCorpusReader",
    "corpus_bleu",
    "find_data",
    "scoring",
    "sentence_bleu",
    "sentence_gleu",
    "single_meteor_score",
]

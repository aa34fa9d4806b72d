"""How near a predicted SQL text is to its reference, row by row, and what that says of a model.

Each standard score is computed by the library that owns it: BLEU, Google-BLEU and METEOR by NLTK,
on the lower-cased text cut by NLTK's word tokenizer (the class itself, which needs no downloaded
data); ROUGE-L F1 by rouge-score with its default tokenizer, which sees letters and digits of ASCII
only; exact match by `trainables.sql.normal_form`, in a child process, since sqlglot's parser can
take for ever (`trainables.sql.parsing.process`). Two scores of the study that this project
generalises stand under names of their own: `rouge_l_recall`, which it publishes as ROUGE-L, and
`unigram_f1`, which it publishes as GLEU.

Texts of any length score in bounded time, 100,000 characters in seconds. Where a library's own
algorithm takes quadratic time (the table of ROUGE-L, the alignment of METEOR), long pairs go
through one that gives the same number. Two things differ for texts that no one writes: a statement
that is not parsed within the bounds of `trainables.sql.parsing.bounded_parser` is compared as text,
and a word of more than `meteor.LONGEST_WORD` characters has neither stem nor synonyms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from trainables.contract.scores import SCORES
from trainables.contract.standard_errors import clustered_standard_error
from trainables.evaluation.longest_common_subsequence import longest_common_subsequence
from trainables.evaluation.meteor import (
    Synonyms,
    WordNetSynonyms,
    find_synonyms,
    meteor,
    no_synonyms,
)
from trainables.evaluation.text_libraries import (
    DefaultTokenizer,
    NLTKWordTokenizer,
    RougeScorer,
    SmoothingFunction,
    corpus_bleu,
    scoring,
    sentence_bleu,
    sentence_gleu,
)
from trainables.sql.exact_match import same_statement
from trainables.sql.parsing import process as parsing

LARGEST_TABLE = 250_000
"""Pairs of tokens up to which rouge-score fills its table; above, we get the number without."""

_MOST_CACHED = 1_000
"""Characters of a text whose tokens are kept; references come again at each evaluation."""

ROWS_AT_ONCE = 64
"""Handed to the parsing process together. It compares them while this one does the other scores."""

_tokenizer = NLTKWordTokenizer()
_smoothing = SmoothingFunction().method1
_rouge_tokenizer = DefaultTokenizer()
_rouge = RougeScorer(["rougeL"], tokenizer=_rouge_tokenizer)

# Between tokens, any run of white space means what eight characters of it mean; NLTK's pattern for
# a final full stop takes time that grows with the square of the run.
_LONG_GAP = re.compile(r"(\s{4})\s+(\s{4})")


def score(
    predictions: Sequence[str],
    references: Sequence[str],
    *,
    contexts: Sequence[str] | None = None,
    synonyms: bool = True,
    heartbeat: Callable[[], None] | None = None,
) -> list[dict[str, float | None]]:
    """Scores each prediction against the reference in the same place.

    Args:
        predictions: What a model wrote; any text.
        references: What it should have written.
        contexts: SQL that defines each row's database, if it is known; it tells exact match which
            words in double quotes are names.
        synonyms: False keeps METEOR to exact and stem matches, and WordNet unloaded, even where it
            is installed. True uses it where it is; it is then loaded once a process, in seconds, by
            the first word that has no other match.
        heartbeat: Called some times within each row, and about twice a second while texts are
            parsed. What it raises ends the scoring.

    Returns:
        For each row each score of the kind "text" (`trainables.contract.scores`), from 0 to 1, and
        `meteor_synonyms`: 1.0 if METEOR had WordNet's synonyms, else 0.0. `exact_match` is None
        where the parsing process twice reached its limits of time or memory.

    Raises:
        ValueError: The lists differ in length.
        ParserUnavailable: No parsing process can be started.
    """
    if len(predictions) != len(references):
        raise ValueError(
            f"There are {len(predictions)} predictions for {len(references)} references; each "
            "prediction needs the reference in the same place."
        )
    if contexts is not None and len(contexts) != len(references):
        raise ValueError(
            f"There are {len(contexts)} contexts for {len(references)} references; each row needs "
            "one, or none has any."
        )
    wordnet = find_synonyms() if synonyms else no_synonyms()
    rows: list[dict[str, float | None]] = []
    for start in range(0, len(references), ROWS_AT_ONCE):
        part = range(start, min(start + ROWS_AT_ONCE, len(references)))
        pairs = [
            (references[i], predictions[i], None if contexts is None else contexts[i]) for i in part
        ]
        with parsing.shared().submit(same_statement, pairs) as pending:
            scored = []
            for reference, prediction, _ in pairs:
                scored.append(_overlaps(prediction, reference, wordnet, heartbeat or _nothing))
            same = pending.results(heartbeat)
        for row, match in zip(scored, same, strict=True):
            rows.append({**row, "exact_match": None if match is None else float(match)})
    return rows


def _overlaps(
    prediction: str, reference: str, wordnet: Synonyms, beat: Callable[[], None]
) -> dict[str, float]:
    written = tokenise(prediction)
    wanted = (_kept_tokens if len(reference) <= _MOST_CACHED else tokenise)(reference)
    bleu = float(sentence_bleu([wanted], written, smoothing_function=_smoothing))
    # Each takes seconds for texts of a hundred thousand words.
    beat()
    similarity = meteor(wanted, written, wordnet)
    beat()
    scores = {
        "bleu": bleu,
        "rouge_l": _rouge_l(prediction, reference),
        "meteor": similarity,
        "gleu": float(sentence_gleu([wanted], written)),
        "rouge_l_recall": _rouge_l_recall(written, wanted),
        "unigram_f1": _unigram_f1(written, wanted),
        "meteor_synonyms": float(isinstance(wordnet, WordNetSynonyms)),
    }
    beat()
    return scores


def _nothing() -> None:
    pass


def tokenise(text: str) -> list[str]:
    """Returns the lower-case tokens of NLTK's word tokenizer, with no sentences split before."""
    tokens: list[str] = _tokenizer.tokenize(_LONG_GAP.sub(r"\1\2", text.lower()))
    return tokens


_kept_tokens = lru_cache(maxsize=2_048)(tokenise)
"""Of references, which come again at each evaluation; to be read only."""


def _rouge_l(prediction: str, reference: str) -> float:
    # A text has no more words than characters: most pairs need not be cut to be counted.
    if len(prediction) * len(reference) > LARGEST_TABLE:
        written = _rouge_tokenizer.tokenize(prediction)
        wanted = _rouge_tokenizer.tokenize(reference)
        if len(written) * len(wanted) > LARGEST_TABLE:
            common = longest_common_subsequence(wanted, written)
            return float(scoring.fmeasure(common / len(written), common / len(wanted)))
    return float(_rouge.score(reference, prediction)["rougeL"].fmeasure)


def _rouge_l_recall(written: Sequence[str], wanted: Sequence[str]) -> float:
    return longest_common_subsequence(wanted, written) / len(wanted) if wanted else 0.0


def _unigram_f1(written: Sequence[str], wanted: Sequence[str]) -> float:
    words, wanted_words = set(written), set(wanted)
    common = len(words & wanted_words)
    # 2PR / (P + R) with P = common / len(words) and R = common / len(wanted_words).
    return 2 * common / (len(words) + len(wanted_words)) if common else 0.0


@dataclass(frozen=True)
class Summary:
    """Scores over many rows. Each mapping has every score that at least one row has a number for.

    Attributes:
        rows: Number of rows, with or without numbers.
        n: Rows with a number; the others are left out of the mean.
        mean: Mean over those rows.
        se: Standard error of the mean, clustered where clusters are given
            (`trainables.contract.standard_errors`), else `sd / sqrt(n)`; None for fewer than two
            rows.
        corpus_bleu: BLEU over all rows at once (0 to 1), which is not the mean of the rows' BLEU;
            None where the rows do not carry their texts.
    """

    rows: int
    n: dict[str, int]
    mean: dict[str, float]
    se: dict[str, float | None]
    corpus_bleu: float | None


def summarise(rows: Sequence[Mapping[str, Any]], clusters: Sequence[str] | None = None) -> Summary:
    """Returns means over rows with their standard errors, from which readers make intervals.

    Args:
        rows: Scores by name, None or absent where a row has none. Rows that also carry `prediction`
            and `reference`, their texts, make `corpus_bleu` possible.
        clusters: What each row belongs to, such as its schema; None where each is a sample of its
            own.
    """
    belongs = range(len(rows)) if clusters is None else clusters
    n: dict[str, int] = {}
    mean: dict[str, float] = {}
    se: dict[str, float | None] = {}
    for name in (*SCORES, "meteor_synonyms"):
        found = [place for place, row in enumerate(rows) if row.get(name) is not None]
        if not found:
            continue
        values = np.asarray([rows[place][name] for place in found], dtype=np.float64)
        n[name] = len(values)
        mean[name] = float(values.mean())
        se[name] = clustered_standard_error(values.tolist(), [belongs[place] for place in found])
    return Summary(len(rows), n, mean, se, _corpus_bleu(rows))


def _corpus_bleu(rows: Sequence[Mapping[str, Any]]) -> float | None:
    texts = [(row.get("prediction"), row.get("reference")) for row in rows]
    if not texts or any(prediction is None or wanted is None for prediction, wanted in texts):
        return None
    return float(
        corpus_bleu(
            [[tokenise(str(wanted))] for _, wanted in texts],
            [tokenise(str(prediction)) for prediction, _ in texts],
            smoothing_function=_smoothing,
        )
    )

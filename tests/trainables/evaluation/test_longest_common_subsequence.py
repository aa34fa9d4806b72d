from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import _lcs_table

from trainables.evaluation.longest_common_subsequence import longest_common_subsequence

TOKENS = st.lists(st.sampled_from("abcde"), max_size=40)


@given(TOKENS, TOKENS)
def test_equals_the_classical_table(first: list[str], second: list[str]) -> None:
    assert longest_common_subsequence(first, second) == _lcs_table(first, second)[-1][-1]


def test_fifty_thousand_tokens_against_their_reverse() -> None:
    tokens = [str(i) for i in range(50_000)]
    assert longest_common_subsequence(tokens, tokens[::-1]) == 1
    assert longest_common_subsequence(tokens, tokens) == 50_000

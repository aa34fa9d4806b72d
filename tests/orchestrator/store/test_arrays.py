from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.store.arrays import empty, having, integers, texts
from orchestrator.store.schema import TRIALS

_TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=20)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20), _TEXTS)
def test_arrays_are_those_of_pyarrow(numbers: list[int], words: list[str]) -> None:
    assert integers(numbers).equals(pa.array(numbers, pa.int64()))
    found = texts(words)
    found.validate(full=True)
    assert found.equals(pa.array(words, pa.string()))


@given(_TEXTS, _TEXTS)
def test_rows_are_chosen_by_their_texts(words: list[str], wanted: list[str]) -> None:
    content = pa.table({"word": pa.array(words, pa.string())})
    expected = [word for word in words if word in wanted]
    assert having(content, "word", wanted)["word"].to_pylist() == expected


def test_an_empty_table_has_all_columns() -> None:
    assert empty(TRIALS.schema).equals(TRIALS.schema.empty_table())

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.store import keys


@pytest.mark.parametrize("name", ["t-1e5", "t-00000012", "rank-00000000", "a.b_c-2", "2x-12ab"])
def test_ids_that_every_reader_takes_for_text(name: str) -> None:
    assert keys.check_id(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "12", "1e5", "-1", "nan", "inf", "null", "NULL", "2026-01-01", "2026-1", "true", "1_000"],
)
def test_ids_that_a_reader_could_take_for_something_else(name: str) -> None:
    with pytest.raises(ValueError, match="The id"):
        keys.check_id(name)


@given(st.text())
def test_an_accepted_id_is_one_plain_path_part(name: str) -> None:
    try:
        keys.check_id(name)
    except ValueError:
        return
    assert not set(name) & set("/\\=:* \n")
    assert name not in (".", "..")


def test_names_of_rungs_sort_as_their_numbers() -> None:
    rungs = [0, 5, 40, 300, 20_000, 1_000_000]
    names = [keys.report_key("s-a", "t-a", start, end) for start, end in itertools.pairwise(rungs)]
    assert names == sorted(names)
    assert names[0] == "reports/sweep=s-a/trial=t-a/0000000000-0000000005.parquet"

"""Whatever text is written into a file of YAML is the text that is read from it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.search_space.document import read
from orchestrator.search_space.written import yaml_text
from trainables.contract.yaml_texts import remark, text_value

WORDS = [
    *("", " ", "true", "True", "null", "~", "yes", "no", "on", "off", "y", "1.5", "1e5", "0x10"),
    *("0o17", "017", ".5", ".inf", "-.INF", ".nan", "2024-01-01", "12:30", "1_000", "+1", "-", "?"),
    *("a: b", "a #b", "#a", "a:", "- a", "[a", "{a}", "a, b", "&a", "*a", "!a", "|", ">", "%a"),
    *("@a", "`a`", "'a'", '"a"', "it's", '"', "\\", "a\\n", "a\nb", "a\tb", "\ta", " a", "a "),
    *("?0", "?a: b", ": 0", ":a", "-0a", "-: b"),
    *("---", "...", "--- a", "<<", "=", "\x85", "\u2028", "\ufeff", "\ufeffa", "\x7f", "\x07", "é"),
    *(
        "\U0001f4ca rows.csv",
        "/data/my rows.csv",
        "/data/rows-2024.csv",
        "C:\\rows",
        "\ufffe",
        "\ue000",
    ),
]
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30
) | st.sampled_from(WORDS)


@pytest.mark.parametrize("text", WORDS)
def test_these_texts_are_read_back(text: str) -> None:
    _check(text)


@given(TEXTS)
def test_any_text_is_read_back(text: str) -> None:
    _check(text)


def _check(text: str) -> None:
    written = text_value(text)
    assert read(f"key: {written}\n", "x").plain() == {"key": text}
    assert read(f"key: {{a: {written}, b: [{written}]}}\n", "x").plain() == {
        "key": {"a": text, "b": [text]}
    }
    if len(text) <= 100:  # as a key has them
        assert read(f"{{{written}: 1}}\n", "x").plain() == {text: 1}


@given(TEXTS)
@example("\x85name: x")
def test_a_remark_stays_one(text: str) -> None:
    assert read(f"a: 1\n# {remark(text)}\nb: 2\n", "x").plain() == {"a": 1, "b": 2}


@pytest.mark.parametrize("text", WORDS)
def test_these_texts_of_a_report_are_read_back(text: str) -> None:
    for values in ({"points": [{"target_modules": text}]}, {"question": text}):
        assert read(yaml_text(values), "x").plain() == values


@given(TEXTS | st.text(st.sampled_from("ab :#\\\"'\n\t\x85\u2028"), max_size=300), st.booleans())
def test_the_search_space_of_a_report_is_read_back(text: str, in_a_list: bool) -> None:
    values = {"points": [{"target_modules": text}]} if in_a_list else {"question": text}
    assert read(yaml_text(values), "x").plain() == values


@pytest.mark.parametrize("text", ["question", "/data/rows-2.csv", "google/flan-t5-small", "é"])
def test_names_and_paths_stay_as_they_are(text: str) -> None:
    assert text_value(text) == text

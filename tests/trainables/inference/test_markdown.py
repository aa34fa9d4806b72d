"""A text from outside is only text to whoever renders the card."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from ruamel.yaml import YAML

from trainables.contract.visible import visible_line
from trainables.inference.markdown import code, markdown, yaml_text

_RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXTS = st.text(st.sampled_from("ab1 <>{}~^\\`|*_[]()#!&;:/@=+-.$\n\r\t\u202e")) | st.text()


@given(TEXTS)
@example("__0__")
def test_a_paragraph_shows_the_text_and_nothing_else(text: str) -> None:
    tokens = _RENDERER.parse(f"It asked: {markdown(text)}.")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert _text(tokens[1]) == f"It asked: {visible_line(text)}."


@given(TEXTS)
def test_the_beginning_of_a_line_begins_no_block(text: str) -> None:
    tokens = _RENDERER.parse(f"which asked:\n{markdown(text)} It ended.\n")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]


@given(TEXTS, TEXTS)
def test_a_cell_is_one_cell(name: str, value: str) -> None:
    table = f"| parameter | value |\n|---|---|\n| {markdown(name)} | {markdown(value)} |\n"
    tokens = _RENDERER.parse(table)
    cells = [tokens[i + 1] for i, token in enumerate(tokens) if token.type == "td_open"]
    assert [_text(cell).strip() for cell in cells] == [
        visible_line(name).strip(),
        visible_line(value).strip(),
    ]


@given(TEXTS)
def test_a_name_as_code_shows_the_name(text: str) -> None:
    (_, inline, _) = _RENDERER.parse(f"x {code(text)} y")
    assert _text(inline) == f"x {visible_line(text)} y"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "![x](https://a.example/p.png)",
        "[x](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "https://a.example/?q=1",
        "www.a.example",
        "me@a.example",
        "```\n# A heading",
    ],
)
def test_no_html_no_link_and_no_picture(text: str) -> None:
    written = markdown(text)
    assert "<" not in written
    assert "://" not in written
    assert "\n" not in written
    assert "](" not in written.replace("\\](", "")
    assert "@" not in written
    assert "www." not in written


@pytest.mark.parametrize(
    "name",
    ["google/flan-t5-large", "gpt2", "a: b\nc: d", "true # x", "true", "1e5", '"', "\U0001f4ca"],
)
def test_a_header_keeps_a_name_a_name(name: str) -> None:
    header = YAML(typ="safe").load(
        f"base_model: {yaml_text(name)}\ndatasets:\n- {yaml_text(name)}\n"
    )
    assert header == {"base_model": name, "datasets": [name]}
    assert yaml_text(name) == (name if "/" in name else json.dumps(name, ensure_ascii=False))


def _text(inline: Token) -> str:
    kinds = {child.type for child in inline.children or []}
    assert kinds <= {"text", "text_special", "code_inline"}, kinds
    return "".join(child.content for child in inline.children or [])

"""Whatever a question, a model or a data set says is text in a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from orchestrator.errors import INVISIBLE
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.report.conftest import Open
from tests.orchestrator.results.report.hostile import SHOWN, write_hostile


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root: Path = tmp_path_factory.mktemp("hostile")
    write_hostile(root)
    return root


def test_no_text_becomes_an_element_or_a_script(hostile: Path, open_page: Open) -> None:
    page = open_page(hostile)
    assert len(page.scripts) == 2
    assert len(page.styles) == 1
    assert page.of("img") == []
    assert not [name for _, each in page.elements for name in each if name.startswith("on")]
    assert " ".join(SHOWN.split()) in page.text


def test_what_is_not_seen_but_acts_is_written_out(hostile: Path, open_page: Open) -> None:
    page = open_page(hostile)
    shown = [page.text, *(text for _, each in page.elements for text in each.values() if text)]
    shown += [text for chart in page.charts for text in _texts(chart)]
    assert set().union(*map(INVISIBLE.findall, shown)) <= {"\n"}


def test_a_plots_data_hold_the_text_and_nothing_of_it_ends_them(
    hostile: Path, open_page: Open
) -> None:
    charts = open_page(hostile).charts
    assert len(charts) >= 4
    assert any(SHOWN in text for chart in charts for text in _texts(chart))


def test_markdown_shows_the_text_and_has_no_element_of_it(hostile: Path, run: Run) -> None:
    code, out, err = run("report", "--format", "md", store=hostile)
    assert (code, err) == (0, "")
    parser = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    tokens = [token for block in parser.parse(out) for token in (block, *(block.children or []))]
    html = [token.content.strip() for token in tokens if token.type.startswith("html")]
    assert html == ["<!-- finetune-sweep report -->"]
    assert not [token for token in tokens if token.type in ("link_open", "image")]
    assert set(INVISIBLE.findall(out)) == {"\n"}
    texts = ["".join(c.content for c in token.children or []) for token in tokens if token.children]
    assert any(" ".join(SHOWN.split()) in " ".join(text.split()) for text in texts)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for each in value.values() for text in _texts(each))]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []

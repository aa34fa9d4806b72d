"""The page is one file that fetches nothing and runs nothing but its own two scripts."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import altair as alt
import pytest

from benchmarks import synthetic_store
from orchestrator.results.report.content import report
from orchestrator.results.report.page import html
from orchestrator.results.report.parts import Figure
from orchestrator.state.stored_sweep import StoredSweep
from tests.orchestrator.results.report.conftest import Open
from tests.orchestrator.results.report.pages import Page

_FETCHING = ("src", "srcset", "href", "data", "action", "poster", "background")


def policy(page: Page) -> dict[str, list[str]]:
    (found,) = [
        str(each["content"])
        for each in page.of("meta")
        if each.get("http-equiv") == "Content-Security-Policy"
    ]
    words = [directive.split() for directive in found.split(";")]
    return {name: values for name, *values in words}


def digests(texts: Sequence[str]) -> list[str]:
    hashes = [hashlib.sha256(text.encode()).digest() for text in texts]
    return [f"'sha256-{base64.b64encode(each).decode()}'" for each in hashes]


def test_its_policy_allows_its_own_scripts_and_style_and_nothing_else(
    confirmed: StoredSweep, open_page: Open
) -> None:
    page = open_page(confirmed.root)
    assert len(page.scripts) == 2
    assert policy(page) == {
        "default-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "script-src": digests(page.scripts),
        "style-src": digests(page.styles),
    }


def test_it_asks_no_host_for_anything(confirmed: StoredSweep, open_page: Open) -> None:
    page = open_page(confirmed.root)
    for name, attributes in page.elements:
        for attribute in attributes.keys() & set(_FETCHING):
            assert (name, attribute) == ("a", "href")
            assert str(attributes[attribute]).startswith("#")
        assert not [attribute for attribute in attributes if attribute.startswith("on")]
    for style in page.styles:
        assert "url(" not in style
        assert "@import" not in style
    for chart in page.charts:
        assert "url" not in {key for data in _objects(chart) for key in data}


def test_every_plot_is_vega_lite_of_this_version(confirmed: StoredSweep) -> None:
    found = report(confirmed.root, confirmed.id)
    figures = [part for each in found.sections for part in each.parts if isinstance(part, Figure)]
    for figure in figures:
        own = {key: value for key, value in figure.chart.items() if key != "datasets"}
        alt.Chart.from_dict(own).to_dict(validate=True)
        read = set(re.findall(r"'name': '(\w+)'", str(own)))
        assert read == set(figure.chart["datasets"])


def test_links_and_labels_lead_somewhere(confirmed: StoredSweep, open_page: Open) -> None:
    page = open_page(confirmed.root)
    ids = [str(attributes["id"]) for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    links = [str(each["href"]) for each in page.of("a")]
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)
    for each in page.of("section"):
        assert each["aria-labelledby"] in ids
    plots = [each for each in page.of("div") if each.get("class") == "plot"]
    assert len(plots) == len(page.charts) == len(page.of("figure"))
    for plot in plots:
        assert plot["aria-label"]
        assert (plot["role"], plot["tabindex"]) == ("img", "0")


def test_a_thousand_trials_stay_below_three_megabytes(tmp_path: Path) -> None:
    synthetic_store.build(tmp_path, trials=1000, reports=10, files=1)
    written = html(report(tmp_path, synthetic_store.SWEEP))
    assert len(written.encode()) < 3_000_000
    curves, parallel, *_ = Page(written).charts
    assert len(curves["datasets"]["rows"]) == len(parallel["datasets"]["rows"]) == 1000


@pytest.mark.parametrize("reports", [1, 49])
def test_long_curves_are_thinned_and_keep_their_end(tmp_path: Path, reports: int) -> None:
    synthetic_store.build(tmp_path, trials=3, reports=reports, files=1)
    curves, *_ = Page(html(report(tmp_path, synthetic_store.SWEEP))).charts
    for row in curves["datasets"]["rows"]:
        assert 1 <= len(row["examples"]) == len(row["values"]) <= 12
        assert row["examples"][-1] == row["end"] == synthetic_store.BUDGET


def _objects(value: object) -> list[dict[str, object]]:
    if isinstance(value, dict):
        return [value, *(found for each in value.values() for found in _objects(each))]
    if isinstance(value, list):
        return [found for each in value for found in _objects(each)]
    return []

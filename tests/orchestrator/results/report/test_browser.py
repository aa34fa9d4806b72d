"""The page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.results.report.content import report
from orchestrator.results.report.page import html
from orchestrator.state.stored_sweep import StoredSweep
from tests.orchestrator.results.report import browser as browsers
from tests.orchestrator.results.report.browser import Browser
from tests.orchestrator.results.report.hostile import SWEEP as HOSTILE
from tests.orchestrator.results.report.hostile import write_hostile
from tests.orchestrator.results.synthetic import SWEEP, write_sweep

MISSING = [
    name
    for name, path in (("chromium", browsers.CHROMIUM), ("chromedriver", browsers.DRIVER))
    if path is None
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(bool(MISSING), reason=f"there is no {' and no '.join(MISSING)} here"),
]

MARKS = """
    return [...document.querySelectorAll(".plot")].map(
        (plot) => plot.querySelectorAll("svg .role-mark > *").length
    );
"""
OVERFLOWING = """
    const room = document.documentElement.clientWidth;
    const wide = [...document.querySelectorAll(".plot svg, main > section > *")];
    return wide.filter((each) => each.getBoundingClientRect().right > room).length;
"""
FOCUSED = """
    const at = document.activeElement;
    return [at.tagName, at.className, at.textContent.slice(0, 40)].join(" ");
"""
REACHABLE = """
    return document.querySelectorAll("a[href], summary, .plot, .scroll, pre[tabindex]").length;
"""
PAPER = "return getComputedStyle(document.body).backgroundColor;"
INK_OF_A_LABEL = """
    return getComputedStyle(document.querySelector(".role-axis-label text")).fill;
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers.browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(confirmed: StoredSweep, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a sweep that was confirmed, of one that was not, and of a hostile one."""
    folder: Path = tmp_path_factory.mktemp("pages")
    searched, hostile = folder / "searched", folder / "hostile"
    write_sweep(searched)
    write_hostile(hostile)
    stores = {
        "confirmed": (confirmed.root, confirmed.id),
        "searched": (searched, SWEEP),
        "hostile": (hostile, HOSTILE),
    }
    for name, (root, sweep_id) in stores.items():
        (folder / f"{name}.html").write_text(html(report(root, sweep_id)), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in stores}


@pytest.mark.parametrize("name", ["confirmed", "searched", "hostile"])
def test_it_draws_every_plot_and_asks_for_nothing(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    browser.requests()
    browser.open(pages[name])
    assert browser.complaints() == []
    assert browser.requests() == [pages[name].as_uri()]
    marks = browser.run(MARKS)
    assert len(marks) >= 3
    assert all(marks), marks
    assert browser.run("return document.title") != "harm"


def test_it_fits_a_telephone(browser: Browser, pages: dict[str, Path]) -> None:
    for file in pages.values():
        browser.open(file, width=400)
        page = "document.documentElement"
        width, room = browser.run(f"return [{page}.scrollWidth, {page}.clientWidth]")
        assert width == room <= 400
        assert browser.run(OVERFLOWING) == 0


def test_a_dark_page_recolours_its_plots(browser: Browser, pages: dict[str, Path]) -> None:
    seen = []
    for dark in (False, True):
        browser.open(pages["confirmed"], dark=dark)
        seen.append((browser.run(PAPER), browser.run(INK_OF_A_LABEL)))
    (light_paper, light_ink), (dark_paper, dark_ink) = seen
    assert (light_paper, dark_paper) == ("rgb(255, 255, 255)", "rgb(22, 22, 22)")
    assert light_ink != dark_ink
    # Printed from a dark screen it is black on white, without being drawn again.
    browser.command("Emulation.setEmulatedMedia", media="print")
    assert (browser.run(PAPER), browser.run(INK_OF_A_LABEL)) == (
        "rgb(255, 255, 255)",
        "rgb(0, 0, 0)",
    )
    browser.command("Emulation.setEmulatedMedia", media="")


def test_the_keyboard_reaches_links_plots_and_tables(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["confirmed"])
    seen = []
    for _ in range(browser.run(REACHABLE)):
        browser.press_tab()
        seen.append(browser.run(FOCUSED))
    for what in ("A  Answer", "DIV plot", "SUMMARY  Data", "DIV scroll", "PRE "):
        assert any(each.startswith(what) for each in seen), (what, seen)
    plots = sum(each.startswith("DIV plot") for each in seen)
    assert plots == browser.run("return document.querySelectorAll('.plot').length")

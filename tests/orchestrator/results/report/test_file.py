"""Where a report goes, and what it does not replace."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.store import Store
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.synthetic import SWEEP, write_trial


def test_a_page_goes_beside_and_may_be_written_again(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        code, out, err = run("report")
        assert (code, err) == (0, "")
        assert f"{SWEEP}.html" in out
    assert [file.name for file in tmp_path.iterdir()] == [f"{SWEEP}.html"]
    assert (tmp_path / f"{SWEEP}.html").read_text().startswith("<!doctype html>")


def test_a_files_ending_says_its_form(tmp_path: Path, run: Run) -> None:
    for _ in range(2):
        assert run("report", "rank", "-o", tmp_path / "report.md")[0] == 0
    written = (tmp_path / "report.md").read_text()
    assert "# Does a bigger adapter buy better SQL?" in written
    assert run("report", SWEEP, "-o", tmp_path / "page.md", "--format", "html")[0] == 0
    assert (tmp_path / "page.md").read_text().startswith("<!doctype html>")
    code, out, err = run("report", "--format", "md")
    assert (code, out.rstrip("\n"), err) == (0, written.rstrip("\n"), "")


@pytest.mark.parametrize("name", ["r.pdf", "r.docx", "r.PDF", "r.json"])
def test_an_ending_of_another_form_is_not_given_to_a_page(
    tmp_path: Path, run: Run, name: str
) -> None:
    code, out, err = run("report", "-o", tmp_path / name)
    assert (code, out) == (2, "")
    assert f"{name} ends in {name[1:]}, but a report is .html or .md: name" in err
    assert not list(tmp_path.iterdir())
    assert run("report", "-o", tmp_path / name, "--format", "html")[0] == 0


@pytest.mark.parametrize("name", ["r", "r.HTM", "rank-1.5"])
def test_a_name_that_says_nothing_is_a_page(tmp_path: Path, run: Run, name: str) -> None:
    assert run("report", "-o", tmp_path / name)[0] == 0
    assert (tmp_path / name).read_text().startswith("<!doctype html>")


def test_a_file_of_another_is_not_replaced(tmp_path: Path, run: Run) -> None:
    mine = tmp_path / "notes.html"
    mine.write_text("<p>mine</p>")
    code, out, err = run("report", "-o", mine)
    assert (code, out) == (2, "")
    assert "is there already and was not written by this command; name another file" in err
    assert mine.read_text() == "<p>mine</p>"


def test_it_is_not_written_into_the_store_or_nowhere(tmp_path: Path, run: Run, root: Path) -> None:
    for place, why in ((root / "report.html", "lies in the store"), (tmp_path / "a/b", "mkdir -p")):
        code, out, err = run("report", "-o", place)
        assert (code, out) == (2, "")
        assert why in err


def test_a_report_is_of_one_sweep(tmp_path: Path, run: Run) -> None:
    for name in (SWEEP, "rank-99999999"):
        write_trial(Store(tmp_path), 1, {"technique": "lora", "rank": 8}, sweep_id=name)
    code, out, err = run("report", "rank", store=tmp_path)
    assert (code, out) == (2, "")
    assert f"A report is of one sweep, but there are 2 to choose from: {SWEEP}, rank-9999" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reports"], "no sweep 'reports'"),
        (["--format", "pdf"], "'pdf' is not one of html, md"),
    ],
)
def test_a_slip_is_named(run: Run, words: list[str], said: str) -> None:
    code, out, err = run("report", *words)
    assert (code, out) == (2, "")
    assert said in " ".join(err.replace("│", " ").split())

"""The script that draws plots is made once, and anew where what was kept is not it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.results.report import runtime as module
from orchestrator.results.report.runtime import runtime


class Made:
    """Stands for vl-convert; counts."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, asked: str) -> str:
        self.times += 1
        return f"script of {asked}\r\n\u2028"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Made:
    made = Made()
    monkeypatch.setattr("vl_convert.javascript_bundle", made)
    monkeypatch.setenv("FINETUNE_SWEEP_CACHE", str(tmp_path / "cache"))
    return made


def kept(root: Path) -> Path:
    (file,) = (root / "cache" / "plots").iterdir()
    return file


def test_it_is_made_once(made: Made, tmp_path: Path) -> None:
    first = runtime()
    assert runtime() == first == made("window.vegaEmbed = vegaEmbed;")
    assert made.times == 2  # one of them this test's
    assert kept(tmp_path).suffix == ".js"


@pytest.mark.parametrize("damage", [b"", b"script", b"\xff\n", None])
def test_a_file_that_is_something_else_is_made_anew(
    made: Made, tmp_path: Path, damage: bytes | None
) -> None:
    first = runtime()
    file = kept(tmp_path)
    file.write_bytes(file.read_bytes()[:-1] if damage is None else damage)
    assert runtime() == first
    assert made.times == 2
    assert runtime() == first
    assert made.times == 2


def test_where_nothing_can_be_kept_it_is_made_each_time(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for place in ("", str(tmp_path / "file")):
        monkeypatch.setenv("FINETUNE_SWEEP_CACHE", place)
        assert runtime() == runtime()
    assert made.times == 4


def test_the_script_ends_no_element() -> None:
    assert "vegaEmbed" in module._ASKED
    assert "</script" not in runtime().lower()
    assert "<!--" not in runtime()

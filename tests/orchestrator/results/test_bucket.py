"""Stores in a bucket, read and exported as those in a folder are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.state.start_log import Start, StartLog
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store, bucket, index, reader
from orchestrator.store.place import BucketAddress
from orchestrator.store.recent import Recent
from orchestrator.store.roots import open_root
from tests.bucket_server import FORBIDDEN, Line
from tests.orchestrator.results import synthetic
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.synthetic import SWEEP, trial_name

Ask = Callable[..., Any]

QUESTIONS: list[list[str]] = [
    ["sweeps"],
    ["leaderboard"],
    ["leaderboard", "--trials", "--sweep", SWEEP],
    ["answer"],
    ["show", "best"],
    ["show", trial_name(3)],
    ["compare", trial_name(1), trial_name(2)],
    ["effect", "rank"],
    ["pareto", "--x", "trainable_percent", "--y", "rouge_l"],
    ["query", "SELECT count(*), round(avg(bleu), 9) FROM predictions"],
    ["query", "SELECT trial_id, step FROM trials JOIN reports USING (trial_id) ORDER BY 1, 2"],
]


@pytest.fixture
def address(line: Line) -> BucketAddress:
    return line.address()


def upload(root: Path, address: BucketAddress) -> None:
    """Copies a root file by file, as `aws s3 sync` does."""
    place = open_root(address)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            assert place.put_if_absent(path.relative_to(root).as_posix(), path.read_bytes())


@pytest.mark.parametrize("copied", [True, False], ids=["exported", "file by file"])
def test_every_question_is_answered_as_from_the_folder(
    address: BucketAddress, root: Path, run: Run, ask: Ask, copied: bool
) -> None:
    if copied:
        code, out, err = run("export", address)
        assert code == 0, err
        assert str(address) in out
    else:
        upload(root, address)
    for question in QUESTIONS:
        assert ask(*question, store=address) == ask(*question)


def test_the_records_of_a_start_come_along(
    address: BucketAddress, tmp_path: Path, run: Run, ask: Ask
) -> None:
    root = tmp_path / "store"
    synthetic.write_sweep(root)
    files = SweepFiles(Store(root), SWEEP)
    StartLog(files).note(Start(("rank",), "embedded", {"name": "rank"}))
    code, _, err = run("export", address, store=root)
    assert code == 0, err
    copy = SweepFiles(Store(address, is_read=True), SWEEP)
    assert StartLog(copy).latest() == StartLog(files).latest()
    code, _, err = run("export", tmp_path / "back", store=address)
    assert code == 0, err
    back = SweepFiles(Store(tmp_path / "back", is_read=True), SWEEP)
    assert StartLog(back).latest() == StartLog(files).latest()


def test_a_copy_comes_back_as_it_went(
    address: BucketAddress, root: Path, tmp_path: Path, run: Run
) -> None:
    for target, store in ((address, root), (tmp_path / "back", address)):
        code, _, err = run("export", target, store=store)
        assert code == 0, err
    for read in (reader.trials, reader.reports):
        assert read(tmp_path / "back").equals(read(root))


def test_a_report_is_written_from_a_bucket(
    address: BucketAddress, tmp_path: Path, run: Run
) -> None:
    assert run("export", address)[0] == 0
    page = tmp_path / "page.md"
    code, _, err = run("report", "-o", page, store=address)
    assert code == 0, err
    assert f"--root {address}" in page.read_text()


def test_an_export_that_was_cut_off_goes_on_and_shows_no_sweep_half(
    line: Line, address: BucketAddress, run: Run, ask: Ask
) -> None:
    line.faults = lambda request: FORBIDDEN if "reports" in request.path else None
    code, _, err = run("export", address)
    assert code == 1
    assert "was not stored" in err
    line.reset()
    assert reader.trials(address).num_rows == 0
    for _ in range(2):
        assert run("export", address)[0] == 0
    assert ask("leaderboard", store=address) == ask("leaderboard")


def test_what_is_in_the_bucket_already_is_not_written_over(
    address: BucketAddress, tmp_path: Path, run: Run
) -> None:
    root = tmp_path / "store"
    synthetic.write_sweep(root)
    assert run("export", address, store=root)[0] == 0
    before = reader.trials(address)
    for file in (root / "trials" / f"sweep={SWEEP}").glob("*.parquet"):
        file.unlink()
        break
    code, _, err = run("export", address, store=root)
    assert code == 2
    assert "is there already, of an earlier state of the sweep" in err
    assert reader.trials(address).equals(before)


def test_sweeps_are_exported_side_by_side(
    address: BucketAddress, tmp_path: Path, run: Run, ask: Ask
) -> None:
    names = (SWEEP, "other-0a1b2c3d")
    for name in names:
        synthetic.write_sweep(tmp_path / name, name)
        assert run("export", address, store=tmp_path / name)[0] == 0
    found = ask("sweeps", store=address)
    assert {row["sweep_id"] for row in found} == set(names)
    assert ask("leaderboard", store=address)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["track", "tensorboard"], "track needs a folder"),
        (["export", "{address}"], "is the store itself"),
        (["export", "s3://no-such-bucket/a"], "does not exist (NoSuchBucket)"),
        (["export", "{address}-2", "--format", "csv"], "is in Parquet, not in csv"),
        (["leaderboard", "--root", "s3://no-such-bucket/a"], "does not exist (NoSuchBucket)"),
        (["leaderboard", "--root", "{address}-2"], "There is no experiment store at s3://"),
        (["leaderboard", "--root", "gs://bucket/a"], "is an address (gs://), but must be a"),
        (["leaderboard", "--root", "s3://b"], "names no bucket"),
        (["report", "-o", "{address}/page.html"], "is an address (s3://), but must be a path"),
    ],
)
def test_what_a_bucket_cannot_do_is_said(
    address: BucketAddress, run: Run, arguments: list[str], words: str
) -> None:
    assert run("export", address)[0] == 0
    given = [word.format(address=address) for word in arguments]
    code, _, err = run(*given, store=address)
    assert code == 2
    assert words in " ".join(err.replace("│", " ").split())


def test_a_bucket_without_conditional_writes_takes_no_copy(
    line: Line, address: BucketAddress, run: Run
) -> None:
    line.without = ("if-none-match",)
    code, _, err = run("export", address)
    assert code == 2
    assert "If-None-Match" in err
    assert open_root(address).files("trials") == []


def test_a_reader_that_may_not_write_is_answered_all_the_same(
    line: Line, address: BucketAddress, root: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(root, address)
    monkeypatch.setattr(index, "WORTHWHILE", 1)
    line.faults = lambda request: FORBIDDEN if request.method == "PUT" else None
    assert ask("leaderboard", store=address) == ask("leaderboard")


def test_nothing_is_downloaded_that_is_not_asked_for(
    line: Line, address: BucketAddress, ask: Ask, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("export", address)[0] == 0
    monkeypatch.setattr(bucket, "_RECENT", Recent(1 << 20, 1 << 20))  # as on another machine
    line.reset()
    ask("leaderboard", store=address)
    read = [request.path for request in line.requests if "list-type" not in request.path]
    assert read
    assert not [path for path in read if "predictions" in path or "reports" in path]
    assert len(line.requests) < 10

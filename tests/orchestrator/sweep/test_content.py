"""A sweep goes on only with the rows, the base model and the versions that it began with."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from orchestrator.search.content import Base, Content, present_versions
from orchestrator.search.proposals import Proposal
from orchestrator.state.content_log import ContentLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.sweep.content import OtherContentError, check_content, content_of
from orchestrator.sweep.preflight import check_sources
from tests.orchestrator import sweeps
from tests.orchestrator.store import samples
from trainables.base_models.locations import EMBEDDED_FOLDER
from trainables.contract.scores import SCORING_VERSION
from trainables.contract.splits import SPLIT_VERSION

WORDS = ("toy.yaml", "--profile", "embedded")
EVALUATION = {"validation_rows": 20, "test_rows": 20}


def write_rows(table: Path, count: int = 400) -> Path:
    table.parent.mkdir(exist_ok=True)
    lines = [
        {
            "sql_prompt": f"All of {n}",
            "sql_context": f"CREATE TABLE t{n} (a INT)",
            "sql": f"SELECT {n}",
        }
        for n in range(count)
    ]
    table.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return table


def stored(folder: Path, **changes: Any) -> StoredSweep:
    return latest(sweeps.toy(folder, **changes), Store(folder / "store"))


def own(folder: Path, **changes: Any) -> StoredSweep:
    """Returns a sweep on a table and a base of its own, the table in a folder."""
    if not (folder / "data").exists():
        write_rows(folder / "data" / "train.jsonl")
    if not (folder / "base").exists():
        shutil.copytree(EMBEDDED_FOLDER, folder / "base")
    given = {"dataset": str(folder / "data"), "base_model": str(folder / "base")}
    return stored(folder, **{**given, "evaluation": EVALUATION, **changes})


def now(sweep: StoredSweep) -> Content:
    return content_of(sweep.sweep, check_sources(sweep.sweep, ask_hub=False))


def begin(sweep: StoredSweep) -> None:
    ProposalLog(sweep.files).write(Proposal(0, None, 0, {"technique": "pretrained"}))


def start(sweep: StoredSweep) -> None:
    """Does what a start of the sweep does before its trials."""
    content = now(sweep)
    check_content(sweep, content, WORDS)
    ContentLog(sweep.files).begin(content)
    begin(sweep)


def refusal(sweep: StoredSweep) -> str:
    with pytest.raises(OtherContentError) as error:
        start(sweep)
    return str(error.value)


def test_it_goes_on_with_what_it_began_with(tmp_path: Path) -> None:
    sweep = own(tmp_path)
    start(sweep)
    start(own(tmp_path))
    content = ContentLog(sweep.files).content()
    assert content == now(sweep)
    assert content is not None
    assert content.versions == present_versions("own")
    assert None not in (content.rows, content.base)


def test_edited_rows_are_named_with_both_ways_on(tmp_path: Path) -> None:
    sweep = own(tmp_path)
    start(sweep)
    table = tmp_path / "data" / "train.jsonl"
    before, whole = now(sweep).rows, table.read_bytes()
    write_rows(table, 399)
    said = refusal(own(tmp_path))
    assert f"the rows of {tmp_path / 'data'}: fingerprint {before}, now {now(sweep).rows}" in said
    assert sweep.id in said
    assert "Put back what it was begun with" in said
    assert "orchestrator.sweep toy.yaml --profile embedded --new\n" in said
    assert said.endswith(f"--root {sweep.root} leaderboard --sweep {sweep.id}")
    table.write_bytes(whole)
    start(own(tmp_path))


def test_a_file_that_is_added_to_the_folder_is_seen(tmp_path: Path) -> None:
    start(own(tmp_path))
    write_rows(tmp_path / "data" / "test.jsonl", 30)
    assert "the rows of" in refusal(own(tmp_path))


def test_rows_that_are_written_otherwise_are_the_same(tmp_path: Path) -> None:
    start(own(tmp_path))
    (tmp_path / "data" / "notes.txt").write_text("by whom")
    table = tmp_path / "data" / "train.jsonl"
    table.write_text(table.read_text().replace('", "', '" , "'))
    start(own(tmp_path))


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("model.safetensors", "the weights of the base model"),
        ("tokenizer.json", "the configuration or tokenizer of the base model"),
        ("config.json", "the configuration or tokenizer of the base model"),
    ],
)
def test_a_swapped_base_is_named(tmp_path: Path, file: str, what: str) -> None:
    start(own(tmp_path))
    path = tmp_path / "base" / file
    whole = path.read_bytes()  # another number, or another blank: what can still be loaded
    path.write_bytes((whole[:-1] if path.suffix == ".safetensors" else whole) + b" ")
    said = refusal(own(tmp_path))
    assert f"{what} {tmp_path / 'base'}: SHA-256 " in said
    assert said.count("SHA-256") == 1
    assert "the rows of" not in said


def test_a_branch_of_the_hub_that_has_moved_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    model = tmp_path / "hub" / "models--some--t5"
    for commit in ("0" * 40, "1" * 40):
        shutil.copytree(EMBEDDED_FOLDER, model / "snapshots" / commit)
    (model / "snapshots" / ("1" * 40) / "special_tokens_map.json").write_text("{}")
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("0" * 40)
    start(stored(tmp_path, base_model="some/t5"))
    (model / "refs" / "main").write_text("1" * 40)
    assert "tokenizer of the base model some/t5: SHA-256" in refusal(
        stored(tmp_path, base_model="some/t5")
    )


@pytest.mark.parametrize("version", ["prompt", "split", "scoring", "training"])
def test_another_version_of_the_package_is_named(tmp_path: Path, version: str) -> None:
    sweep = own(tmp_path)
    content = now(sweep)
    older = dataclasses.replace(content.versions, **{version: 7})
    ContentLog(sweep.files).begin(dataclasses.replace(content, versions=older))
    begin(sweep)
    present = getattr(content.versions, version)
    assert f"{version} version 7, now {present}, of this package" in refusal(sweep)


def test_before_its_first_trial_it_is_bound_to_nothing(tmp_path: Path) -> None:
    sweep = own(tmp_path)
    ContentLog(sweep.files).begin(now(sweep))
    write_rows(tmp_path / "data" / "train.jsonl", 399)
    start(own(tmp_path))
    assert ContentLog(sweep.files).content() == now(sweep)


def test_another_sweep_begins_on_what_there_is(tmp_path: Path) -> None:
    start(own(tmp_path))
    write_rows(tmp_path / "data" / "train.jsonl", 399)
    start(latest(own(tmp_path).sweep, Store(tmp_path / "store"), new=True))


def begun_without_record(sweep: StoredSweep, **reported: Any) -> None:
    """Stores what a sweep of an earlier version has: a proposal and a report."""
    begin(sweep)
    said = {
        "dataset_fingerprint": now(sweep).rows,
        "split_version": SPLIT_VERSION,
        "scoring_version": SCORING_VERSION,
    }
    values = samples.report(sweep.trial_id(0), **(said | reported))
    sweep.store.publish_report({**values, "sweep_id": sweep.id})


def write_checkpoint(sweep: StoredSweep, weights: str) -> None:
    folder = sweep.files.path(sweep.files.checkpoints_key(sweep.trial_id(0))) / "0000000100"
    folder.mkdir(parents=True)
    (folder / "progress.json").write_text(json.dumps({"base_weights_sha256": weights}))


def test_one_that_began_without_a_record_and_has_reported_nothing_goes_on(tmp_path: Path) -> None:
    sweep = own(tmp_path)
    begin(sweep)
    start(sweep)
    assert ContentLog(sweep.files).content() == now(sweep)


def test_one_without_a_record_goes_on_where_its_trials_say_that_all_is_the_same(
    tmp_path: Path,
) -> None:
    sweep = own(tmp_path)
    begun_without_record(sweep)
    base = now(sweep).base
    assert isinstance(base, Base)
    write_checkpoint(sweep, str(base.weights))
    start(sweep)
    assert ContentLog(sweep.files).content() == now(sweep)


def test_one_without_a_record_is_refused_where_they_do_not_say_it(tmp_path: Path) -> None:
    sweep = own(tmp_path)
    begun_without_record(sweep)
    said = refusal(sweep)
    assert f"none of its checkpoints says which weights the base model {tmp_path}" in said
    assert "continue this one with the version of the package that began it" in said
    assert said.endswith(f"--root {sweep.root} leaderboard --sweep {sweep.id}")


def test_the_built_in_base_is_what_it_was(tmp_path: Path) -> None:
    sweep = own(tmp_path, base_model=None)
    begun_without_record(sweep)
    start(sweep)


@pytest.mark.parametrize(
    ("reported", "words"),
    [
        ({"dataset_fingerprint": "0123"}, "fingerprint 0123, now "),
        ({"split_version": None}, "split version 1, now 2"),
        ({"scoring_version": None}, f"scoring version 1, now {SCORING_VERSION}"),
    ],
)
def test_one_without_a_record_is_refused_where_they_say_otherwise(
    tmp_path: Path, reported: dict[str, Any], words: str
) -> None:
    sweep = own(tmp_path, base_model=None)
    begun_without_record(sweep, **reported)
    assert words in refusal(sweep)


def test_other_weights_in_a_checkpoint_are_named(tmp_path: Path) -> None:
    sweep = own(tmp_path)
    begun_without_record(sweep)
    write_checkpoint(sweep, "ab" * 32)
    assert "the weights of the base model" in refusal(sweep)


def test_the_record_that_there_was_of_the_split_still_counts(tmp_path: Path) -> None:
    sweep = own(tmp_path, base_model=None)
    begun_without_record(sweep, split_version=None)
    sweep.files.path(sweep.files.split_key).write_text(json.dumps({"split_version": SPLIT_VERSION}))
    start(sweep)


def test_the_built_in_corpus_has_kept_its_split(tmp_path: Path) -> None:
    sweep = stored(tmp_path)
    begun_without_record(sweep, split_version=None)
    start(sweep)


def test_what_rows_are_split_by_makes_another_sweep(tmp_path: Path) -> None:
    by_row, named = own(tmp_path, split_by="row"), own(tmp_path, split_by="schema")
    assert by_row.id != own(tmp_path).id == named.id


def test_paths_are_stored_absolute_and_the_id_is_that_of_the_given_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sweep = own(tmp_path, dataset="./data", base_model="./base")
    assert sweep.sweep.dataset == str(tmp_path / "data")
    assert sweep.sweep.base_model == str(tmp_path / "base")
    assert sweep.id == "toy-ef3baa57"  # as it was when paths were stored as they were given
    on_hub = stored(tmp_path, dataset="some/rows", base_model="some/t5").sweep
    assert (on_hub.dataset, on_hub.base_model) == ("some/rows", "some/t5")
    built_in = stored(tmp_path).sweep
    assert (built_in.dataset, built_in.base_model) == ("embedded", "embedded")

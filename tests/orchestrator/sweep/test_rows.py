"""What is said of a sweep's rows before it starts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import UserError
from orchestrator.search_space import Sweep
from orchestrator.sweep.preflight import check_sources
from orchestrator.sweep.row_preview import Cut, describe, describe_cut, preview
from orchestrator.sweep.rows import describe_split, describe_table, surveyed
from tests.orchestrator import sweeps
from trainables.data import availability

SMALL = {"validation_rows": 40, "test_rows": 40}


def sweep(folder: Path, **changes: Any) -> Sweep:
    table = folder / "rows.jsonl"
    lines = [
        {
            "sql_prompt": f"way {way} to ask for all of {schema}",
            "sql_context": f"CREATE TABLE t{schema} (a INT)",
            "sql": f"SELECT a FROM t{schema}",
            "db": schema % 60,
        }
        for schema in range(120)
        for way in range(5)
    ]
    table.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return sweeps.toy(folder, **({"dataset": str(table), "evaluation": SMALL} | changes))


def said(given: Sweep) -> str:
    return "; ".join(describe_split(given, surveyed(given)))


def test_single_rows_are_said_to_leak(tmp_path: Path) -> None:
    text = said(sweep(tmp_path, split_by="row"))
    assert "by row: 520 rows to train on, of 120 schemas; 40 to validate on, of " in text
    assert "of 40 test rows 0 have their question in training too, 40 their statement," in text


def test_a_column_is_named(tmp_path: Path) -> None:
    text = said(sweep(tmp_path, split_by="db"))
    assert text.startswith("by the column db: ")
    assert "values of db; 40 to validate on" in text
    assert text.endswith("0 their statement, 0 their schema")


def test_test_rows_of_its_own_stay(tmp_path: Path) -> None:
    given = sweep(tmp_path)
    lines = (tmp_path / "rows.jsonl").read_text().splitlines(keepends=True)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "train.jsonl").write_text("".join(lines[:-40]))
    (folder / "test.jsonl").write_text("".join(lines[:5] + lines[-40:]))
    text = said(given.model_copy(update={"dataset": str(folder)}))
    assert "by schema, the test rows as the data set has them: " in text
    assert "of 45 test rows 5 have their question in training too (these are left out of" in text


def test_renamed_columns_and_bad_rows_are_said(tmp_path: Path) -> None:
    given = sweep(tmp_path, bad_rows="skip", columns={"sql_context": "tables"})
    table = tmp_path / "rows.jsonl"
    renamed = table.read_text().replace('"sql_prompt"', '"question"')
    table.write_text(renamed.replace('"sql_context"', '"tables"') + '{"question": null}\n')
    assert list(describe_table(given, surveyed(given))) == [
        "columns: question as sql_prompt, tables as sql_context",
        "columns that are not used: db",
        "left out: 1 bad row: rows.jsonl, line 601 has no question",
    ]
    with pytest.raises(UserError, match="1 bad row beside 600 good ones"):
        check_sources(given.model_copy(update={"bad_rows": "error"}))
    assert check_sources(given) == surveyed(given)
    assert list(describe_table(given, None)) == []


def test_what_the_hub_has_and_this_machine_has_not_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "none"))
    given = sweep(tmp_path, dataset="owner/name")
    assert said(given) == "by schema; the rows are counted when they are here"
    found = preview(given, 100).cut
    assert found.rows is None
    assert "not counted, since the data set owner/name is not on this" in describe_cut(given, found)


@pytest.mark.parametrize(
    ("printed", "phrase"),
    [('{"error": "too few"}', "too few"), ("", None), ("Killed", None)],
)
def test_the_counting_process_may_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, phrase: str | None
) -> None:
    def run(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(words, 1, printed, "warning\nMemoryError")

    monkeypatch.setattr(subprocess, "run", run)
    given = sweep(tmp_path)
    if phrase is not None:
        with pytest.raises(UserError, match=phrase):
            preview(given, 100)
        return
    assert "since the process that counts them ended (MemoryError)" in describe_cut(
        given, preview(given, 100).cut
    )


def test_a_data_set_of_the_hub_that_is_here_is_counted_by_the_other_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "owner___name" / "default" / "0.0.0" / "abc").mkdir(parents=True)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):  # what these tests run with
        monkeypatch.delenv(name, raising=False)
    assert availability.is_cached("owner/name")
    part = {"rows": 9, "groups": 3}
    common = {"of": 9, "rows": 0, "statements": 2, "schemas": 3}
    answer = dict.fromkeys(("train", "validation", "test"), part)
    other = {"has_test": False, "overlap": common, "fingerprint": "0" * 16}
    printed = json.dumps({"survey": answer | other})
    asked = []

    def run(words: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        env = given["env"]
        asked.append((words[-1], env.get("HF_HUB_OFFLINE"), env.get("HF_DATASETS_OFFLINE")))
        return subprocess.CompletedProcess(words, 0, f"a library's line\n{printed}\n", "")

    monkeypatch.setattr(subprocess, "run", run)
    text = said(sweep(tmp_path, dataset="owner/name"))
    assert "by schema: 9 rows to train on, of 3 schemas" in text
    assert asked == [("--rows-only", "1", "1")]


def test_rows_that_are_cut_are_said(tmp_path: Path) -> None:
    found = Cut({"train": 3_000, "validation": 0, "test": 1})
    assert describe_cut(sweeps.toy(tmp_path), found) == (
        "3,000 of train, 0 of validation, 1 of test rows (prompts over 512 tokens or statements"
        " over 256; scored on the whole statement)"
    )


def test_columns_that_nothing_is_taken_from_and_rows_without_a_schema_are_said(
    tmp_path: Path,
) -> None:
    given = sweep(tmp_path, split_by="row")
    table = tmp_path / "rows.jsonl"
    rows = [json.loads(line) for line in table.read_text().splitlines()]
    for row in rows:
        row |= {"evidence": "way means path", "difficulty": "simple"}
    rows[0]["sql_context"], rows[1]["sql_context"] = "", None
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = list(describe_table(given, surveyed(given)))
    assert said == [
        "columns that are not used: db, evidence, difficulty (evidence holds hints: join them to"
        " the questions to use them)",
        "2 of 600 rows have no schema: their prompts are questions alone",
    ]


def test_a_plan_shows_what_is_in_the_table(tmp_path: Path) -> None:
    given = sweep(tmp_path, bad_rows="skip", base_model="embedded")
    table = tmp_path / "rows.jsonl"
    first = table.read_text().splitlines()[0]
    table.write_text(f"{table.read_text()}{first}\n{first}\nnothing\n")
    found = preview(given, 300)
    said = dict(describe(given, found))
    assert said["rows"] == "600; 2 duplicates dropped, 1 bad row"
    assert said["lengths"].startswith("prompts of ")
    assert "(longest); limit 512; statements of " in said["lengths"]
    assert said["cut"].startswith("0 of train, 0 of validation, 0 of test rows")
    assert found.survey == surveyed(given)
    assert found.measurable is not None
    assert found.measurable.rows == 40
    prompt, _, sql = said["examples"].partition(" => ")
    assert prompt.startswith("1. Question: way ")
    assert " Context: CREATE TABLE t" in prompt
    assert sql.startswith("SELECT a FROM t")
    assert len(found.examples) == 3


def test_the_built_in_rows_are_shown_too(tmp_path: Path) -> None:
    given = sweeps.toy(tmp_path)
    said = list(describe(given, preview(given, 200)))
    assert [name for name, _ in said] == ["", "split", "cut", "examples", "", ""]
    assert said[3][1].startswith("1. Question: ")

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.synthetic_store import build
from orchestrator.results.pareto import undominated
from orchestrator.store import PREDICTIONS, Store, index, reader
from tests import small_disk
from tests.orchestrator.results import synthetic
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.synthetic import SWEEP, trial_name, write_trial

Ask = Callable[..., Any]
REPOSITORY = Path(__file__).parents[3]


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; import orchestrator.results.cli, orchestrator.results.leaderboard\n"
        "heavy = {'duckdb', 'optuna', 'pandas', 'pydantic', 'pyarrow.dataset', 'rich', 'scipy'}\n"
        "print(*(heavy & set(sys.modules)))\n"
        "import orchestrator.results.answer\n"
        "heavy = {'torch', 'transformers', 'peft', 'ray', 'optuna', 'scipy', 'pandas'}\n"
        "print(*(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    "arguments", [["leaderboard"], ["sweeps"], ["show", trial_name(3)]], ids=lambda words: words[0]
)
def test_a_verb_does_not_wait_for_pandas(root: Path, arguments: list[str]) -> None:
    code = (
        "import sys; from orchestrator.results.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as ended: print(ended.code, 'pandas' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--root", str(root), *arguments],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "0 False"


def test_the_module_runs(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.results", "--root", str(root), "leaderbord"],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    assert done.returncode == 2
    assert "leaderbord" in done.stderr


def test_sweeps_count_outcomes_and_cost(tmp_path: Path, ask: Ask) -> None:
    store = Store(tmp_path)
    parameters = {"technique": "lora", "rank": 8}
    write_trial(store, 0, parameters)
    write_trial(store, 1, parameters, "stopped", rungs=1)
    write_trial(store, 2, parameters, "failed", rungs=0)
    write_trial(store, 0, parameters, sweep_id="later-00000000", ended_at=None)
    final = tmp_path / "trials" / f"sweep={SWEEP}" / f"{trial_name(1)}.parquet"
    first, _ = ask("sweeps", store=tmp_path)
    assert first["sweep_id"] == SWEEP
    assert (first["completed"], first["stopped"], first["failed"], first["running"]) == (1, 1, 1, 0)
    assert first["best_trial"] == trial_name(0)
    assert first["device_seconds"] == pytest.approx(60 + 9 + 6 + 3)
    final.unlink()  # as while it runs
    first, _ = ask("sweeps", store=tmp_path)
    assert (first["trials"], first["stopped"], first["running"]) == (2, 0, 1)
    assert first["device_seconds"] == pytest.approx(60 + 9 + 6 + 3)


def test_show_has_everything_of_a_trial(run: Run, ask: Ask) -> None:
    found = ask("show", trial_name(3))
    assert found["trial"]["rank"] == 32
    assert [row["rung"] for row in found["reports"]] == [0, 1, 2]
    chosen = found["predictions"]["rows"]
    assert [row["chosen"] for row in chosen] == ["best"] * 3 + ["random"] * 4 + ["worst"] * 3
    assert chosen[0]["rouge_l"] >= chosen[3]["rouge_l"] >= chosen[-1]["rouge_l"]
    assert len({row["example_id"] for row in chosen}) == 10
    code, out, _ = run("show", trial_name(3))
    assert code == 0
    for words in ("rank 32", "6,000 ████", "SELECT 3 [b] FROM a", "torch 2.13.0", "Checkpoint"):
        assert words in out
    code, out, _ = run("show", trial_name(3), "--format", "csv")
    assert code == 0
    assert "reports.2.rung_examples,6000" in out.splitlines()


def test_a_trial_is_named_to_show_and_compare_as_to_predict(ask: Ask, run: Run) -> None:
    best = ask("leaderboard")[0]["trial_id"]
    assert ask("show", "best")["trial"]["trial_id"] == best
    assert ask("show", "3")["trial"]["trial_id"] == trial_name(3)
    assert ask("show", "best", "--sweep", SWEEP)["trial"]["trial_id"] == best
    by_name = ask("compare", "best", "1")
    assert by_name | {"a": best, "b": trial_name(1)} == ask("compare", best, trial_name(1))
    code, out, err = run("show", "13")
    assert (code, out) == (2, "")
    assert f"There is no trial with the number 13 in {SWEEP}; it has 0 to 12" in err


def test_a_number_is_of_one_sweep(tmp_path: Path, run: Run, ask: Ask) -> None:
    later = "rank-99999999"
    for sweep_id, rank in ((SWEEP, 8), (later, 16)):
        write_trial(Store(tmp_path), 1, {"technique": "lora", "rank": rank}, sweep_id=sweep_id)
    for table in ("trials", "reports", "predictions"):
        for sweep_id, moment in ((SWEEP, 100), (later, 200)):
            os.utime(tmp_path / table / f"sweep={sweep_id}", (moment, moment))
    for name in ("1", "best"):
        assert ask("show", name, store=tmp_path)["trial"]["rank"] == 16
        assert ask("show", name, "--sweep", SWEEP, store=tmp_path)["trial"]["rank"] == 8
        code, out, err = run("show", name, "--sweep", "rank", store=tmp_path)
        assert (code, out) == (2, "")
        assert "is a trial of one sweep, but there are 2 to choose from" in err


def test_an_environment_that_names_torch_twice_shows_its_version(tmp_path: Path, run: Run) -> None:
    # As sweeps recorded it that ran before the build was read: a null after the packages.
    environment = {"packages": {"torch": "2.13.0"}, "python": "3.11.7", "torch": None}
    write_trial(
        Store(tmp_path),
        0,
        {"technique": "lora", "rank": 8},
        environment_json=json.dumps(environment),
    )
    assert "Environment: torch 2.13.0, python 3.11.7" in run("show", "0", store=tmp_path)[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "9" * 5000],
        ["show", "t" * 5000],
        ["compare", "9" * 5000, "1"],
        ["leaderboard", "--by", "x" * 5000],
        ["leaderboard", "--limit", "9" * 5000],
        ["sweeps", "--sweep", "[" * 5000],
        ["sweeps", "--format", "x" * 5000],
    ],
)
def test_a_word_of_any_length_is_told_in_short(run: Run, arguments: list[str]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert 0 < len(err) < 1500


@pytest.mark.parametrize("name", ["a" * 300, "a/" * 3000])
def test_a_root_that_no_file_system_can_hold_is_refused(run: Run, name: str) -> None:
    code, out, err = run("sweeps", store=Path(name))
    assert (code, out) == (2, "")
    assert "is no path" in err


def test_damaged_predictions_are_named_by_a_query(tmp_path: Path, run: Run) -> None:
    synthetic.write_sweep(tmp_path)
    file = next((tmp_path / "predictions").rglob("*.parquet"))
    file.write_bytes(b"")
    code, out, err = run("query", "SELECT * FROM predictions", store=tmp_path)
    assert (code, out) == (1, "")
    assert err.startswith(f"{file} is not a Parquet file of the table 'predictions'; move it out")


def test_show_thins_a_long_curve(tmp_path: Path, run: Run, ask: Ask) -> None:
    build(tmp_path, 1, 100, 5)
    assert len(ask("show", "t-x", store=tmp_path)["reports"]) == 100
    _, out, _ = run("show", "t-x", store=tmp_path)
    assert "20 of 100 reports" in out
    assert sum("█" in line for line in out.splitlines()) == 20
    assert "\n     6,000 ████" in out


def test_show_prefers_test_rows(tmp_path: Path, ask: Ask) -> None:
    store = Store(tmp_path)
    write_trial(store, 0, {"technique": "lora", "rank": 8})
    rows = [
        {"example_id": str(n), "sql_prompt": "", "sql_context": "", "reference": "",
         "prediction": "", "rouge_l": n / 10}
        for n in range(4)
    ]  # fmt: skip
    store.publish_predictions(SWEEP, trial_name(0), 0, "test", "standard", 600, 6000, rows)
    found = ask("show", trial_name(0), store=tmp_path)["predictions"]
    assert found["split"] == "test"
    assert [row["rouge_l"] for row in found["rows"]] == [0.3, 0.2, 0.1, 0.0]


def test_a_failed_trial_shows_its_error(tmp_path: Path, run: Run) -> None:
    write_trial(
        Store(tmp_path), 0, {"technique": "lora", "rank": 8}, "failed", rungs=0, error="Boom [x]"
    )
    code, out, _ = run("show", "t-x", store=tmp_path)
    assert code == 0
    assert "Boom [x]" in out


def test_query_over_the_three_views(ask: Ask) -> None:
    sql = (
        "SELECT t.rank, count(*) AS rows, count(DISTINCT r.rung) AS rungs FROM trials t"
        " JOIN reports r USING (trial_id) JOIN predictions p USING (trial_id, step)"
        " WHERE t.outcome = 'completed' GROUP BY 1 ORDER BY 1"
    )
    assert ask("query", sql)[-2:] == [
        {"rank": 32, "rows": 540, "rungs": 3},
        {"rank": None, "rows": 60, "rungs": 1},
    ]
    assert ask("query", "SELECT 1 AS a, 2 AS a") == [{"a": 1, "a_2": 2}]


def test_a_query_of_a_large_store_opens_no_file_twice(
    tmp_path: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "WORTHWHILE", 2)
    for number in range(3):
        parameters = {"technique": "lora", "rank": 8}
        write_trial(Store(tmp_path), number, parameters, predictions=False)
    sql = 'SELECT count(DISTINCT t.trial_id) AS n, count(*) AS m FROM Trials t, "REPORTS" r'
    assert ask("query", sql, store=tmp_path) == [{"n": 3, "m": 27}]

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(reader, "read", refuse)
    assert ask("query", sql, store=tmp_path) == [{"n": 3, "m": 27}]
    built = "SELECT count(*) AS n FROM query_table('tri' || 'als')"
    assert ask("query", built, store=tmp_path) == [{"n": 3}]
    assert len(ask("query", "DESCRIBE predictions", store=tmp_path)) == len(PREDICTIONS.schema)


def test_a_renamed_sweep_is_named_beside_the_answer(tmp_path: Path, run: Run) -> None:
    write_trial(Store(tmp_path), 0, {"technique": "lora", "rank": 8})
    shutil.copytree(tmp_path / "trials" / f"sweep={SWEEP}", tmp_path / "trials" / "old")
    code, out, err = run("sweeps", "--format", "json", store=tmp_path)
    assert code == 0
    assert len(json.loads(out)) == 1
    (line,) = err.splitlines()
    assert line.startswith(f"Not read: {tmp_path}/trials/old. ")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("trials", "{root}/trials is no experiment store, but {root} is one: name it with --root"),
        (f"reports/sweep={SWEEP}/trial={trial_name(0)}", "no experiment store, but {root} is one"),
        ("..", "is no experiment store, but {root} is one"),
        ("../csv", "holds a copy as CSV, of which nothing can be asked; `results export` without"),
        ("../json", "holds a copy as JSON, of which"),
        ("../elsewhere/empty", "is empty; run a sweep first, or name another with --root"),
    ],
)
def test_a_root_beside_the_store_is_told_the_store(
    tmp_path: Path, run: Run, place: str, said: str
) -> None:
    root = tmp_path / "outer" / "store"
    write_trial(Store(root), 0, {"technique": "lora", "rank": 8})
    for form in ("csv", "json"):
        if place.endswith(form):
            assert run("export", root.parent / form, "--format", form, store=root)[0] == 0
    (root.parent / "elsewhere" / "empty").mkdir(parents=True)
    given = (root / place).resolve()
    code, _, err = run("sweeps", store=given)
    assert code == 2
    assert said.format(root=root) in err


@pytest.mark.parametrize("verb", [["report", "-o"], ["optuna"]])
def test_a_folder_where_a_file_is_to_be_written_is_called_one(
    tmp_path: Path, run: Run, verb: list[str]
) -> None:
    code, _, err = run(*verb, tmp_path)
    assert code == 2
    assert f"{tmp_path} is a folder, but a file is to be written; name one in it." in err


def test_query_on_a_table_that_has_no_file_yet(tmp_path: Path, ask: Ask) -> None:
    write_trial(Store(tmp_path), 0, {"technique": "lora", "rank": 8}, predictions=False)
    assert ask("query", "SELECT count(*) AS n FROM predictions", store=tmp_path) == [{"n": 0}]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{outside}'",
        "COPY (SELECT 1) TO '{inside}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{inside}'",
        "DROP VIEW trials",
        "ATTACH '{outside}' AS other",
        "SELECT 1; COPY (SELECT 1) TO '{outside}'",
        "SET enable_external_access = true",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT nothing FROM trials",
        "SELEC 1",
        "",
    ],
)
def test_query_reads_the_store_and_does_nothing_else(
    root: Path, tmp_path: Path, run: Run, sql: str
) -> None:
    before = sorted(root.rglob("*"))
    outside, inside = tmp_path / "out.csv", root / "trials" / "in.csv"
    code, out, err = run("query", sql.format(outside=outside, inside=inside))
    assert (code, out) == (2, "")
    assert err
    assert not outside.exists()
    assert sorted(root.rglob("*")) == before


def test_an_exported_copy_is_read_like_a_store(tmp_path: Path, run: Run, ask: Ask) -> None:
    copy = tmp_path / "copy"
    code, _, err = run("export", copy)
    assert (code, err) == (0, "")
    assert len(list(copy.rglob("*.parquet"))) == 3
    for verb in (["leaderboard"], ["show", trial_name(3)], ["effect", "rank"], ["sweeps"]):
        assert ask(*verb, store=copy) == ask(*verb)
    assert _count(f"{copy}/reports/**/*.parquet") == 27
    code, _, err = run("export", copy)
    assert code == 2
    assert "is there already" in err
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_export_as_text(tmp_path: Path, run: Run, form: str) -> None:
    code, _, _ = run("export", tmp_path / "out", "--format", form)
    assert code == 0
    counts = {
        name: _count(f"{tmp_path}/out/{name}.{form}")
        for name in ("trials", "reports", "predictions")
    }
    assert counts == {"trials": 13, "reports": 27, "predictions": 27 * 60}


@pytest.mark.parametrize("table", ["trials", "reports", "predictions"])
@pytest.mark.parametrize("verb", [["sweeps"], ["leaderboard"], ["show", "1"]])
def test_a_file_in_the_place_of_a_table_is_named(
    tmp_path: Path, run: Run, verb: list[str], table: str
) -> None:
    synthetic.write_sweep(tmp_path)
    shutil.rmtree(tmp_path / table)
    (tmp_path / table).write_text("mine")
    code, out, err = run(*verb, store=tmp_path)
    assert (code, out) == (2, "")
    assert f"{tmp_path / table} is a file, where the folder of a table belongs; move it out" in err


@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_an_export_that_the_disk_has_no_room_for_is_told_and_leaves_nothing(
    tmp_path: Path, run: Run, form: str
) -> None:
    with small_disk.mounted(tmp_path / "disk") as disk:
        filler = small_disk.fill(disk, 4096)
        code, out, err = run("export", disk / "out", "--format", form)
        assert (code, out) == (2, "")
        assert "out cannot be written: the disk is full; free some space" in err
        assert list(disk.iterdir()) == [filler]


def _count(files: str) -> int:
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT count(*) FROM '{files}'").fetchall()
    return int(found[0][0])


def test_pareto_of_size_and_score(ask: Ask, run: Run) -> None:
    front = ask("pareto", "--x", "trainable_percent", "--y", "rouge_l")
    assert [row["trainable_percent"] for row in front] == pytest.approx([0.0, 0.4, 0.8, 1.6, 3.2])
    code, _, err = run("pareto", "--x", "trainable_percnt", "--y", "rouge_l")
    assert code == 2
    assert "the nearest is 'trainable_percent'" in err


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_the_front_is_what_no_other_trial_beats(points: list[tuple[int, int]]) -> None:
    rows = [{"train_seconds": x, "bleu": y, "number": n} for n, (x, y) in enumerate(points)]

    def dominated(row: dict[str, int]) -> bool:
        return any(
            other["train_seconds"] <= row["train_seconds"]
            and other["bleu"] >= row["bleu"]
            and (other["train_seconds"], other["bleu"]) != (row["train_seconds"], row["bleu"])
            for other in rows
        )

    front = {row["number"] for row in undominated(rows, "train_seconds", "bleu")}
    assert front == {row["number"] for row in rows if not dominated(row)}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["leaderboard", "--technique", "prefix"],
            "There is no technique 'prefix' in these sweeps; there are: lora, pretrained.",
        ),
        (["pareto", "--x", "bleu", "--y", "bleu"], "--x and --y are both bleu"),
        (["leaderboard", "--limit", "x"], "'--limit': 'x' is not a whole number."),
        (["leaderboard", "--limit", "0"], "'--limit': 0 is less than 1."),
        (["sweeps", "--format", "xml"], "'--format': 'xml' is not one of table, json, csv."),
    ],
)
def test_a_mistake_is_said_in_plain_words(run: Run, arguments: list[str], words: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert words in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize("verb", ["export", "optuna"])
def test_a_folder_that_is_not_there_is_not_made_up(tmp_path: Path, run: Run, verb: str) -> None:
    code, out, err = run(verb, tmp_path / "nodir" / "copy")
    assert (code, out) == (2, "")
    assert f"there is no folder {tmp_path / 'nodir'}; make it first" in err
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    code, out, err = run(verb, tmp_path / "file" / "copy")
    assert (code, out) == (2, "")
    assert f"there is no folder {tmp_path / 'file'}; name a " in err
    assert run(verb, tmp_path / "copy")[0] == 0


@pytest.mark.parametrize("inside", ["", "copy", "trials/copy", "../{name}/copy"])
def test_the_store_is_not_exported_into_itself(root: Path, run: Run, inside: str) -> None:
    before = sorted(root.rglob("*"))
    code, out, err = run("export", root / inside.format(name=root.name))
    assert (code, out) == (2, "")
    assert "name a folder outside it" in err
    assert sorted(root.rglob("*")) == before


def test_a_root_that_is_a_file_is_said_to_be_one(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "store.duckdb"
    file.touch()
    code, out, err = run("sweeps", store=file)
    assert (code, out) == (2, "")
    assert err == f"{file} is a file, but an experiment store is a folder; name it with --root.\n"


def test_csv_has_its_header_and_json_for_nested_values(run: Run) -> None:
    sql = "SELECT [rank, NULL] AS list, {'a': true} AS nested, rank > 8 AS high, rank FROM trials"
    code, out, _ = run("query", f"{sql} WHERE rank = 4 LIMIT 1", "--format", "csv")
    assert code == 0
    assert out == 'list,nested,high,rank\n"[4, null]","{""a"": true}",false,4\n'
    code, out, _ = run("query", f"{sql} WHERE rank = 5", "--format", "csv")
    assert (code, out) == (0, "list,nested,high,rank\n")


def test_a_newer_store_is_one_line_and_exit_code_1(tmp_path: Path, run: Run) -> None:
    import pyarrow.parquet as pq

    write_trial(Store(tmp_path), 0, {"technique": "lora", "rank": 8})
    (path,) = (tmp_path / "trials").rglob("*.parquet")
    table = pq.read_table(path, partitioning=None)
    path.unlink()
    pq.write_table(
        table.replace_schema_metadata({b"finetune_sweep.schema_version": b"9"}).set_column(
            table.column_names.index("schema_version"), "schema_version", [[9]]
        ),
        path,
    )
    code, out, err = run("leaderboard", store=tmp_path)
    assert (code, out) == (1, "")
    assert "schema version 9" in err
    assert err.count("\n") == 1


def test_an_effect_as_csv_is_a_table_of_the_values(run: Run, ask: Ask) -> None:
    code, out, err = run("effect", "rank", "--format", "csv")
    assert (code, err) == (0, "")
    lines = list(csv.DictReader(io.StringIO(out)))
    found = ask("effect", "rank")
    assert [line["value"] for line in lines] == ["4", "8", "16", "32"]
    for line, value in zip(lines, found["values"], strict=True):
        assert (line["parameter"], line["metric"], line["mode"]) == ("rank", "rouge_l", "max")
        assert line["rung_examples"] == "600"
        assert {name: line[name] for name in value} == {
            name: "" if each is None else str(each) for name, each in value.items()
        }


def test_a_comparison_as_csv_is_one_line(run: Run, ask: Ask) -> None:
    code, out, _ = run("compare", "rank=4", "rank=8", "--format", "csv")
    assert code == 0
    (line,) = csv.DictReader(io.StringIO(out))
    found = ask("compare", "rank=4", "rank=8")
    assert line["difference"] == str(found["difference"])
    assert list(line) == list(found)


def test_times_have_their_zone(run: Run) -> None:
    _, out, _ = run("sweeps")
    assert re.search(r"2026-03-01 \d\d:\d\d UTC", out)
    _, out, _ = run("query", "SELECT ended_at FROM trials WHERE trial_number = 0")
    assert out.splitlines()[-1] == "2026-03-01 12:09:00 UTC"


@pytest.mark.parametrize(
    "verb", [["sweeps"], ["leaderboard"], ["show", "best"], ["query", "FROM trials"]]
)
def test_a_home_folder_may_be_meant_by_a_root(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch, verb: list[str]
) -> None:
    monkeypatch.setenv("HOME", str(root.parent))
    code, out, err = run(*verb, store=Path("~") / root.name)
    assert code == 0, err
    assert out == run(*verb)[1]


@pytest.mark.parametrize("verb", [["export", "~/copy"], ["optuna", "~/study.log"]])
def test_a_home_folder_may_be_meant_by_a_target(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, verb: list[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    code, _, err = run(*verb)
    assert code == 0, err
    assert (tmp_path / verb[1].removeprefix("~/")).exists()


def test_the_version_is_said(run: Run) -> None:
    code, out, _ = run("--version")
    assert (code, out.split()[0]) == (0, "finetune-sweep")


def test_a_command_that_a_message_names_works_when_it_is_pasted(
    root: Path, tmp_path: Path, run: Run
) -> None:
    store = tmp_path / "it's my store"
    store.symlink_to(root)
    _, _, err = run("show", "99", store=store)
    words = shlex.split(err[err.index("All of them: ") + len("All of them: ") :])
    assert words[1:3] == ["-m", "orchestrator.results"]
    assert words[3:5] == ["--root", str(store)]
    code, out, err = run(*words[5:], store=store)
    assert code == 0, err
    assert trial_name(3) in out
    _, _, err = run("notebooks", store=store)
    words = shlex.split(err[err.index("points first: ") + len("points first: ") :])
    assert words[1:] == [*("-m", "orchestrator.sweep", "notebooks", "--root", str(store))]

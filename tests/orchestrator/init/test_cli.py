"""`init`: what it writes for which rows is a search space that can be run."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestrator.init.cli import app
from orchestrator.init.template import training_sizes
from orchestrator.search_space import load
from orchestrator.search_space.profiles import PROFILES
from orchestrator.sweep.cli import app as sweep_app
from orchestrator.sweep.preflight import largest_size
from tests import small_disk


def _table(path: Path, rows: int, schemas: int, filled: str = "") -> Path:
    lines = (
        {
            "sql_prompt": f"how many are below {number}?",
            "sql_context": f"CREATE TABLE t{number % schemas} (a INT);"
            + (f" INSERT INTO t{number % schemas} VALUES ({filled})" if filled else ""),
            "sql": f"SELECT COUNT(*) FROM t{number % schemas} WHERE a < {number}",
        }
        for number in range(rows)
    )
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def _init(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("rows", "schemas", "filled", "expected"),
    [
        (4000, 400, "1", ("schema", 100, 500, "execution_accuracy", (240, 2400))),
        (600, 60, "", ("schema", 50, 100, "rouge_l", (37, 370))),
        (60, 7, "1", ("row", 20, 20, "execution_accuracy", (20,))),
    ],
)
def test_sizes_fit_the_rows_and_the_objective_can_be_measured(
    tmp_path: Path, rows: int, schemas: int, filled: str, expected: tuple[Any, ...]
) -> None:
    table = _table(tmp_path / "my rows.jsonl", rows, schemas, filled)
    code, out, err = _init(table.name)
    assert code == 0, err
    file = tmp_path / "my-rows.yaml"
    assert f"{file.name} is written" in out
    for profile in PROFILES:
        sweep = load(file, profile=profile)
        assert sweep.dataset == str(table)  # from any folder
        assert sweep.name == "my-rows"
    split_by, validation, test, metric, sizes = expected
    assert (sweep.split_by, sweep.objective.metric) == (split_by, metric)
    assert (sweep.evaluation.validation_rows, sweep.evaluation.test_rows) == (validation, test)
    assert sweep.space is not None
    asked = json.loads(sweep.space.model_dump_json())["data_size"]
    assert asked == ({"choice": list(sizes)} if len(sizes) > 1 else sizes[0])
    assert sweep.trials == 6 * len(sweep.strata)
    planned = CliRunner().invoke(sweep_app, [str(file), "--profile", "embedded", "--plan"])
    assert planned.exit_code == 0, planned.output


def _rows(count: int, questions: int) -> list[dict[str, str]]:
    return [
        {
            "sql_prompt": f"how many are below {number % questions}?",
            "sql_context": "CREATE TABLE t (a INT)",
            "sql": f"SELECT COUNT(*) FROM t WHERE a < {number}",
        }
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("rows", "there"),
    [
        (_rows(1, 1), "1 row, too few"),
        (_rows(10, 10), "10 rows, too few"),
        (_rows(1, 1) * 400, "1 row (and 399 that repeat them), too few"),
        (_rows(400, 1), "400 rows of 1 question, too few"),
    ],
)
def test_too_few_rows_are_counted_and_not_asked_to_be_set(
    tmp_path: Path, rows: list[dict[str, str]], there: str
) -> None:
    (tmp_path / "few.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, _, err = _init("few.jsonl")
    assert code == 2
    said = err.replace("\n", " ")
    assert f"few.jsonl' has {there} for a sweep: init proposes 5 rows to validate on" in said
    assert "evaluation." not in said


def test_one_column_is_not_question_and_sql(tmp_path: Path) -> None:
    table = _table(tmp_path / "rows.jsonl", 100, 50)
    code, _, err = _init(table, "--set", "columns.sql_prompt=sql")
    assert code == 2
    assert "has one column, 'sql', for both sql_prompt and sql;" in err.replace("\n", " ")


def test_what_is_evaluated_leaves_rows_to_train_on(tmp_path: Path) -> None:
    table = _table(tmp_path / "few.jsonl", 323, 6)
    code, _, err = _init(table.name)
    assert code == 0, err
    sweep = load(tmp_path / "few.yaml", profile="full")
    assert sweep.split_by == "row"
    assert 2 * largest_size(sweep) > 323


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    table = _table(tmp_path / "rows.jsonl", 100, 50)
    for name in ("rows.yaml", "mine.yaml"):
        (tmp_path / name).write_text("mine")
    for words in ([table], [table, "--out", "mine.yaml"]):
        code, _, err = _init(*words)
        assert code == 2
        assert "is there already; name another file with --out" in err
    assert {path.read_text() for path in tmp_path.glob("*.yaml")} == {"mine"}


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        ('{"question": "q", "query": "s"}\n', "lacks sql_context"),
        ('{"sql_prompt": "q", "sql_context": "", "sql": "s"}\n', "too few"),
        ("", "has no rows"),
    ],
)
def test_a_table_that_cannot_be_used_is_said_and_nothing_is_written(
    tmp_path: Path, content: str, phrase: str
) -> None:
    (tmp_path / "rows.jsonl").write_text(content)
    code, _, err = _init("rows.jsonl")
    assert code == 2
    assert phrase in err
    assert not list(tmp_path.glob("*.yaml"))


def test_columns_and_bad_rows_are_said_in_the_file(tmp_path: Path) -> None:
    lines = _table(tmp_path / "own.jsonl", 600, 60).read_text().splitlines()
    names = {"sql_prompt": "question", "sql_context": "the schema", "sql": "query"}
    rows = [{names[key]: value for key, value in json.loads(line).items()} for line in lines]
    rows[3]["query"] = None
    renamed = [{("schema" if k == "the schema" else k): v for k, v in row.items()} for row in rows]
    table = tmp_path / "rows.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in renamed))
    code, out, err = _init(table)
    assert code == 0, err
    assert "Left out: 1 bad row" in out
    sweep = load(tmp_path / "rows.yaml", profile="full")
    assert sweep.bad_rows == "skip"
    written = (tmp_path / "rows.yaml").read_text()
    assert "columns: {sql_prompt: question, sql_context: schema, sql: query}" in written
    planned = CliRunner().invoke(sweep_app, ["rows", "--profile", "embedded", "--plan"])
    assert planned.exit_code == 0, planned.output


def test_databases_have_the_schemas_and_the_rows(tmp_path: Path) -> None:
    for number in range(40):
        with sqlite3.connect(tmp_path / f"db{number}.sqlite") as database:
            database.executescript("CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2)")
        database.close()
    rows = (
        {
            "question": f"below {n}?",
            "query": f"SELECT a FROM t WHERE a < {n}",
            "db_id": f"db{n % 40}",
        }
        for n in range(400)
    )
    (tmp_path / "rows.json").write_text(json.dumps(list(rows)))
    code, _, err = _init("rows.json", "--databases", ".")
    assert code == 0, err
    sweep = load(tmp_path / "rows.yaml", profile="full")
    assert sweep.databases == str(tmp_path)
    assert sweep.objective.metric == "execution_accuracy"
    assert _init("--databases", ".", "--out", "other.yaml")[0] == 2


def test_a_base_model_decides_on_the_sizes_and_is_checked(tmp_path: Path) -> None:
    table = _table(tmp_path / "rows.jsonl", 600, 60)
    code, out, err = _init(table, "embedded")
    assert code == 0, err
    assert "0 of train, 0 of validation, 0 of test rows" in out
    sweep = load(tmp_path / "rows.yaml", profile="full")
    assert sweep.base_model == "embedded"
    assert {stratum.values[0][1] for stratum in sweep.strata} == {1, 4, 16}
    (tmp_path / "empty").mkdir()
    code, _, err = _init(table, "empty", "--out", "other.yaml")
    assert code == 2
    assert "has no config.json" in err


def test_what_is_not_here_yet_is_not_counted(tmp_path: Path) -> None:
    code, out, err = _init("somebody/some-rows", "google/flan-t5-small")
    assert code == 0, err
    assert "the rows are counted when they are here" in out
    sweep = load(tmp_path / "some-rows.yaml", profile="full")
    assert (sweep.dataset, sweep.base_model) == ("somebody/some-rows", "google/flan-t5-small")


def test_without_a_table_it_is_about_what_comes_with_the_profile(tmp_path: Path) -> None:
    assert _init()[0] == 0
    assert [load(tmp_path / "first.yaml", profile=p).dataset for p in PROFILES] == [
        *(load(Path(__file__).parents[3] / "search_spaces/rank.yaml", profile=p).dataset
          for p in PROFILES)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [(1, (1,)), (299, (290,)), (300, (30, 300)), (12_345, (1200, 12_000)), (10**6, (2000, 20_000))],
)
def test_sizes_are_round_and_never_beyond_the_rows(rows: int, sizes: tuple[int, ...]) -> None:
    assert training_sizes(rows, 20_000) == sizes


def test_remedies_that_it_prints_are_taken(tmp_path: Path) -> None:
    table = _table(tmp_path / "odd.jsonl", 600, 60)
    table.write_text(table.read_text().replace('"sql"', '"gold"').replace('"sql_context"', '"ddl"'))
    code, _, err = _init(table)
    assert code == 2
    assert "lacks sql: it has" in err.replace("\n", " ")
    assert "--set columns.sql=COLUMN" in err.replace("\n", " ")
    code, _, err = _init(table, "--set", "columns.sql=gold")
    assert code == 0, err
    found = load(tmp_path / "odd.yaml").columns
    assert found is not None
    assert (found.sql_context, found.sql, found.sql_prompt) == ("ddl", "gold", None)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("trials=3", "init takes columns.NAME=COLUMN and databases=DIR"),
        ("columns.sql=", "init takes columns.NAME=COLUMN and databases=DIR"),
        ("columns.sqll=gold", '--set columns.sqll=gold: columns.sqll: unknown key "sqll"; did you'),
        (f"columns.sql={'x' * 201}", f"--set columns.sql={'x' * 201}: columns.sql: is "),
        ("databases=nowhere", "nowhere"),
    ],
)
def test_other_keys_are_the_file_s(tmp_path: Path, option: str, words: str) -> None:
    code, _, err = _init(_table(tmp_path / "rows.jsonl", 60, 7), "--set", option)
    assert code == 2
    assert words in err.replace("\n", " ")
    assert not (tmp_path / "rows.yaml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["t", "--seed", str(2**31)], "--seed 2147483648: seed: is 2147483648, but must be <="),
        (["https://example.org/rows.csv"], "argument dataset: dataset: is "),
        (["x" * 5000], "argument dataset: dataset: is "),
        (["t", "x" * 5000], "argument base_model: base_model: is "),
        (["t", "a\x01b"], "is not a folder: give a checkpoint folder as the argument base_model"),
        (
            ["no-such.csv"],
            "give a table of rows as the argument dataset; or give `embedded`, which",
        ),
        (["no such"], "is not there: it is neither a file nor a folder; give a table of rows as"),
        (["t", "no such"], 'base model "no such" is not a folder: give a checkpoint folder as the'),
        (["~nobody-here/rows.csv"], "is not there"),
        (
            ["embedded-causal"],
            "embedded-causal is a base model, not a data set; give it as the sec",
        ),
        ([""], "The argument dataset is empty; give one, or leave it out."),
        (["t", " "], "The argument base_model is empty; give one, or leave it out."),
    ],
)
def test_what_is_wrong_is_named_as_it_was_given(
    tmp_path: Path, words: list[str], said: str
) -> None:
    table = _table(tmp_path / "rows.jsonl", 60, 60)
    code, _, err = _init(*(table if word == "t" else word for word in words), "--out", "f.yaml")
    assert (code, said in err.replace("\n", " ")) == (2, True), err
    assert "f.yaml" not in err
    assert "--set dataset" not in err
    assert not (tmp_path / "f.yaml").exists()


def test_a_file_that_the_disk_has_no_room_for_is_not_in_the_way_of_the_next(tmp_path: Path) -> None:
    table = _table(tmp_path / "rows.jsonl", 60, 60)
    with small_disk.mounted(tmp_path / "disk") as disk:
        filler = small_disk.fill(disk, 0)
        words = [table, "--out", str(disk / "mine.yaml")]
        code, _, err = _init(*words)
        assert (code, "the disk is full" in err.replace("\n", " ")) == (2, True), err
        filler.unlink()
        code, _, err = _init(*words)
        assert code == 0, err


@pytest.mark.parametrize("model", [[], ["embedded"]])
def test_the_built_in_corpus_is_asked_for_no_more_rows_than_it_has(
    tmp_path: Path, model: list[str]
) -> None:
    code, _, err = _init("embedded", *model, "--out", "mine.yaml")
    assert code == 0, err
    for profile in PROFILES:
        planned = ["mine.yaml", "--profile", profile, "--plan", "--root", str(tmp_path / "store")]
        done = CliRunner().invoke(sweep_app, planned)
        assert done.exit_code == 0, done.output


@pytest.mark.parametrize("option", ["--out", "--databases"])
def test_an_empty_path_is_not_taken_for_this_folder(tmp_path: Path, option: str) -> None:
    code, _, err = _init(_table(tmp_path / "rows.jsonl", 60, 60), option, "")
    assert code == 2
    assert "it is empty" in err


def _folder(folder: Path, *, shared: bool, test: dict[str, str] | None = None) -> Path:
    """Writes a folder of a training table and a test table, whose columns may have other names."""
    folder.mkdir()
    rows = [json.loads(line) for line in _table(folder / "train.jsonl", 400, 40).open()]
    for row in rows[:45]:
        row["sql_prompt"] += " asked otherwise"
        if not shared:
            row["sql_context"] = row["sql_context"].replace("CREATE TABLE t", "CREATE TABLE other")
    names = test or {}
    renamed = ({names.get(key, key): value for key, value in row.items()} for row in rows[:45])
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in renamed))
    return folder


@pytest.mark.parametrize(
    ("shared", "words"),
    [
        (True, "45 of its own 45 test rows have their schema in training"),
        (False, "no schema is both trained on and tested on"),
    ],
)
def test_what_the_file_says_of_schemas_is_what_was_counted(
    tmp_path: Path, shared: bool, words: str
) -> None:
    code, out, err = _init(_folder(tmp_path / "rows", shared=shared))
    assert code == 0, err
    assert f"{45 if shared else 0} their schema." in out
    written = (tmp_path / "rows.yaml").read_text()
    (line,) = (line for line in written.splitlines() if line.startswith("split_by:"))
    assert line.split("# ")[1] == words


def test_rows_drawn_singly_have_the_schemas_that_were_counted(tmp_path: Path) -> None:
    code, _, err = _init(_table(tmp_path / "rows.jsonl", 60, 7))
    assert code == 0, err
    written = (tmp_path / "rows.yaml").read_text()
    assert "split_by: row" in written
    assert "of 20 test rows have their schema in training" in written


def test_rows_that_are_not_here_are_not_spoken_of(tmp_path: Path) -> None:
    assert _init("somebody/some-rows")[0] == 0
    written = (tmp_path / "some-rows.yaml").read_text()
    assert "both trained on" not in written
    assert "a test that is taken from training has schemas of its own" in written


def test_columns_that_tables_name_differently_are_left_to_be_recognised(tmp_path: Path) -> None:
    names = {"sql_prompt": "question", "sql_context": "schema", "sql": "query"}
    code, out, err = _init(_folder(tmp_path / "rows", shared=True, test=names))
    assert code == 0, err
    said = out.replace("\n", " ")
    assert "sql_prompt (of train.jsonl) and question (of test.jsonl) as sql_prompt" in said
    assert load(tmp_path / "rows.yaml", profile="full").columns is None
    planned = CliRunner().invoke(sweep_app, ["rows.yaml", "--profile", "embedded", "--plan"])
    assert planned.exit_code == 0, planned.output


@pytest.mark.parametrize(
    ("test", "option", "words"),
    [
        (
            {"sql": "gold_statement"},
            (),
            "test.jsonl lacks sql: it has sql_prompt, sql_context, gold_statement; train.jsonl has"
            " sql as 'sql': give it a column of that name, or move the file out of the folder: test"
            " rows are then taken from training.",
        ),
        (
            {"sql": "gold"},
            ("--set", "columns.sql=sql"),
            "test.jsonl has no column 'sql', which `columns.sql` names; it has the columns"
            " sql_prompt, sql_context, gold, while train.jsonl has it: `columns` holds for all"
            " tables of a data set, so give the column one name in all of them, or move the file"
            " out of the folder: test rows are then taken from training.",
        ),
    ],
)
def test_the_table_that_lacks_a_column_is_named_beside_the_one_that_has_it(
    tmp_path: Path, test: dict[str, str], option: tuple[str, ...], words: str
) -> None:
    code, _, err = _init(_folder(tmp_path / "rows", shared=True, test=test), *option)
    assert code == 2
    assert words in err.replace("\n", " ")


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("true", "null"),
        ("null", "true"),
        ("on", "1.5"),
        ("No", "yes"),
        ("1e5", "0x10"),
        ("0x10", "2024-01-01"),
        ("2024-01-01", "a: #b"),
        ("\U0001f4ca", "a\u2028b"),
    ],
)
def test_names_that_yaml_would_take_for_something_else_stay_names(
    tmp_path: Path, name: str, column: str
) -> None:
    table = _table(tmp_path / f"{name}.jsonl", 60, 7)
    table.write_text(table.read_text().replace('"sql":', f"{json.dumps(column)}:"))
    code, _, err = _init(table, "--set", f"columns.sql={column}", "--out", f"{name} \u2028.yaml")
    assert code == 0, err
    sweep = load(tmp_path / f"{name} \u2028.yaml", profile="full")
    assert sweep.dataset == str(table)
    assert sweep.columns is not None
    assert sweep.columns.sql == column


def test_a_folder_that_is_missing_is_said_before_the_rows_are_read(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("no JSON at all")
    for out, words in (
        ("not here/x.yaml", "the folder not here is not there; make it (`mkdir -p 'not here'`)"),
        ("rows.jsonl/x.yaml", "rows.jsonl is a file, not a folder"),
    ):
        code, _, err = _init("rows.jsonl", "--out", out)
        assert code == 2
        assert words in err.replace("\n", " ")

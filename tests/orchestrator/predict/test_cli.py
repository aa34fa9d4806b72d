"""`python -m orchestrator.predict` on a store that a real trial wrote, without Ray."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestrator.outcomes.conclusions import Conclusions
from orchestrator.predict import cli
from orchestrator.results import cli as results
from orchestrator.search.optuna_space import Configuration
from orchestrator.search.proposals import Proposal
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store
from orchestrator.trial.attempt import TrialJob, run
from tests.fresh_process import loaded
from tests.orchestrator import sweeps
from tests.orchestrator.models import write_model
from tests.planted import PICKLES, Planted
from trainables.base_models.locations import EMBEDDED_FOLDER
from trainables.contract.visible import INVISIBLE, visible
from trainables.embedded import corpus
from trainables.inference import predictor
from trainables.techniques.registry import BASELINE

Run = Callable[..., tuple[int, str, str]]

CONTEXT = "CREATE TABLE users (name TEXT, age INT); INSERT INTO users VALUES ('Ada', 36)"
SMALL: Configuration = {"data_size": 160, "batch_size": 8}
CONFIGURATIONS: tuple[Configuration, ...] = (
    {"technique": BASELINE.name},
    {"technique": "lora", "rank": 8, "target_modules": "all", "learning_rate": 0.01, **SMALL},
    {"technique": "full", "learning_rate": 0.002, **SMALL},
    {"technique": "prefix", "projection": True, "learning_rate": 0.01, **SMALL},
)
QUESTIONS = [
    {key: row[key] for key in ("sql_prompt", "sql_context", "sql")}
    for row in corpus.rows("test")[:3]
]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the trials of `CONFIGURATIONS`, trained until they write SQL."""
    folder: Path = tmp_path_factory.mktemp("predict")
    sweep = sweeps.toy(
        folder,
        budget={"examples": 160},
        space={
            "technique": {"lora": {"rank": 4}, "full": {"learning_rate": 0.001}},
            "data_size": 160,
        },
        stopping=None,
        evaluation={"validation_rows": 4, "test_rows": 2},
    )
    stored = latest(sweep, Store(folder / "store"))
    job = TrialJob(stored, "cpu", 1, "trainables.finetune:finetune")
    conclusions = Conclusions(stored, "{}")
    for number, configuration in enumerate(CONFIGURATIONS):
        proposal = Proposal(number, number - 1 if number else None, 0, configuration)
        run(job, proposal, lambda row: None)
        concluded = conclusions.conclude(proposal, stopped=False)
        assert concluded is not None
        assert concluded[0]["outcome"] == "completed"
    return stored.root


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the baseline (0), a LoRA trial (1) and a prefix (2), without their weights."""
    root: Path = tmp_path_factory.mktemp("stored")
    for number, technique in enumerate(("pretrained", "lora", "prefix")):
        write_model(root, number, 8, technique=technique)
    return root


@pytest.fixture
def call(stored: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command line; gives exit code, standard output and standard error."""

    def run_it(*arguments: object, lines: str = "", root: Path = stored) -> tuple[int, str, str]:
        stdin = SimpleNamespace(buffer=io.BytesIO(lines.encode()), isatty=lambda: False)
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(SystemExit) as ended:
            cli.main(["--root", str(root), *map(str, arguments)])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run_it


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the model answer every question with one text."""

    def answer(sql: str) -> None:
        class Scripted:
            def __init__(self, *_: object) -> None: ...

            def prompt_tokens(self, questions: list[str], *_: object) -> list[int]:
                return [10] * len(questions)

            def predict(self, questions: list[str], *_: object) -> list[str]:
                return [sql] * len(questions)

        monkeypatch.setattr(predictor, "Predictor", Scripted)

    return answer


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "data" / "app.sqlite"
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(CONTEXT)
    return file


def _ask(call: Run, root: Path, *arguments: object) -> list[dict[str, Any]]:
    lines = "\n".join(json.dumps(question) for question in QUESTIONS)
    code, out, err = call(*arguments, lines=lines, root=root)
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("export", [False, True])
def test_an_adapter_of_another_base_answers_nothing(
    call: Run, trained: Path, tmp_path: Path, export: bool
) -> None:
    root = tmp_path / "store"
    shutil.copytree(trained, root)
    for progress in root.glob("checkpoints/**/progress.json"):
        values = json.loads(progress.read_text())
        progress.write_text(json.dumps({**values, "base_weights_sha256": "0" * 64}))
    asked = ["--export", tmp_path / "out"] if export else ["Who?", "--context", CONTEXT]
    code, out, err = call(*asked, "--trial", "1", root=root)
    assert (code, out) == (2, "")
    assert "are not those that the adapter in" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_base_that_has_moved_is_found_by_an_option(
    call: Run, trained: Path, tmp_path: Path
) -> None:
    """Rows of earlier versions name it by a path that holds in one folder alone."""
    root = tmp_path / "store"
    shutil.copytree(trained, root)
    moved = tmp_path / "moved"
    shutil.copytree(EMBEDDED_FOLDER, moved)
    sweep = _sweep(root)
    for file in (root / "trials").rglob("*.parquet"):
        table = pq.read_table(file)
        for name in ("base_model", "config_json"):
            text = table[name][0].as_py().replace('"base_model": "embedded"', '"base_model": "./b"')
            text = "./b" if name == "base_model" else text
            place = table.schema.get_field_index(name)
            column = pa.array([text], table.schema.field(name).type)
            table = table.set_column(place, table.schema.field(name), column)
        pq.write_table(table, file)
    asked = ["--trial", "1", "--sweep", sweep]
    code, _, err = call("Who?", "--context", CONTEXT, *asked, root=root)
    assert code == 2
    assert "--base-model FOLDER" in err
    assert "--set" not in err
    answers = _ask(call, root, *asked, "--base-model", moved)
    assert answers == _ask(call, trained, "--trial", "1", "--sweep", sweep)
    out = tmp_path / "out"
    code, _, err = call("--export", out, *asked, "--base-model", moved, root=root)
    assert code == 0, err
    settings = json.loads((out / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == str(moved)
    (moved / "generation_config.json").write_text("{}")
    code, _, err = call("--export", tmp_path / "two", *asked, "--base-model", moved, root=root)
    assert code == 2
    assert "is not the one of the trial" in err


@pytest.mark.slow
def test_a_trial_predicts_as_it_did_when_it_was_evaluated(call: Run, trained: Path) -> None:
    sweep = _sweep(trained)
    (row,) = [row for row in Store(trained).trials(sweep) if row["trial_number"] == 1]
    told = Store(trained).predictions(sweep, row["trial_id"], "test").to_pylist()
    lines = "\n".join(
        json.dumps({"question": each["sql_prompt"], "context": each["sql_context"]})
        for each in told
    )
    code, out, err = call("--trial", row["trial_id"], lines=lines, root=trained)
    assert code == 0, err
    found = [json.loads(line)["prediction"] for line in out.splitlines()]
    # An evaluation allows fewer new tokens.
    assert all(new.startswith(old["prediction"]) for new, old in zip(found, told, strict=True))
    assert (
        f"Trial {row['trial_id']} of {sweep}: lora rank=8 target_modules=all learning_rate=0.01"
        " batch_size=8 data_size=160, completed" in err
    )


@pytest.mark.slow
def test_lines_come_back_with_their_answers(call: Run, trained: Path) -> None:
    answers = _ask(call, trained, "--trial", "1", "--execute")
    for question, answer in zip(QUESTIONS, answers, strict=True):
        assert question.items() <= answer.items()
        assert isinstance(answer["prediction"], str)
        assert ("rows" in answer) != ("error" in answer)
    assert any(answer.get("rows") for answer in answers)
    untuned = _ask(call, trained, "--trial", "0")
    assert not any(answer["prediction"].startswith("SELECT ") for answer in untuned)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trial", "options"), [("1", []), ("1", ["--merged"]), ("2", []), ("3", [])]
)
def test_an_export_works_without_this_package(
    call: Run, trained: Path, tmp_path: Path, trial: str, options: list[str]
) -> None:
    expected = [answer["prediction"] for answer in _ask(call, trained, "--trial", trial)]
    assert len({sql for sql in expected if sql.startswith("SELECT ")}) > 1
    (tmp_path / "models").mkdir()
    folder = tmp_path / "models" / "mine"
    code, out, err = call("--trial", trial, "--export", folder, *options, root=trained)
    assert code == 0, err
    assert str(folder / "README.md") in out
    # Taken to another place, as it would be to another machine.
    moved = tmp_path / "moved"
    shutil.move(folder, moved)
    card = (moved / "README.md").read_text(encoding="utf-8")
    answered = json.loads((moved / "answer.json").read_text(encoding="utf-8"))
    assert "Best of" in answered[0]["answer"]
    assert "## What the sweep answered" in card
    (code_of_the_card,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    script = moved / "ask.py"
    script.write_text(
        code_of_the_card + "\nimport json, sys\n"
        "assert not {'trainables', 'orchestrator'} & set(sys.modules)\n"
        "asked = json.loads(sys.stdin.read())\n"
        "print(json.dumps([ask(q['sql_prompt'], q['sql_context']) for q in asked]))\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=moved,
        input=json.dumps(QUESTIONS),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == expected
    assert sorted(moved.glob("adapter_*")) == (
        [moved / "adapter_config.json", moved / "adapter_model.safetensors"]
        if trial in "13" and not options
        else []
    )
    assert not list((tmp_path / "models").iterdir())


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path / "mark")


def _copy_with_pickles(trained: Path, tmp_path: Path, planted: Planted) -> Path:
    """A copy of the store with pickles in all folders that a model is loaded from."""
    root = tmp_path / "store"
    shutil.copytree(trained, root)
    for file in [*root.rglob("*.safetensors"), *root.rglob("*.parquet")]:
        planted.pickles(file.parent, *PICKLES)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("trial", ["1", "2", "3"])
def test_pickles_beside_the_weights_are_neither_read_nor_exported(
    call: Run, trained: Path, tmp_path: Path, trial: str, planted: Planted
) -> None:
    root = _copy_with_pickles(trained, tmp_path, planted)
    assert len(_ask(call, root, "--trial", trial)) == len(QUESTIONS)
    for number, options in enumerate(([], ["--merged"])[: 1 if trial == "3" else 2]):
        folder = tmp_path / f"model-{number}"
        code, _, err = call("--trial", trial, "--export", folder, *options, root=root)
        assert code == 0, err
        kept = {path.suffix for path in folder.rglob("*") if path.is_file()}
        assert kept <= {".json", ".safetensors", ".md", ".jinja"}
    assert planted.asleep()


@pytest.mark.slow
@pytest.mark.parametrize("trial", ["1", "2"])
def test_pickles_instead_of_the_weights_are_refused(
    call: Run, trained: Path, tmp_path: Path, trial: str, planted: Planted
) -> None:
    root = _copy_with_pickles(trained, tmp_path, planted)
    for file in (root / "checkpoints").rglob("*.safetensors"):
        file.unlink()
    asked = ["How many?", "--context", CONTEXT]
    for arguments in (
        asked,
        ["--export", tmp_path / "a"],
        ["--export", tmp_path / "b", "--merged"],
    ):
        code, out, err = call("--trial", trial, *arguments, root=root)
        assert (code, out) == (2, "")
        assert "safetensors" in err
        assert "Traceback" not in err
    assert planted.asleep()


@pytest.mark.slow
@pytest.mark.parametrize("trial", ["1", "2", "3"])
def test_a_damaged_checkpoint_is_named_with_the_way_to_another(
    call: Run, trained: Path, tmp_path: Path, trial: str
) -> None:
    root = tmp_path / "store"
    shutil.copytree(trained, root)
    names = ("adapter_model.safetensors", "model.safetensors", "prefix_encoder.safetensors")
    for file in (root / "checkpoints").rglob("*.safetensors"):
        if file.name in names:
            file.write_bytes(file.read_bytes()[:-1])
    for arguments in (["How many?", "--context", CONTEXT], ["--export", tmp_path / "new"]):
        code, out, err = call("--trial", trial, *arguments, root=root)
        assert (code, out) == (2, "")
        assert re.search(r"The checkpoint's \S+\.safetensors cannot be read: it is cut: ", err)
        assert f"results leaderboard --trials --root {root} --sweep {_sweep(root)}` lists" in err
        assert "Traceback" not in err
    assert [each.name for each in tmp_path.iterdir()] == ["store"]


def test_exports_that_are_refused(call: Run, tmp_path: Path, stored: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "thesis.txt").write_text("mine")
    for arguments, message in (
        (["--trial", "1", "--export", kept], "is not an empty folder"),
        (["--trial", "1", "--export", kept / "thesis.txt"], "is not an empty folder"),
        (["--trial", "0", "--export", tmp_path / "new"], "untuned baseline"),
        (["--trial", "2", "--merged", "--export", tmp_path / "new"], "has no merged form"),
        (["--trial", "1", "--export", tmp_path / "new" / "model"], "make it first"),
        (["--trial", "1", "--export", stored / "new"], "lies in the store"),
        (["How many?", "--export", tmp_path / "new"], "answers no question"),
        (["--execute", "--export", tmp_path / "new"], "answers no question"),
        (["How many?", "--context", CONTEXT, "--merged"], "give --export DIR"),
    ):
        code, out, err = call(*arguments)
        assert (code, out) == (2, "")
        assert message in err
    assert [path.name for path in kept.iterdir()] == ["thesis.txt"]
    assert not (tmp_path / "new").exists()


def test_a_checkpoint_that_cannot_be_read_names_the_way_to_another_trial(
    call: Run, stored: Path, tmp_path: Path
) -> None:
    for asked in (["--export", tmp_path / "new"], ["How many?", "--context", CONTEXT]):
        code, out, err = call("--trial", "1", *asked)
        assert (code, out) == (2, "")
        assert "The checkpoint has no " in err
        assert "progress.json" in err
        (_, words, _) = err.split("`", 2)
        assert f"results leaderboard --trials --root {stored} --sweep " in words
        with pytest.raises(SystemExit) as ended:
            results.main(shlex.split(words.partition("orchestrator.results ")[2]))
        assert not ended.value.code
        call("--version")  # takes what was printed
        assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_one_question_and_its_rows(
    call: Run, answering: Callable[[str], None], database: Path
) -> None:
    answering("SELECT name, age FROM users")
    code, out, err = call("Who is here?", "--database", database, "--execute")
    assert code == 0, err
    lines = [line.split() for line in out.splitlines() if line]
    assert lines == [["SELECT", "name,", "age", "FROM", "users"], ["name", "age"], ["Ada", "36"]]
    code, out, _ = call("Who is here?", "--context", CONTEXT)
    assert (code, out) == (0, "SELECT name, age FROM users\n")


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM users",
        "DROP TABLE users",
        "SELECT 1; UPDATE users SET age = 0",
        "ATTACH 'app.sqlite' AS a",
        "PRAGMA writable_schema = 1",
    ],
)
def test_no_prediction_changes_the_database(
    call: Run, answering: Callable[[str], None], database: Path, sql: str
) -> None:
    before = (database.read_bytes(), database.stat().st_mtime_ns)
    answering(sql)
    code, out, err = call("Who is here?", "--database", database, "--execute")
    assert (code, out) == (1, sql + "\n")
    assert "The SQL does not run: it " in err
    code, out, _ = call("--database", database, "--execute", lines='{"question": "Who?"}')
    assert code == 0
    assert json.loads(out)["error"].startswith("it ")
    assert (database.read_bytes(), database.stat().st_mtime_ns) == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


def test_an_answer_writes_over_nothing_in_its_line(
    call: Run, answering: Callable[[str], None]
) -> None:
    answering("SELECT name FROM users")
    line = json.dumps({"question": "Who?", "context": CONTEXT, "rows": "mine"})
    code, out, _ = call(lines=line)
    assert code == 0
    assert json.loads(out)["rows"] == "mine"
    code, out, err = call("--execute", lines=line)
    assert (code, out) == (2, "")
    assert 'Line 1 has the key "rows" already' in err
    again = call(lines=line)[1]
    code, out, err = call(lines=again)
    assert (code, out) == (2, "")
    assert 'Line 1 has the key "prediction" already' in err


def test_control_characters_do_not_reach_the_terminal(
    call: Run, answering: Callable[[str], None]
) -> None:
    answering("SELECT char(27) || '[2J' AS a, NULL AS b")
    code, out, _ = call("Who?", "--context", CONTEXT, "--execute")
    assert code == 0
    assert "\x1b" not in out
    assert "NULL" in out


@pytest.mark.parametrize(
    "prediction",
    [
        "SELECT '[/b] [red]\x1b[2J\x9b31m\u202e' AS \"[b]\x1b\"",
        "SELECT \x1b[2J\u202e [/b] nothing\r",
        "DELETE \x07 FROM users",
    ],
)
def test_what_a_model_says_is_shown_as_text(
    call: Run, answering: Callable[[str], None], prediction: str
) -> None:
    answering(prediction)
    code, out, err = call("Who?", "--context", CONTEXT, "--execute")
    assert code in (0, 1)
    assert visible(prediction) in out
    assert set(INVISIBLE.findall(out + err)) <= {"\n"}
    line = json.dumps({"question": "Who\x1b?", "context": CONTEXT, "\u202e": "\x9b"})
    code, out, err = call("--execute", lines=line)
    assert code == 0
    assert json.loads(out)["prediction"] == prediction
    assert json.loads(out)["\u202e"] == "\x9b"
    assert set(INVISIBLE.findall(out + err)) <= {"\n"}


def test_home_folders_may_be_meant_by_every_path(
    call: Run,
    answering: Callable[[str], None],
    database: Path,
    stored: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering("SELECT name FROM users")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "store").symlink_to(stored)
    asked = ["Who?", "--database", "~/data/app.sqlite", "--execute"]
    code, out, err = call(*asked, root=Path("~/store"))
    assert code == 0, err
    assert "Ada" in out
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "thesis.txt").touch()
    code, _, err = call("--trial", "1", "--export", "~/kept")
    assert code == 2
    assert f"{tmp_path}/kept exists and is not an empty folder" in err


def test_the_version_is_said(call: Run) -> None:
    code, out, _ = call("--version")
    assert (code, out.split()[0]) == (0, "finetune-sweep")


def test_mistakes_are_named_before_any_model_is_loaded(
    call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "Predictor", None)
    text = tmp_path / "notes.txt"
    text.write_text("This is no database, but a text long enough to have a header. " * 3)
    for arguments, lines, message in (
        (["How many?"], "", "--context 'CREATE TABLE ...' or --database"),
        (["How many?", "--context", CONTEXT, "--database", text], "", "give one of them"),
        (["How many?", "--context", " "], "", "--context is empty"),
        (["How many?", "--database", text], "", "file is not a database"),
        (["How many?", "--database", tmp_path / "no.sqlite"], "", "There is no database file"),
        ([" ", "--context", CONTEXT], "", "The question is empty"),
        ([], "", "There is no question"),
        ([], '{"question": "Who?", "context": "x"}\n{"question": ', "Line 2 is not JSON"),
        ([], '[\n{"question": "Who?", "context": "x"}\n]\n', "Standard input has one JSON list"),
        (["Who\udcff?", "--context", CONTEXT], "", "The question is not UTF-8"),
        (["Who?", "--context", "\udcff"], "", "The value of --context is not UTF-8"),
        (["--context", CONTEXT], '{"question": "Who?", "context": "x"}', "Line 1 has a context"),
        (["How many?", "--context", CONTEXT, "--sweep", "x"], "", "There is no sweep 'x'"),
        (
            ["How many?", "--context", CONTEXT, "--trial", "9"],
            "",
            "no trial with the number 9",
        ),
        (
            ["How many?", "--context", CONTEXT, "--root", text],
            "",
            "an experiment store is a folder",
        ),
    ):
        code, out, err = call(*arguments, lines=lines)
        assert (code, out) == (2, ""), arguments
        assert message in err


def test_the_command_loads_no_learning_library() -> None:
    assert loaded("orchestrator.predict.cli", "torch", "transformers", "peft", "ray") == set()


def _sweep(root: Path) -> str:
    (folder,) = (root / "trials").iterdir()
    return folder.name.removeprefix("sweep=")

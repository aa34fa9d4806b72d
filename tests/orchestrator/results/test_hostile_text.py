"""Every verb shows what a store says as text, whatever it says."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from orchestrator.results.answer import answer
from orchestrator.store import TRIALS, Store
from orchestrator.store.schema import SCORE_COLUMNS
from tests.orchestrator.results.synthetic import SWEEP as SYNTHETIC
from tests.orchestrator.results.synthetic import trial_name, write_trial
from trainables.contract.visible import INVISIBLE

Run = Callable[..., tuple[int, str, str]]

TEXT = "=Is [4] or [/b] better, or [red]?\nBest\x1b[2J\x9b31m\u202e\r\x07"
SHOWN = r"=Is [4] or [/b] better, or [red]?\nBest\x1b[2J\x9b31m\u202e\r\x07"
SWEEP = "notebooks-0a1b2c3d"

VERBS = {
    "sweeps": ["sweeps"],
    "leaderboard": ["leaderboard"],
    "show": ["show", "1"],
    "compare": ["compare", "rank=8", "rank=16"],
    "effect": ["effect", "target_modules"],
    "query": ["query", 'SELECT error, question, base_model AS "[b]=\x1b" FROM trials'],
    "predictions": ["query", "SELECT prediction, sql_prompt FROM predictions LIMIT 3"],
    "pareto": ["pareto", "--x", "trainable_percent", "--y", "rouge_l"],
    "notebooks": ["notebooks"],
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which every free text is hostile."""
    root: Path = tmp_path_factory.mktemp("hostile")
    store = Store(root)
    words: dict[str, Any] = dict.fromkeys(
        ("sweep_name", "question", "profile", "base_model", "dataset", "error", "node"), TEXT
    ) | {"device_name": TEXT, "device_kind": TEXT, "checkpoint": None}
    for number, (rank, modules) in enumerate([(8, TEXT), (16, "q"), (8, TEXT), (16, "q")], 1):
        write_trial(
            store,
            number,
            {"technique": "lora", "rank": rank, "target_modules": modules, "data_size": number},
            sweep_id=SWEEP,
            environment_json=json.dumps({"system": TEXT, TEXT: TEXT}),
            **words,
        )
        scored = [
            {
                **dict.fromkeys(("sql_prompt", "sql_context", "reference", "prediction"), TEXT),
                "example_id": f"test-{row}",
                "rouge_l": row / 10,
                "execution_accuracy": 1.0,
            }
            for row in range(10)
        ]
        store.publish_predictions(
            SWEEP, trial_name(number), number, "test", "standard", 600, 6000, scored
        )
    return root


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_no_text_acts_on_the_terminal(hostile: Path, run: Run, verb: str, form: str) -> None:
    code, out, err = run(*VERBS[verb], "--format", form, store=hostile)
    assert code == 0, err
    assert _acting(out) == _acting(err) == set()


@pytest.mark.parametrize("verb", ["leaderboard", "show", "effect", "query", "predictions"])
def test_a_table_shows_the_text_whole(hostile: Path, run: Run, verb: str) -> None:
    _, out, _ = run(*VERBS[verb], store=hostile)
    assert SHOWN in out


def test_the_answer_is_a_line_for_each_sentence_and_each_trend(hostile: Path) -> None:
    text = answer(hostile, SWEEP)
    assert _acting(text) == set()
    assert SHOWN in text
    begun = ("Best of ", "It is ", "The ", "This is about ", "lora: ")
    assert not [line for line in text.splitlines() if not line.startswith(begun)]
    assert not [line for line in text.splitlines() if not line.endswith(".")]


@pytest.mark.parametrize("verb", ["sweeps", "leaderboard", "show", "query", "predictions"])
def test_json_has_the_text_itself(hostile: Path, run: Run, verb: str) -> None:
    _, out, _ = run(*VERBS[verb], "--format", "json", store=hostile)
    assert TEXT in set(_texts(json.loads(out)))


@pytest.mark.parametrize("verb", ["sweeps", "leaderboard", "show", "query", "predictions"])
def test_a_spreadsheet_runs_no_cell_of_a_csv(hostile: Path, run: Run, verb: str) -> None:
    _, out, _ = run(*VERBS[verb], "--format", "csv", store=hostile)
    cells = [cell for line in csv.reader(io.StringIO(out)) for cell in line]
    assert "'" + SHOWN.replace(r"\n", "\n") in cells
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]
    _, out, _ = run(*VERBS[verb], "--format", "csv", "--raw", store=hostile)
    assert TEXT in [cell for line in csv.reader(io.StringIO(out, newline="")) for cell in line]


def test_numbers_of_a_csv_stay_numbers(hostile: Path, run: Run) -> None:
    _, out, _ = run(
        "query", "SELECT -0.5::DOUBLE AS a, '-0.5' AS b, -3 AS c", "--format", "csv", store=hostile
    )
    assert out == "a,b,c\n-0.5,-0.5,-3\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", TEXT],
        ["leaderboard", "--technique", TEXT],
        ["leaderboard", "--by", TEXT],
        ["sweeps", "--sweep", TEXT],
        ["effect", TEXT],
        ["compare", TEXT, "1"],
        ["compare", f"target_modules={TEXT[1:]}x", "1"],
        ["query", f"SELECT '{TEXT}' FROM {TEXT}"],
        ["pareto", "--x", TEXT, "--y", "rouge_l"],
        ["export", f"/nowhere/{TEXT}"],
        ["optuna", f"/nowhere/{TEXT}"],
    ],
)
def test_a_mistake_is_told_as_text(hostile: Path, run: Run, arguments: list[str]) -> None:
    code, out, err = run(*arguments, store=hostile)
    assert (code, out) == (2, "")
    assert err.strip()
    assert _acting(err) == set()


def test_a_root_is_named_as_text(tmp_path: Path, run: Run) -> None:
    code, _, err = run("sweeps", store=tmp_path / "[b]\x1b[2J")
    assert code == 2
    assert r"[b]\x1b[2J" in err


@pytest.mark.parametrize("raw", [False, True])
def test_an_exported_csv_is_harmless_unless_it_is_raw(
    hostile: Path, run: Run, tmp_path: Path, raw: bool
) -> None:
    options = ["--raw"] if raw else []
    code, _, err = run("export", tmp_path / "out", "--format", "csv", *options, store=hostile)
    assert code == 0, err
    with (tmp_path / "out" / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["question"] for row in rows} == {TEXT if raw else f"'{TEXT}"}
    assert {row["sweep_id"] for row in rows} == {SWEEP}
    objectives = {float(row["objective"]) for row in rows}
    kept = duckdb.execute(f"SELECT objective FROM '{hostile}/trials/*/*.parquet'").fetchall()
    assert objectives == {value for (value,) in kept}


def _acting(text: str) -> set[str]:
    return set(INVISIBLE.findall(text)) - {"\n"}


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for each in value.values() for text in _texts(each))]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("number", [1.7e308, -1.7e308, float("nan"), float("inf"), -float("inf")])
def test_numbers_that_no_sweep_measured_are_no_fault(
    tmp_path: Path, run: Run, number: float
) -> None:
    store = Store(tmp_path)
    absurd: dict[str, Any] = {
        field.name: number for field in TRIALS.schema if pa.types.is_floating(field.type)
    }
    for place in range(3):
        values = absurd if place == 1 else {}
        configuration = {"technique": "lora", "rank": 4 + 4 * place, "data_size": 100}
        write_trial(store, place, configuration, **values)
    for arguments in (
        *(["sweeps"], ["leaderboard"], ["show", "1"], ["effect", "rank"]),
        *(
            ["pareto", "--x", "wall_seconds", "--y", "bleu"],
            ["optuna", tmp_path.parent / "journal"],
        ),
    ):
        code, out, err = run(*arguments, store=tmp_path)
        assert code in (0, 2), (arguments, err)
        assert out or err


@pytest.mark.parametrize("column", ["config_json", "environment_json"])
@pytest.mark.parametrize(
    "text",
    [
        *("lora", "null", "[]", "NaN", "\x00", '{"a":' * 5000, "9" * 5000),
        *('{"parameters": null}', '{"parameters": [1]}', '{"parameters": {"rank": [1]}}'),
        *('{"protocol": {}}', '{"data_seed": [0]}', '{"scored_rungs": {"last": 1}}'),
    ],
)
def test_a_row_whose_json_was_changed_is_named(
    tmp_path: Path, run: Run, column: str, text: str
) -> None:
    store = Store(tmp_path)
    for place in range(2):
        values: dict[str, Any] = {column: text} if place else {}
        configuration = {"technique": "lora", "rank": 4 + 4 * place, "data_size": 100}
        write_trial(store, place, configuration, predictions=False, rungs=1, **values)
    refused = set()
    for arguments in (["leaderboard"], ["show", "1"], ["effect", "rank"]):
        code, out, err = run(*arguments, store=tmp_path)
        if code:
            assert (code, out) == (1, "")
            assert f"trial {trial_name(1)} of {SYNTHETIC} has a {column} that is not one" in err
            assert len(err) < 500
            refused.add(arguments[0])
    everywhere = {"leaderboard", "show", "effect"}
    assert refused == ({"show"} if column == "environment_json" else everywhere)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("objective_metric", "rank"), ("objective_metric", TEXT), ("objective_metric", None)),
        *(("objective_mode", "up"), ("objective_mode", None)),
    ],
)
def test_a_row_that_cannot_be_ranked_is_told(
    tmp_path: Path, run: Run, column: str, value: str | None
) -> None:
    for place in range(2):
        values: dict[str, Any] = {column: value}
        configuration = {"technique": "lora", "rank": 4, "data_size": 100}
        write_trial(Store(tmp_path), place, configuration, predictions=False, **values)
    for arguments in (["leaderboard"], ["show", "1"], ["effect", "rank"]):
        code, out, err = run(*arguments, store=tmp_path)
        assert (code, out) == ((2, "") if value is None else (1, "")), (arguments, err)
        assert ("no objective" if value is None else f"whose {column} is") in err


def test_a_count_that_no_data_set_has_is_no_work(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path)
    for place in range(2):
        counts: dict[str, Any] = {f"{name}_rows": 2**62 for name in SCORE_COLUMNS}
        write_trial(
            store,
            place,
            {"technique": "lora", "rank": 4, "data_size": 100},
            eval_rows=2**62,
            **counts,
        )
    code, out, err = run("leaderboard", store=tmp_path)
    assert (code, err) == (0, "")
    assert "lora" in out

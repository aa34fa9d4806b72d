"""What the sweep command says before any trial runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestrator.errors import UserError
from orchestrator.search.identity import earlier_sweep_id
from orchestrator.search.proposals import Proposal
from orchestrator.search_space import load, messages
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import latest
from orchestrator.state.sweep_files import SweepFiles
from orchestrator.store import Store
from orchestrator.sweep.cli import app
from orchestrator.sweep.preflight import StartOptions, check_not_begun_otherwise
from tests.orchestrator import sweeps
from tests.trainables.data import table_kinds


def _cli(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.output


def test_a_wrong_file_is_one_clear_message_and_exit_code_2(tmp_path: Path) -> None:
    file = sweeps.write(tmp_path, trails=8)
    code, output = _cli(str(file), "--profile", "embedded")
    assert code == 2
    assert 'did you mean "trials"?' in output


@pytest.mark.parametrize(("gpus", "profile"), [({}, "embedded"), ({"GPU": 4.0}, "full")])
def test_auto_looks_at_the_cluster_where_this_machine_has_no_accelerator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpus: dict[str, float], profile: str
) -> None:
    joined: list[str] = []

    @contextmanager
    def cluster(address: str, dashboard: bool) -> Iterator[dict[str, Any]]:
        joined.append(address)
        yield {"resources": {"CPU": 8.0, **gpus}, "dashboard": None}

    monkeypatch.setattr("orchestrator.ray_tune.cluster.cluster", cluster)
    for module in ("sweep.cli", "ray_tune.placement"):
        monkeypatch.setattr(f"orchestrator.{module}.local_accelerators", lambda: 0)
    file = sweeps.write(tmp_path, base_model="embedded", dataset="embedded")
    words = (str(file), "--plan", "--address=head:6379")
    code, output = _cli(*words)
    assert code == 0, output
    found = "an accelerator was found" if gpus else "no accelerator was found"
    said = " ".join(output.split())
    assert f"profile {profile} " in said
    assert f"({found} on the cluster)" in said
    assert joined == ["head:6379"]
    _cli(*words, "--profile=embedded")
    assert joined == ["head:6379"]


@pytest.mark.parametrize("option", ["--max-hours", "--max-device-hours"])
@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan", "two"])
def test_hours_that_no_sweep_can_have_are_refused(tmp_path: Path, option: str, value: str) -> None:
    code, output = _cli(str(sweeps.write(tmp_path)), "--plan", f"{option}={value}")
    assert code == 2
    words = " ".join(output.replace("│", " ").split())
    assert f"'{value}' is not a number of hours above 0, such as 0.5" in words


@pytest.mark.parametrize("option", ["--max-hours", "--max-device-hours"])
def test_hours_beyond_a_century_are_refused(tmp_path: Path, option: str) -> None:
    code, output = _cli(str(sweeps.write(tmp_path)), "--plan", f"{option}=1e300")
    assert code == 2
    words = " ".join(output.replace("│", " ").split())
    assert "'1e300' is more than 876,600 hours, a hundred years; without the option" in words


@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan", "ten"])
def test_a_cost_that_no_sweep_can_have_is_refused(tmp_path: Path, value: str) -> None:
    code, output = _cli(str(sweeps.write(tmp_path)), "--plan", f"--max-cost={value}")
    assert code == 2
    words = " ".join(output.replace("│", " ").split())
    assert f"'{value}' is not an amount above 0, such as 12.50" in words


def test_a_cost_needs_a_price(tmp_path: Path) -> None:
    code, output = _cli(str(sweeps.write(tmp_path)), "--plan", "--max-cost=5")
    assert code == 2
    assert "--max-cost 5 needs the price of a device: add resources.price_per_device_hour" in output
    priced = ("--plan", "--max-cost=5", "--set", "resources.price_per_device_hour=2.5")
    assert _cli(str(sweeps.write(tmp_path)), *priced)[0] == 0


def test_more_trials_than_a_search_can_propose_are_refused(tmp_path: Path) -> None:
    code, output = _cli(str(sweeps.write(tmp_path)), "--plan", "--trials", str(10**9))
    assert code == 2
    assert "--trials 1000000000: trials: is 1000000000, but must be <= 10,000" in output


def test_the_options_that_a_file_is_told_of_exist() -> None:
    shown = _cli("--help")[1]
    for option in messages.OPTIONS.values():
        assert option in shown


def test_a_plan_runs_nothing(tmp_path: Path) -> None:
    root = tmp_path / "store"
    code, output = _cli(str(sweeps.write(tmp_path)), "--plan", "--root", str(root))
    assert code == 0
    assert "900 examples" in output
    assert not root.exists()


@pytest.mark.parametrize("options", [["--plan"], []])
def test_a_folder_without_training_rows_is_said_before_anything_is_made(
    tmp_path: Path, options: list[str]
) -> None:
    root = tmp_path / "store"
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "training-test.parquet").touch()
    file = sweeps.write(tmp_path, dataset=str(tmp_path / "rows"))
    code, output = _cli(str(file), "--profile", "embedded", "--root", str(root), *options)
    assert code == 2
    assert "holds no table of training rows" in output
    assert "holds training-test.parquet (test)" in output
    assert not root.exists()


@pytest.mark.parametrize("options", [["--plan"], []])
@pytest.mark.parametrize("kind", ["a null", "a broken line", "Latin-1 CSV", "two candidates"])
def test_what_is_wrong_with_a_table_is_said_before_anything_is_made(
    tmp_path: Path, kind: str, options: list[str]
) -> None:
    name, content, words = table_kinds.REFUSED[kind]
    root = tmp_path / "store"
    file = sweeps.write(tmp_path, dataset=str(table_kinds.write(tmp_path, name, content)))
    code, output = _cli(str(file), "--profile", "embedded", "--root", str(root), *options)
    assert code == 2
    assert words in output
    assert "Traceback" not in output
    assert not root.exists()


@pytest.mark.parametrize("options", [["--plan"], []])
def test_a_path_that_is_not_there_is_said_before_anything_is_made(
    tmp_path: Path, options: list[str]
) -> None:
    root = tmp_path / "store"
    file = sweeps.write(tmp_path, dataset=str(tmp_path / "rows.csv"))
    code, output = _cli(str(file), "--profile", "embedded", "--root", str(root), *options)
    assert code == 2
    assert "is neither a file nor a folder" in output
    assert not root.exists()


@pytest.mark.parametrize("options", [["--plan"], []])
@pytest.mark.parametrize(
    ("changes", "phrase"),
    [
        (["space.data_size={choice: [100, 9000]}"], "space.data_size goes up to 9,000"),
        (["points=[{technique: lora, data_size: 7901}]"], "points.0.data_size is 7,901"),
        (["evaluation.validation_rows=8001"], "evaluation.validation_rows is 8,001"),
        (["evaluation.test_rows=1001"], "evaluation.test_rows is 1,001"),
    ],
)
def test_more_rows_than_there_are_is_said_before_anything_is_made(
    tmp_path: Path, changes: list[str], phrase: str, options: list[str]
) -> None:
    root = tmp_path / "store"
    overrides = [word for change in changes for word in ("--set", change)]
    file = sweeps.write(tmp_path)
    code, output = _cli(
        str(file), "--profile", "embedded", "--root", str(root), *overrides, *options
    )
    assert code == 2
    assert phrase in output
    assert "embedded" in output
    assert not root.exists()


def test_as_many_rows_as_there_are_may_be_asked_for(tmp_path: Path) -> None:
    rows = [{"sql_prompt": f"q{n}", "sql_context": "", "sql": f"SELECT {n}"} for n in range(250)]
    table = tmp_path / "rows.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for size, expected in ((125, 0), (126, 2)):
        file = sweeps.write(tmp_path, dataset=str(table), space=_one(size), split_by="row")
        code, output = _cli(str(file), "--profile", "embedded", "--plan")
        assert code == expected
    assert "has at most 125 rows to train on" in output


def _one(data_size: int) -> dict[str, object]:
    return {"technique": {"lora": {}}, "data_size": data_size}


def _paraphrased(path: Path, schemas: int = 120, times: int = 5) -> str:
    """Writes a table in which each statement is asked for in several ways."""
    rows = [
        {
            "sql_prompt": f"way {way} to ask for all of {schema}",
            "sql_context": f"CREATE TABLE t{schema} (a INT)",
            "sql": f"SELECT a FROM t{schema}",
        }
        for schema in range(schemas)
        for way in range(times)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def _words(output: str) -> str:
    return " ".join(output.split())


def test_a_plan_says_how_rows_are_split_and_which_are_cut(tmp_path: Path) -> None:
    file = sweeps.write(
        tmp_path,
        dataset=_paraphrased(tmp_path / "rows.jsonl"),
        space=_one(100),
        evaluation={"validation_rows": 50, "test_rows": 60},
        lengths={"source": 8, "target": 64},
    )
    code, output = _cli(str(file), "--profile", "embedded", "--plan")
    assert code == 0
    said = _words(output)
    assert "split by schema: " in said
    assert "; 50 to validate on, of " in said
    assert "of 60 test rows 0 have their question in training too, 0 their statement" in said
    assert "cut 100 of train, 50 of validation, 60 of test rows (prompts over 8 tokens" in said


def test_a_plan_of_the_built_in_corpus_says_why_it_keeps_its_split(tmp_path: Path) -> None:
    code, output = _cli(str(sweeps.write(tmp_path)), "--profile", "embedded", "--plan")
    assert code == 0
    said = _words(output)
    assert "split the built-in corpus's own, in which each row has a schema of its own" in said
    assert "cut 0 of train, 0 of validation, 0 of test rows" in said


@pytest.mark.parametrize("options", [["--plan"], []])
@pytest.mark.parametrize(
    ("schemas", "changes", "phrase"),
    [
        (19, [], "has 19 schemas, and its rows are split so that none stands on two sides"),
        (120, ["split_by=db"], "has no column 'db', which split_by names"),
        (120, ["evaluation.test_rows=500"], "500 test rows are asked for, but the data set"),
        (120, ["space.data_size=590"], "space.data_size goes up to 590, but the data set"),
    ],
)
def test_a_split_that_rows_do_not_allow_is_said_before_anything_is_made(
    tmp_path: Path, schemas: int, changes: list[str], phrase: str, options: list[str]
) -> None:
    root = tmp_path / "store"
    file = sweeps.write(
        tmp_path,
        dataset=_paraphrased(tmp_path / "rows.jsonl", schemas),
        space=_one(100),
        evaluation={"validation_rows": 5, "test_rows": 5},
    )
    overrides = [word for change in changes for word in ("--set", change)]
    code, output = _cli(
        str(file), "--profile", "embedded", "--root", str(root), *overrides, *options
    )
    assert code == 2
    assert phrase in _words(output)
    assert not root.exists()


def test_worker_groups_need_the_dashboard(tmp_path: Path) -> None:
    file = sweeps.write(tmp_path, resources={"accelerators": 2})
    code, output = _cli(
        str(file), "--profile", "embedded", "--no-dashboard", "--root", str(tmp_path / "store")
    )
    assert code == 2
    assert "leave out --no-dashboard" in output


def test_the_store_may_not_be_a_file(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.write_text("")
    code, output = _cli(str(sweeps.write(tmp_path)), "--profile", "embedded", "--root", str(root))
    assert code == 2
    assert "is a file" in output


def test_a_missing_model_is_named_with_both_remedies(tmp_path: Path) -> None:
    code, output = _cli(
        str(sweeps.write(tmp_path)),
        "--profile",
        "embedded",
        "--set",
        "base_model=nowhere/no-such-model",
        "--root",
        str(tmp_path / "store"),
    )
    assert code == 2
    assert "nowhere/no-such-model" in output
    assert "--set base_model=" in output


def test_a_sweep_that_began_under_the_earlier_stopping_is_not_left_behind_unseen(
    tmp_path: Path,
) -> None:
    file, root = sweeps.write(tmp_path), tmp_path / "store"
    words = [str(file), "--profile", "embedded", "--root", str(root)]
    old = sweeps.toy(tmp_path, stopping=sweeps.BY_OBJECTIVE)
    began = latest(old, Store(root))
    ProposalLog(began.files).write(Proposal(0, None, 0, {"technique": "pretrained"}))
    sweeps.write(tmp_path)
    code, said = _cli(*words)
    assert code == 2
    assert f"The sweep {began.id} of this file stops trials by the objective" in said
    assert "--set stopping.by=objective" in said
    assert "--new" in said
    # What is printed continues it, and what asks for the loss is another.
    stored = latest(load(file, ["stopping.by=objective"], profile="embedded"), Store(root))
    assert stored.id == began.id
    for overrides, new in (
        ((), True),
        (["stopping.by=eval_loss"], False),
        (["stopping=null"], False),
    ):
        sweep = load(file, overrides, profile="embedded")
        other = latest(sweep, Store(root), new=new)
        assert other.id != began.id
        check_not_begun_otherwise(sweep, other, StartOptions(new=new))


def test_a_sweep_with_a_rung_that_is_left_out_now_is_refused(tmp_path: Path) -> None:
    sweep = sweeps.toy(
        tmp_path, stopping={"by": "objective", "first_rung": 0.11, "reduction_factor": 3}
    )
    store = Store(tmp_path / "store")
    earlier = SweepFiles(store, earlier_sweep_id(sweep))
    check_not_begun_otherwise(sweep, latest(sweep, store), StartOptions())
    ProposalLog(earlier).write(Proposal(0, None, 0, {"technique": "pretrained"}))
    with pytest.raises(UserError, match="a rung a hair before the end"):
        check_not_begun_otherwise(sweep, latest(sweep, store), StartOptions())

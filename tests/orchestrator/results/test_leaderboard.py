from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.results.errors import ResultsError
from orchestrator.results.find_trial import named_trial
from orchestrator.results.leaderboard import Ranking, leaderboard, render
from orchestrator.search.proposals import CONFIRMING
from orchestrator.store import Store
from orchestrator.terminal.output import print_whole
from orchestrator.terminal.plain_console import PlainConsole
from tests.orchestrator.results.conftest import Run
from tests.orchestrator.results.synthetic import SWEEP, trial_name, write_trial

LORA = {"technique": "lora", "rank": 8, "data_size": 500}


def test_completed_trials_come_first_and_each_by_its_score(root: Path) -> None:
    rows = leaderboard(root, SWEEP)
    assert [row["place"] for row in rows] == list(range(1, 14))
    completed = [row["value"] for row in rows if row["outcome"] == "completed"]
    stopped = [row["value"] for row in rows if row["outcome"] == "stopped"]
    assert [row["outcome"] for row in rows] == ["completed"] * 7 + ["stopped"] * 6
    assert completed == sorted(completed, reverse=True)
    assert stopped == sorted(stopped, reverse=True)
    assert rows[0]["rank"] == 32
    assert all(row["low"] < row["value"] < row["high"] for row in rows)


def test_the_first_entries_are_those_of_the_whole(root: Path) -> None:
    ranking = Ranking(root, [SWEEP], None, ())
    assert (ranking.count, ranking.of) == (13, "configurations")
    assert ranking.entries(2) == leaderboard(root, SWEEP)[:2]


def test_a_loss_ranks_from_the_lowest(root: Path) -> None:
    rows = leaderboard(root, SWEEP, by="eval_loss", techniques=["lora"])
    values = [row["value"] for row in rows if row["outcome"] == "completed"]
    assert values == sorted(values)
    assert {row["technique"] for row in rows} == {"lora"}
    assert rows[0]["low"] is None  # a loss has no standard error


def test_trials_without_a_score_come_last_and_have_no_place(tmp_path: Path) -> None:
    store = Store(tmp_path)
    nan = float("nan")
    write_trial(store, 1, LORA, "diverged", objective=nan, rouge_l=nan, rouge_l_se=nan)
    write_trial(store, 2, LORA, "failed", rungs=0, error="RuntimeError: no")
    write_trial(store, 3, LORA)
    rows = leaderboard(tmp_path, SWEEP, each_trial=True)
    assert [row["trial_number"] for row in rows] == [3, 1, 2]
    assert [row["place"] for row in rows] == [1, None, None]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"data_seed": 1}, "seed of the rows 0 and 1"),
        ({"rows": 30}, "evaluated rows 60 and 30"),
        ({"profile": "full"}, "profile embedded and full"),
        ({"dataset_fingerprint": "other"}, r"data set .*f00dfeed.* and .*other"),
    ],
)
def test_different_evaluations_are_not_ranked_together(
    tmp_path: Path, values: dict[str, Any], words: str
) -> None:
    store = Store(tmp_path)
    write_trial(store, 1, LORA)
    write_trial(store, 1, LORA, sweep_id="rank-ffffffff", **values)
    with pytest.raises(ResultsError, match=rf"evaluated differently \({words}\).*--sweep"):
        leaderboard(tmp_path, SWEEP, "rank-ffffffff")
    assert len(leaderboard(tmp_path, SWEEP)) == 1


def test_sweeps_with_the_same_evaluation_rank_together(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for number, sweep_id in enumerate((SWEEP, f"{SWEEP}-2")):
        write_trial(store, number, LORA, sweep_id=sweep_id)
    assert {row["sweep_id"] for row in leaderboard(tmp_path, SWEEP, f"{SWEEP}-2")} == {
        SWEEP,
        f"{SWEEP}-2",
    }


def test_test_scores_stand_beside_the_ranking(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write_trial(store, 1, LORA, test_rouge_l=0.31, test_rouge_l_se=0.01, test_rows=200)
    write_trial(store, 2, LORA | {"rank": 16}, test_rouge_l=0.11, test_rouge_l_se=0.01)
    first, second = leaderboard(tmp_path, SWEEP)
    assert (first["rank"], second["rank"]) == (16, 8)
    assert second["test_value"] == 0.31
    assert second["test_low"] == pytest.approx(0.31 - 1.972 * 0.01, abs=1e-4)


def test_the_table_names_what_was_compared(run: Run) -> None:
    code, out, err = run("leaderboard", "--limit", "2")
    assert (code, err) == (0, "")
    head, titles, first, second, more = out.splitlines()
    assert "profile embedded" in head
    assert "on 60 validation rows" in head
    assert titles.split()[:3] == ["trial", "configuration", "rouge_l"]
    assert first.startswith("1  t-x")
    assert "lora rank=32" in first
    assert second.startswith("2  t-x")
    assert more == "and 11 more configurations"
    assert run("leaderboard", "--limit", "2", "--trials")[1].endswith("and 11 more trials\n")


def test_json_and_csv_have_the_same_rows(run: Run, ask: Callable[..., Any]) -> None:
    rows = ask("leaderboard", "--technique", "lora")
    code, out, _ = run("leaderboard", "--technique", "lora", "--format", "csv")
    assert code == 0
    header, *lines = out.splitlines()
    assert header.split(",") == list(rows[0])
    assert len(lines) == len(rows) == 12
    assert lines[0].split(",")[2] == rows[0]["trial_id"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--by", "blue"], "no metric 'blue'; the nearest is 'bleu'"),
        (["--by", "valid_sql"], "'valid_sql' was not measured"),
        (
            ["--technique", "qlora"],
            "no technique 'qlora' in these sweeps; there are: lora, pretrained",
        ),
        (["--sweep", "rang"], "no sweep 'rang'; the nearest is 'rank'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(run: Run, arguments: list[str], words: str) -> None:
    code, out, err = run("leaderboard", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_a_sweep_whose_trials_all_run_still(tmp_path: Path, run: Run) -> None:
    Store(tmp_path).publish_report(
        {
            "sweep_id": SWEEP,
            "trial_id": "t-a",
            "trial_number": 0,
            "rung": 0,
            "rung_from": 0,
            "rung_examples": 10,
            "step": 1,
        }
    )
    code, _, err = run("leaderboard", store=tmp_path)
    assert (code, err) == (
        2,
        f"No trial of {SWEEP} has ended yet; run the sweep's command to go on.\n",
    )


def test_no_store(tmp_path: Path, run: Run) -> None:
    code, _, err = run("leaderboard", store=tmp_path / "nowhere")
    assert code == 2
    assert "no experiment store at" in err


def test_the_stopped_are_listed_below_by_rung_and_loss(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path)
    bare: dict[str, Any] = dict.fromkeys(("objective", "rouge_l", "rouge_l_se", "bleu", "bleu_se"))
    for number, (rungs, loss) in enumerate([(1, 0.5), (2, 2.0), (1, 0.4), (2, 1.5)], 1):
        write_trial(store, number, LORA, "stopped", rungs=rungs, eval_loss=loss, **bare)
    write_trial(store, 5, LORA, eval_loss=3.0)
    write_trial(store, 6, LORA, "failed", rungs=2, eval_loss=0.1, error="no", **bare)
    rows = leaderboard(tmp_path, SWEEP, each_trial=True)
    assert [row["trial_number"] for row in rows] == [5, 4, 2, 3, 1, 6]
    assert [row["place"] for row in rows] == [1, 2, 3, 4, 5, None]
    assert [row["value"] is None for row in rows] == [False, *[True] * 5]
    assert [(row["last_rung"], row["eval_loss"]) for row in rows[1:5]] == [
        *((1, 1.5), (1, 2.0), (0, 0.4), (0, 0.5))
    ]
    _, out, _ = run("leaderboard", "--trials", store=tmp_path)
    assert "eval_loss" in out.splitlines()[1]
    by_loss = leaderboard(tmp_path, SWEEP, by="eval_loss", each_trial=True)
    assert [row["trial_number"] for row in by_loss] == [5, 4, 2, 3, 1, 6]


def test_the_loss_breaks_a_tie_of_the_best(tmp_path: Path, ask: Callable[..., Any]) -> None:
    store = Store(tmp_path)
    for number, loss in enumerate((2.0, 1.0, 3.0)):
        own = LORA | {"rank": 2 + number}
        write_trial(store, number, own, rouge_l=0.0, objective=0.0, eval_loss=loss)
    assert [row["trial_number"] for row in leaderboard(tmp_path, SWEEP)] == [1, 0, 2]
    (sweep,) = ask("sweeps", store=tmp_path)
    assert sweep["best_trial"] == leaderboard(tmp_path, SWEEP)[0]["trial_id"]


def _seeds(store: Store, number: int, rank: int, *scores: float, **values: Any) -> None:
    for replicate, score in enumerate(scores):
        own = {"rouge_l": score, "objective": score, "eval_loss": 1 - score} | values
        write_trial(
            store, number + replicate, LORA | {"rank": rank}, seed=replicate, replicate=replicate,
            configuration_id=f"c-{rank}", **own,
        )  # fmt: skip


def test_configurations_are_ranked_by_the_mean_over_their_seeds(
    tmp_path: Path, run: Run, ask: Callable[..., Any]
) -> None:
    store = Store(tmp_path)
    _seeds(store, 0, 4, 0.9, 0.1)  # the best single trial
    _seeds(store, 2, 8, 0.6, 0.7)
    _seeds(store, 4, 16, 0.55)
    rows = leaderboard(tmp_path, SWEEP)
    assert [(row["rank"], row["seeds"]) for row in rows] == [(8, 2), (16, 1), (4, 2)]
    assert [row["value"] for row in rows] == pytest.approx([0.65, 0.55, 0.5])
    assert [row["eval_loss"] for row in rows] == pytest.approx([0.35, 0.45, 0.5])
    assert rows[0]["trials"] == [trial_name(2), trial_name(3)]
    assert rows[0]["trial_id"] == trial_name(2)
    assert [row["place"] for row in rows] == [1, 2, 3]
    each = leaderboard(tmp_path, SWEEP, each_trial=True)
    assert [row["value"] for row in each] == [0.9, 0.7, 0.6, 0.55, 0.1]
    # What is called best anywhere is the first of them.
    (sweep,) = ask("sweeps", store=tmp_path)
    assert (sweep["best_trial"], sweep["best"]) == (trial_name(2), pytest.approx(0.65))
    assert named_trial(tmp_path, [], "best")["trial_id"] == trial_name(2)
    _, out, _ = run("leaderboard", store=tmp_path)
    assert out.splitlines()[1].split()[:4] == ["trial", "configuration", "seeds", "rouge_l"]
    assert "lora rank=8" in out.splitlines()[2]
    assert ask("leaderboard", "--trials", store=tmp_path)[0]["value"] == 0.9


def test_a_configuration_is_stopped_where_one_of_its_runs_was_and_unranked_where_one_diverged(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    _seeds(store, 0, 4, 0.9)
    write_trial(store, 1, LORA | {"rank": 4}, "stopped", rungs=1, eval_loss=0.2, objective=None)
    _seeds(store, 2, 8, 0.3)
    _seeds(store, 3, 16, 0.99)
    nan = float("nan")
    write_trial(store, 4, LORA | {"rank": 16}, "diverged", rungs=1, rouge_l=nan, objective=nan)
    _seeds(store, 5, 32, 0.2)
    write_trial(store, 6, LORA | {"rank": 32}, "failed", rungs=0, error="no")
    rows = leaderboard(tmp_path, SWEEP)
    assert [(row["rank"], row["place"]) for row in rows] == [(8, 1), (32, 2), (4, 3), (16, None)]
    assert [row["outcome"] for row in rows] == [
        *("completed", "completed", "stopped", "1 completed, 1 diverged")
    ]
    assert [row["seeds"] for row in rows] == [1, 1, 2, 2]  # a failure tells nothing
    assert rows[2]["last_rung"] == 0
    assert rows[2]["eval_loss"] == pytest.approx(0.15)
    assert rows[3]["value"] is None  # the mean of the others would be another one's


def test_what_was_confirmed_stands_beside_and_ranks_nothing(tmp_path: Path, run: Run) -> None:
    store = Store(tmp_path)
    _seeds(store, 0, 4, 0.8)
    _seeds(store, 1, 8, 0.6)
    for number, score in enumerate((0.5, 0.7), CONFIRMING):
        write_trial(
            store, number, LORA | {"rank": 8}, phase="confirm", rouge_l=0.99, objective=0.99,
            test_rouge_l=score, test_rouge_l_se=0.01, test_rows=200,
        )  # fmt: skip
    rows = leaderboard(tmp_path, SWEEP)
    assert [(row["rank"], row["value"], row["confirm_seeds"]) for row in rows] == [
        *((4, 0.8, 0), (8, 0.6, 2))
    ]
    assert rows[0]["test_value"] is None
    assert rows[1]["test_value"] == pytest.approx(0.6)
    assert len(rows[1]["trials"]) == 3
    _, out, _ = run("leaderboard", store=tmp_path)
    assert out.splitlines()[3].split()[4:6] == ["1", "+"]


def _board(folder: Path, width: int, **options: Any) -> list[str]:
    with (folder / "out").open("w") as file:
        console = PlainConsole(file=file, force_terminal=True, width=width, no_color=True)
        rows = leaderboard(folder, SWEEP)
        print_whole(console, render(rows, None, Ranking(folder, [SWEEP], None, ()), **options))
    text = re.sub(r"\x1b\[[0-9;]*m", "", (folder / "out").read_text())
    return [line.rstrip() for line in text.splitlines()]


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_a_leaderboard_fits_its_terminal_by_leaving_columns_out(tmp_path: Path, width: int) -> None:
    store = Store(tmp_path)
    for number in range(3):
        own = LORA | {"rank": 4 + number, "learning_rate": 0.00123 * (number + 1)}
        write_trial(store, number, own, bleu=0.5, execution_accuracy=0.5)
    lines = _board(tmp_path, width)
    assert max(map(len, lines)) <= width
    shown = " ".join(lines)
    said = shown.partition("Left out")[2]
    assert bool(said) == (width < 150)
    names = ("trial", "configuration", "rouge_l", "execution_accuracy", "trainable", "examples")
    for name in (*names, "time", "device", "outcome"):
        header = re.search(rf"(?<![\w]){name}(?![\w:])", " ".join(lines[1:4]))
        assert bool(header) != (name in said), name
    assert [line for line in lines if "lora rank=4 learning_rate=0.00123" in line]
    if width == 80:
        assert said.startswith(" at 80 columns: device, ")
        assert "--wide shows them" in said
    wide = _board(tmp_path, width, wide=True)
    assert "device" in " ".join(wide)
    assert "Left out" not in " ".join(wide)


@pytest.mark.parametrize("width", [30, 60, 80])
def test_what_stays_is_broken_in_its_configuration_alone(tmp_path: Path, width: int) -> None:
    modules = ("q,k,v,o", "q,k,v,o,wi_0,wi_1,wo")
    for number in range(2):
        own = LORA | {"learning_rate": 0.00123, "target_modules": modules[number]}
        own |= {"rank": 4 + number, "data_size": 1000 * (number + 1)}
        write_trial(Store(tmp_path), number, own, test_rouge_l=0.5, test_rouge_l_se=0.01)
    lines = _board(tmp_path, width)
    assert max(map(len, lines)) <= max(width, 40)
    value = leaderboard(tmp_path, SWEEP)[0]
    assert f"{value['value']:.4f} [{value['low']:.3f}, {value['high']:.3f}]" in " ".join(lines)

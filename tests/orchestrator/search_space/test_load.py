"""What a user is told about a wrong search space file: where, what, and what to do about it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.search_space import Problem, SpecError, Sweep, load
from tests.trainables.techniques.cases import having

GOOD = """\
name: rank
question: Does a bigger adapter buy better SQL?
objective: {metric: rouge_l, mode: max}
baseline: true
space:
  technique:
    lora:
      rank: {choice: [4, 8, 16]}
      learning_rate: {loguniform: [1e-4, 1e-2]}
    prefix:
      virtual_tokens: {randint: [10, 51]}
  data_size: {choice: [1000, 5000]}
trials: 32
replicates: 1
seed: 0
budget: {examples: 20000}
search: {method: tpe}
stopping: {first_rung: 0.1, reduction_factor: 3}
evaluation: {validation_rows: 100, test_rows: 500, protocol: standard}
points:
  - {technique: lora, data_size: 1000, rank: 64}
resources: {accelerators: 1, cpus: 1}
profiles:
  embedded: {limits: {max_concurrent: 2}, seed: 1}
  full: {}
"""

# old text, new text, line of the problem (None: the whole file), phrases of its one message
WRONG: dict[str, tuple[str, str, int | None, tuple[str, ...]]] = {
    "unknown key": (
        "trials: 32\n",
        "trials: 32\nreplicas: 2\n",
        14,
        ('replicas: unknown key "replicas"', 'did you mean "replicates"'),
    ),
    "key of another group": (
        "trials: 32\n",
        "trials: 32\ntest_rows: 5\n",
        14,
        ('unknown key "test_rows"', 'did you mean "evaluation.test_rows"'),
    ),
    "option of the command line in a group": (
        "{max_concurrent: 2}",
        "{max_hours: 2}",
        24,
        ("limits.max_hours: is no key of the file but the option --max-hours of",),
    ),
    "option of the command line at the top": (
        "seed: 0\n",
        "max_device_hours: 4\n",
        15,
        ("max_device_hours: is no key of the file but the option --max-device-hours of",),
    ),
    "key of the top level in a group": (
        "{max_concurrent: 2}",
        "{trials: 20}",
        24,
        ('limits.trials: unknown key "trials" here', "it stands at the top of the file"),
    ),
    "unknown nested key": (
        "first_rung: 0.1,",
        "first_rung: 0.1, grace: 1,",
        18,
        ("stopping.grace: unknown key", "valid are by, first_rung, reduction_factor"),
    ),
    "profile as a key": (
        "seed: 0",
        "profile: full",
        15,
        ("profile: unknown key", 'did you mean "profiles"'),
    ),
    "duplicate key": (
        "seed: 0\n",
        "seed: 0\nseed: 1\n",
        16,
        ("seed: is given twice, first in line 15", "remove one"),
    ),
    "tag": (
        "seed: 0",
        "seed: !!python/object:os.system 0",
        15,
        ("seed: tag tag:yaml.org,2002:python/object:os.system is refused",),
    ),
    "anchor": ("seed: 0", "seed: &a 0", 15, ("seed: anchor &a is refused",)),
    "broken YAML": ("seed: 0", "seed: [0", 15, ("is not YAML: [ is not closed by ]",)),
    "no for none": (
        "seed: 0",
        "confirm: no",
        15,
        ('confirm: is "no", but must be a group of keys, or null for none; for example',),
    ),
    "false for none": (
        "{first_rung: 0.1, reduction_factor: 3}",
        "false",
        18,
        ("stopping: is false, but must be a group of keys, or null for none; for example",),
    ),
    "a comma between thousands": (
        "budget: {examples: 20000}",
        "budget:\n  examples: 20,000",
        17,
        ('budget.examples: is "20,000", but must be a whole number: write 20000; for example',),
    ),
    "a comma between thousands, which parts values": (
        "examples: 20000",
        "examples: 20,000",
        16,
        ('budget.000: unknown key "000"; a comma ends a value: write a number without one',),
    ),
    "a comma between the thousands of a list": (
        "data_size: {choice: [1000, 5000]}",
        "data_size: {choice: [1,000, 5000]}",
        12,
        ("data_size.choice.1: is 000, but a comma ends a value; if 1000 is meant write it so,",),
    ),
    "commas between the thousands of a list": (
        "data_size: {choice: [1000, 5000]}",
        "data_size: {choice: [1,000,000, 5000]}",
        12,
        ("data_size.choice.2: is 000, but a comma ends a value; if 1000000 is meant write it so,",),
    ),
    "a comma between thousands with a fraction": (
        "data_size: {choice: [1000, 5000]}",
        "data_size: {choice: [1,000.0, 5000]}",
        12,
        ("data_size.choice.1: is 000.0, but a comma ends a value; if 1000.0 is meant write",),
    ),
    "a point between thousands": (
        "trials: 32",
        "trials: 20.000",
        13,
        ("trials: is 20.000, which is 20; write 20000 if that is meant, or 20",),
    ),
    "a point between the thousands of a parameter": (
        "data_size: {choice: [1000, 5000]}",
        "data_size: {choice: [1000, 5.000]}",
        12,
        ("data_size.choice.1: is 5.000, which is 5; write 5000 if that is meant, or 5",),
    ),
    "a point between the thousands of a range": (
        "virtual_tokens: {randint: [10, 51]}",
        "virtual_tokens: {randint: [1, 1.000]}",
        11,
        ("randint: has a number that is 1.000, which is 1; write 1000 if that is meant, or 1",),
    ),
    "a point in the whole numbers of a range": (
        "virtual_tokens: {randint: [10, 51]}",
        "virtual_tokens: {randint: [1.500, 4096]}",
        11,
        ("randint: has a number that is 1.5, but must be a whole number; if 1500 is meant, write",),
    ),
    "a point in a whole number": (
        "trials: 32",
        "trials: 1.500",
        13,
        ("trials: is 1.5, but must be a whole number; if 1500 is meant, write it so",),
    ),
    "points between thousands": (
        "trials: 32",
        "trials: 1.000.000",
        13,
        ('trials: is "1.000.000", but must be a whole number: write 1000000',),
    ),
    "a comma between the thousands of a parameter": (
        "rank: {choice: [4, 8, 16]}",
        "rank: 1,000",
        8,
        ('lora.rank: is "1,000", but must be a whole number: write 1000',),
    ),
    "a comma in a point": (
        "data_size: 1000, rank",
        "data_size: 1,000, rank",
        21,
        ('points.0.000: unknown key "000"; a comma ends a value',),
    ),
    "layers as a list": (
        "rank: {choice: [4, 8, 16]}",
        "target_modules: [q, v]",
        8,
        (
            'target_modules: is a list of 2; names that are trained together are one text: "q,v";',
            'for one of several of these write {choice: ["q,v", ...]}',
        ),
    ),
    "layers as a list in a choice": (
        "rank: {choice: [4, 8, 16]}",
        "target_modules: {choice: [all, [q, v]]}",
        8,
        ('choice.1: is a list of 2, but must be a single value: "q,v"',),
    ),
    "layers as a list in a point": (
        "rank: 64",
        "target_modules: [q, v]",
        21,
        ('is a list of 2, but a point is fixed: give a single value: "q,v"',),
    ),
    "name missing": ("name: rank\n", "", 1, ("name: is missing", "for example `name: rank`")),
    "question missing": (
        "question: Does a bigger adapter buy better SQL?\n",
        "",
        1,
        ("question: is missing", "one sentence"),
    ),
    "objective missing": (
        "objective: {metric: rouge_l, mode: max}\n",
        "",
        1,
        ("objective: is missing", "{metric: rouge_l, mode: max}"),
    ),
    "name like a number": (
        "name: rank",
        "name: 1e5",
        1,
        ("name: is 100000.0, but must be text", "`name: rank`"),
    ),
    "name all digits": ("name: rank", 'name: "2024"', 1, ('is "2024"', "beginning with a letter")),
    "name with a slash": ("name: rank", "name: a/b", 1, ('is "a/b"', "letters, digits, _ and -")),
    "unknown metric": (
        "metric: rouge_l, mode: max",
        "metric: rougel",
        3,
        ('objective.metric: unknown metric "rougel"', 'did you mean "rouge_l"'),
    ),
    "contradicting mode": (
        "mode: max",
        "mode: min",
        3,
        ("objective.mode: is min, but more rouge_l is better", "write max"),
    ),
    "mode of a loss": (
        "metric: rouge_l, mode: max",
        "metric: eval_loss, mode: max",
        3,
        ("objective.mode: is max, but less eval_loss is better", "write min"),
    ),
    "unknown technique": (
        "    prefix:",
        "    prefixes:",
        10,
        ('space.technique.prefixes: unknown technique "prefixes"', 'did you mean "prefix"'),
    ),
    "pretrained in the space": (
        "    prefix:\n      virtual_tokens: {randint: [10, 51]}",
        "    pretrained: {}",
        10,
        ("space.technique.pretrained: has nothing to search", "`baseline: true`"),
    ),
    "no technique": (
        "  data_size: {choice: [1000, 5000]}",
        "  data_size: {choice: [1000, 5000]}\n  technik: {}",
        13,
        ('space.technik: unknown key "technik"', 'did you mean "technique"'),
    ),
    "unknown parameter": (
        "      rank:",
        "      rnak:",
        8,
        ('space.technique.lora.rnak: unknown parameter "rnak"', 'did you mean "rank"'),
    ),
    "parameter of another technique": (
        "      virtual_tokens: {randint: [10, 51]}",
        "      rank: 8",
        11,
        (
            "space.technique.prefix.rank: prefix has no use for rank",
            f"belongs to {', '.join(having('rank'))}",
        ),
    ),
    "data size within a technique": (
        "      virtual_tokens: {randint: [10, 51]}",
        "      data_size: 100",
        11,
        ("space.technique.prefix.data_size", "stands beside technique, not in it"),
    ),
    "unknown distribution": (
        "{loguniform: [1e-4, 1e-2]}",
        "{loguniforn: [1e-4, 1e-2]}",
        9,
        ('unknown distribution "loguniforn"', 'did you mean "loguniform"'),
    ),
    "two distributions": (
        "{loguniform: [1e-4, 1e-2]}",
        "{loguniform: [1e-4, 1e-2], choice: [1]}",
        9,
        ("learning_rate: is a group of keys (loguniform, choice)", "exactly one distribution"),
    ),
    "list without a distribution": (
        "{choice: [4, 8, 16]}",
        "[4, 8, 16]",
        8,
        ("rank: is a list of 3", "write {choice: [4, 8, 16]}"),
    ),
    "range upside down": (
        "[1e-4, 1e-2]",
        "[1e-2, 1e-4]",
        9,
        ("learning_rate.loguniform: is [0.01, 0.0001], but low must be below high",),
    ),
    "log scale from zero": (
        "[1e-4, 1e-2]",
        "[0, 1e-2]",
        9,
        ("is [0, 0.01], but on a log scale low must be above 0",),
    ),
    "range of three": (
        "[1e-4, 1e-2]",
        "[1, 2, 3]",
        9,
        ("is a list of 3, but must be [low, high]",),
    ),
    "range of words": ("[1e-4, 1e-2]", "[low, 2]", 9, ('has "low", but must be numbers',)),
    "fractions of a whole parameter": (
        "{choice: [4, 8, 16]}",
        "{uniform: [4, 16]}",
        8,
        ("rank.uniform: yields fractions, but rank is a whole number", "randint"),
    ),
    "step that does not fit": (
        "{loguniform: [1e-4, 1e-2]}",
        "{quniform: [0.3, 1, 0.3]}",
        9,
        ("learning_rate.quniform: has high 1, which is no multiple of the step 0.3",),
    ),
    "range past the parameter's": (
        "randint: [10, 51]",
        "randint: [0, 51]",
        11,
        ("virtual_tokens.randint: low is 0, but must be >= 1",),
    ),
    "range of a word": (
        "      virtual_tokens: {randint: [10, 51]}",
        "      schedule: {uniform: [0, 1]}",
        11,
        ("schedule.uniform: is a range, but schedule is no number", "{choice: [...]}"),
    ),
    "empty choice": (
        "[4, 8, 16]",
        "[]",
        8,
        ("rank.choice: is an empty list", "at least one value"),
    ),
    "value out of range": (
        "[4, 8, 16]",
        "[4, 0, 16]",
        8,
        ("space.technique.lora.rank.choice.1: is 0, but must be >= 1",),
    ),
    "value twice": ("[4, 8, 16]", "[4, 8, 4]", 8, ("rank.choice.2: is 4, which the list has",)),
    "value of another kind": (
        "[4, 8, 16]",
        "[4, eight, 16]",
        8,
        ('rank.choice.1: is "eight", but must be a whole number',),
    ),
    "data size of zero": (
        "[1000, 5000]",
        "[0, 5000]",
        12,
        ("space.data_size.choice.0: is 0, but must be >= 1",),
    ),
    "data size missing": (
        "  data_size: {choice: [1000, 5000]}\n",
        "",
        5,
        ("space.data_size: is missing", "distinct training rows"),
    ),
    "replicates of zero": (
        "replicates: 1",
        "replicates: 0",
        14,
        ("replicates: is 0, but must be >= 1", "`replicates: 1`"),
    ),
    "text for a number": (
        "replicates: 1",
        "replicates: two",
        14,
        ('replicates: is "two", but must be a whole number',),
    ),
    "trials missing": (
        "trials: 32\n",
        "",
        1,
        ("trials: is missing or 0", "`trials: 32`"),
    ),
    "budget missing": (
        "budget: {examples: 20000}\n",
        "",
        1,
        ("budget: is missing", "`budget: {examples: 6000}`"),
    ),
    "budget below a batch": (
        "{examples: 20000}",
        "{examples: 10}",
        16,
        ("budget.examples: is 10", "batch_size goes up to 16"),
    ),
    "unknown method": (
        "method: tpe",
        "method: bayes",
        17,
        ("search.method: is \"bayes\", but must be 'tpe', 'random' or 'grid'",),
    ),
    "grid over a range": (
        "method: tpe",
        "method: grid",
        17,
        ("is grid, but space.technique.lora.learning_rate has endlessly many values",),
    ),
    "first rung of one": (
        "first_rung: 0.1",
        "first_rung: 1.0",
        18,
        ("stopping.first_rung: is 1.0, but must be < 1",),
    ),
    "first rung below a batch": (
        "{examples: 20000}",
        "{examples: 100}",
        18,
        ("stopping.first_rung: is 0.1, which is 10 examples", "take at least 0.16"),
    ),
    "first rung in the warm-up": (
        "first_rung: 0.1",
        "first_rung: 0.01",
        18,
        ("stopping.first_rung: is 0.01, but must lie past the warm-up", "0.02 of the budget"),
    ),
    "reduction factor of one": (
        "reduction_factor: 3",
        "reduction_factor: 1",
        18,
        ("stopping.reduction_factor: is 1, but must be > 1",),
    ),
    "unknown protocol": (
        "protocol: standard",
        "protocol: notebooks",
        19,
        ("evaluation.protocol: is \"notebooks\", but must be 'standard', 'notebook' or 'both'",),
    ),
    "no validation rows": (
        "validation_rows: 100",
        "validation_rows: 0",
        19,
        ("evaluation.validation_rows: is 0, but must be >= 1",),
    ),
    "group instead of a value": (
        "validation_rows: 100",
        "validation_rows: {a: 1}",
        19,
        ("evaluation.validation_rows: is a group of keys (a), but must be a whole number",),
    ),
    "value instead of a group": (
        "{validation_rows: 100, test_rows: 500, protocol: standard}",
        "100",
        19,
        ("evaluation: is 100, but must be a group of keys",),
    ),
    "unknown key of a point": (
        "rank: 64}",
        "rang: 64}",
        21,
        ('points.0.rang: unknown key "rang"', 'did you mean "rank"'),
    ),
    "wrong value of a point": (
        "rank: 64}",
        "rank: 0}",
        21,
        ("points.0.rank: is 0, but must be >= 1",),
    ),
    "distribution in a point": (
        "rank: 64}",
        "rank: {choice: [64]}}",
        21,
        ("points.0.rank: is a group of keys (choice), but a point is fixed",),
    ),
    "point without a technique": (
        "{technique: lora, data_size: 1000, rank: 64}",
        "{data_size: 1000}",
        21,
        ("points.0: has no technique",),
    ),
    "point without rows": (
        "{technique: lora, data_size: 1000, rank: 64}",
        "{technique: lora}",
        21,
        ("points.0: has no data_size",),
    ),
    "the same point twice": (
        "rank: 64}\n",
        "rank: 64}\n  - {rank: 64, technique: lora, data_size: 1000}\n",
        22,
        ("points.1: is the same as point 0", "replicates"),
    ),
    "the same point, a default written out": (
        "rank: 64}\n",
        "rank: 64}\n  - {technique: lora, data_size: 1000, rank: 64, dropout: 0.05}\n",
        22,
        ("points.1: is the same as point 0", "replicates"),
    ),
    "epochs and stopping": (
        "rank: 64}",
        "rank: 64, epochs: 2}",
        18,
        ("stopping: cannot be used, because point 0 has epochs of its own",),
    ),
    "untuned point and stopping": (
        "baseline: true\n",
        "baseline: false\n",
        18,
        ("stopping: cannot be used, because point 0 is the untuned model",),
    ),
    "fraction of several accelerators": (
        "accelerators: 1",
        "accelerators: 1.5",
        22,
        ("resources.accelerators: is 1.5, but must be at most 1, or a whole number: 1 or 2",),
    ),
    "no accelerators": (
        "accelerators: 1",
        "accelerators: 0",
        22,
        ("resources.accelerators: is 0, but must be > 0",),
    ),
    "unknown profile": (
        "  full: {}",
        "  fall: {}",
        25,
        ('profiles.fall: unknown profile "fall"', 'did you mean "full"'),
    ),
    "unknown key of a profile": (
        "seed: 1}",
        "sead: 1}",
        24,
        ('profiles.embedded.sead: unknown key "sead"', 'did you mean "seed"'),
    ),
    "wrong value of the profile that is not asked for": (
        "  full: {}",
        "  full: {seed: -1}",
        25,
        ("profiles.full.seed: is -1, but must be >= 0",),
    ),
    "profile that removes nothing": (
        "  full: {}",
        "  full: {space: {technique: {qlora: null}}}",
        25,
        ("profiles.full.space.technique.qlora: null removes a key, but there is no qlora",),
    ),
    "revision of the embedded model": (
        "seed: 0",
        "base_model: embedded\nbase_model_revision: main",
        16,
        ('base_model_revision: is "main"', "no revisions"),
    ),
    "infinite number": (
        "seed: 0",
        "seed: .inf",
        15,
        ("seed: is .inf, but numbers must be finite",),
    ),
}

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a search space file and returns its path."""

    def written(text: str) -> Path:
        path = tmp_path / "x.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def problems(path: Path, *overrides: str, trials: int | None = None) -> tuple[Problem, ...]:
    """Returns what is wrong with a file that must be wrong."""
    with pytest.raises(SpecError) as caught:
        load(path, overrides, trials)
    return caught.value.problems


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_gets_one_clear_message(case: str, write: Write) -> None:
    old, new, line, phrases = WRONG[case]
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    if case == "untuned point and stopping":
        text = text.replace("lora, data_size: 1000, rank: 64", "pretrained")
    path = write(text)

    (problem,) = problems(path)

    assert (problem.place, problem.line) == (str(path), line)
    assert str(problem).startswith(f"{path}:{line}: ")
    assert "\n" not in str(problem)
    for phrase in phrases:
        assert phrase in problem.message


def test_everything_wrong_is_reported_at_once_in_the_order_of_the_file(write: Write) -> None:
    text = GOOD
    for case in ("unknown metric", "unknown parameter", "log scale from zero", "unknown method"):
        old, new, _, _ = WRONG[case]
        text = text.replace(old, new)
    text = text.replace("seed: 1}", "seed: -1}").replace("rank: 64", "rank: 0")

    found = problems(write(text), "evaluation.test_rows=-1", "limits.max=3")

    assert [problem.line for problem in found] == [3, 8, 9, 17, 21, 24, None, None]
    assert found[-2].place == "--set evaluation.test_rows=-1"
    assert found[-1].place == "--set limits.max=3"


def test_a_number_without_end_hides_no_other_mistake(write: Write) -> None:
    text = GOOD.replace("loguniform: [1e-4, 1e-2]", "loguniform: [1e-4, .inf]")
    text = text.replace("seed: 0", "seed: .nan").replace("metric: rouge_l", "metric: roug_l")
    found = problems(write(text))
    assert [problem.line for problem in found] == [3, 9, 15]
    assert 'did you mean "rouge_l"' in found[0].message
    assert "is .inf, but numbers must be finite" in found[1].message
    assert "is .nan, but numbers must be finite" in found[2].message


def test_missing_trials_are_reported_beside_a_wrong_space(write: Write) -> None:
    text = GOOD.replace("trials: 32", "trials: 0").replace("[1000, 5000]", "[1000, -5]")
    found = problems(write(text))
    assert [problem.line for problem in found] == [12, 13]
    assert "trials: is missing or 0" in found[1].message


def test_what_is_missing_is_explained_within_the_sentence(write: Write) -> None:
    (problem,) = problems(write(GOOD.replace("name: rank\n", "")))
    assert "name: is missing; begins the sweep's identifier and names its" in problem.message


def test_duplicates_and_anchors_are_reported_together(write: Write) -> None:
    found = problems(write("name: a\nname: &x b\nseed: *x\n"))
    assert [problem.line for problem in found] == [2, 2, 3]


@pytest.mark.parametrize(
    ("override", "phrase"),
    [
        ("data_size=500", 'did you mean "space.data_size"'),
        ("learning_rate=1", 'did you mean "space.technique.TECHNIQUE.learning_rate"'),
        ("evaluation.test_row=5", 'did you mean "test_rows"'),
        ("space.technique.lora.rnak=5", 'did you mean "rank"'),
        ("space.data_size=-5", "space.data_size: is -5, but must be >= 1"),
        ("points.3.rank=5", '"3" must be an index from 0 to 0'),
        ("lists.3.x=1", "there is no list lists to change; set the whole: lists=[...]"),
        ("trials.x=5", "trials is a single value: it has no key x"),
        ("space.technique.full=null", "there is no full to remove"),
        ("profiles.embedded.trials=5", "leave out profiles.NAME"),
        ("points." + "9" * 5000 + ".rank=5", "must be an index from 0 to 0"),
        ("points.²=5", '"²" must be an index from 0 to 0'),
        (".".join("a" * 2000) + "=1", "has a path of more than 16 keys"),
        ("seed=" + "9" * 5000, "numbers must be finite"),
        ("seed=0x" + "f" * 300, "whole numbers must lie between -10^18 and 10^18"),
        ("question=" + '"\\ud800"', "half of a surrogate pair"),
        ("seed", "must be key.path=value"),
        ("seed=", "seed: has no value; write seed=VALUE, or seed=null to remove the key"),
        ("space.data_size= ", "space.data_size: has no value"),
        ("seed=[", "is not YAML"),
        ("seed=!!int 3", "is refused"),
    ],
)
def test_a_wrong_override_names_the_option(override: str, phrase: str, write: Write) -> None:
    (problem,) = problems(write(GOOD), override)
    assert problem.place == f"--set {override}"
    assert problem.line is None
    assert phrase in problem.message


def test_trials_on_the_command_line_are_checked_like_the_file(write: Write) -> None:
    (problem,) = problems(write(GOOD), trials=-3)
    assert str(problem).startswith("--trials -3: trials: is -3, but must be >= 1")


def test_a_metric_of_an_option_against_the_mode_of_the_file_names_the_option(write: Write) -> None:
    path = write(GOOD)
    (problem,) = problems(path, "objective.metric=eval_loss")
    assert str(problem) == (
        f"--set objective.metric=eval_loss: objective.mode: is max in {path}:3, but less eval_loss"
        " is better: add --set objective.mode=min"
    )
    assert load(path, ["objective.metric=eval_loss", "objective.mode=min"]).objective.mode == "min"
    whole = load(path, ["objective={metric: eval_loss}"])
    assert (whole.objective.metric, whole.objective.mode) == ("eval_loss", "min")


def test_a_wrong_mode_of_an_option_is_told_as_that_options(write: Write) -> None:
    (problem,) = problems(write(GOOD), "objective.metric=eval_loss", "objective.mode=max")
    assert problem.place == "--set objective.mode=max"
    assert "less eval_loss is better: write min" in problem.message


def test_missing_trials_over_a_finite_space_are_told_what_to_write(write: Write) -> None:
    text = GOOD.replace("trials: 32\n", "")
    lora = '{rank: 8, target_modules: {choice: ["q,v"]}}'
    one = [f"space.technique={{lora: {lora}}}", "space.data_size={randint: [1000, 1001]}"]
    (problem,) = problems(write(text), *one)
    point = '{technique: lora, data_size: 1000, rank: 8, target_modules: "q,v"}'
    assert problem.message == (
        "trials: is missing or 0; the space has a single configuration: write"
        f" `points: [{point}]` instead of it, or `trials: 1`"
    )
    as_point = load(write(text), ["space=null", f"points=[{point}]"])
    assert as_point.points[0]["target_modules"] == "q,v"
    (problem,) = problems(write(text), *one, "space.technique.lora.rank={choice: [4, 8]}")
    assert problem.message == (
        "trials: is missing or 0; the space has 2 configurations: write `search: {method: grid}` to"
        " try each once, or how many to try, such as `trials: 2`"
    )


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("", "is empty"),
        ("- 1\n", "is a list of 1, but must be keys and values"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("\x00", "is not YAML"),
    ],
)
def test_what_is_no_search_space_at_all(text: str, phrase: str, write: Write) -> None:
    (problem,) = problems(write(text))
    assert phrase in problem.message


def test_a_missing_file_is_the_users_mistake(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "none.yaml")
    assert "cannot be read (No such file or directory)" in problem.message


def test_a_file_without_end_is_refused() -> None:
    (problem,) = problems(Path("/dev/zero"))
    assert "must have at most 1,000,000 characters, but has more" in problem.message


def test_trials_of_any_size_are_refused_in_short(write: Write) -> None:
    (problem,) = problems(write(GOOD), trials=10**4000)
    assert problem.message == (
        "trials: is 100000... (4001 digits), but must be <= 10,000; narrow the space instead"
    )


def test_what_cannot_be_seen_is_shown_as_escapes(write: Write) -> None:
    found = problems(write(GOOD.replace("seed: 0", '"se\\x1b[31med": 0')))
    assert 'se\\x1b[31med: unknown key "se\\x1b[31med"' in str(found[0])


def test_an_unknown_profile_is_refused_before_the_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match='did you mean "embedded"'):
        load(tmp_path / "none.yaml", profile="embeded")


def test_points_alone_need_neither_trials_nor_space_nor_budget(write: Write) -> None:
    sweep = load(
        write(
            "name: a\nquestion: b?\nobjective: {metric: bleu}\nreplicates: 3\npoints:\n"
            "  - {technique: pretrained}\n  - {technique: lora, data_size: 100, epochs: 2}\n"
        )
    )
    assert (sweep.trials, sweep.space, sweep.budget) == (0, None, None)
    assert sweep.runs == 1 + 3  # an untuned model has no seed
    assert [sweep.budget_examples(point) for point in sweep.points] == [0, 200]
    assert sweep.rungs(0) == (0,)


def test_a_file_with_nothing_to_run_is_refused(write: Write) -> None:
    (problem,) = problems(write("name: a\nquestion: b?\nobjective: {metric: bleu}\n"))
    assert "nothing to run" in problem.message


def test_the_untuned_model_runs_once(write: Write) -> None:
    text = GOOD.replace("lora, data_size: 1000, rank: 64", "pretrained")
    messages = [problem.message for problem in problems(write(text))]
    assert any("`baseline: true` runs already" in message for message in messages)


def test_a_profile_is_merged_over_the_file(write: Write) -> None:
    text = GOOD.replace(
        "  full: {}",
        "  full: {space: {technique: {lora: {learning_rate: 1e-3}, prefix: null}}, stopping: null}",
    )
    embedded, full = load(write(text), profile="embedded"), load(write(text), profile="full")
    assert embedded.space is not None
    assert full.space is not None
    assert (embedded.seed, full.seed) == (1, 0)
    assert embedded.stopping is not None
    assert full.stopping is None
    assert list(full.space.technique) == ["lora"]
    assert full.space.technique["lora"]["learning_rate"] == 1e-3
    assert full.space.technique["lora"]["rank"] == embedded.space.technique["lora"]["rank"]


def test_a_distribution_is_replaced_whole(write: Write) -> None:
    path = write(GOOD.replace("  full: {}", "  full: {space: {data_size: {randint: [1, 9]}}}"))
    full = load(path, profile="full")
    assert full.space is not None
    assert full.space.model_dump(mode="json")["data_size"] == {"randint": [1, 9]}


def test_auto_takes_the_profile_that_the_devices_allow(write: Write) -> None:
    path = write(GOOD)
    with_gpu, without = load(path, has_accelerator=True), load(path, has_accelerator=False)
    assert (with_gpu.profile, with_gpu.base_model) == ("full", "google/flan-t5-large")
    assert (without.profile, without.base_model) == ("embedded", "embedded")
    assert without.profile_reason == "no accelerator was found"
    assert load(path, profile="full").profile_reason == "asked for with --profile"


def test_the_pinned_revision_belongs_to_the_default_model_only(write: Write) -> None:
    path = write(GOOD)
    assert load(path, profile="full").base_model_revision is not None
    assert load(path, ["base_model=/models/t5"], profile="full").base_model_revision is None


def test_overrides_apply_in_order_after_the_profile(write: Write) -> None:
    sweep = load(
        write(GOOD),
        [
            "budget.examples=100",
            "budget.examples=3000",
            "space.data_size=500",
            "space.technique.prefix=null",
            "points.0.rank=32",
            "limits.max_concurrent=2",
            "question=Why?",
        ],
        trials=5,
        profile="embedded",
    )
    assert sweep.budget is not None
    assert sweep.space is not None
    assert sweep.budget.examples == 3000
    assert sweep.space.data_size == 500
    assert list(sweep.space.technique) == ["lora"]
    assert sweep.points[0]["rank"] == 32
    assert (sweep.limits.max_concurrent, sweep.question, sweep.trials) == (2, "Why?", 5)


def test_numbers_take_the_kind_of_their_parameter(write: Write) -> None:
    sweep = load(write(GOOD), ["budget.examples=2e4", "space.technique.lora.learning_rate=1"])
    assert sweep.budget is not None
    assert sweep.space is not None
    assert sweep.budget.examples == 20000
    rate = sweep.space.technique["lora"]["learning_rate"]
    assert (rate, type(rate)) == (1.0, float)


def test_the_mode_follows_from_the_metric(write: Write) -> None:
    path = write(GOOD.replace("metric: rouge_l, mode: max", "metric: eval_loss"))
    assert load(path).objective.mode == "min"


def test_a_grid_has_no_more_trials_than_configurations(write: Write) -> None:
    path = write(GOOD.replace("trials: 32\n", ""))
    grid = ["search.method=grid", "space.technique.lora.learning_rate=0.001"]
    assert load(path, grid).trials == (3 + 41) * 2
    assert load(path, grid, trials=1000).trials == (3 + 41) * 2
    assert load(path, grid, trials=7).trials == 7


def test_rungs_end_at_the_budget(write: Write) -> None:
    sweep = load(write(GOOD), profile="full")
    assert sweep.rungs(20000) == (2000, 6000, 18000, 20000)
    assert load(write(GOOD), ["stopping=null"]).rungs(6000) == (1500, 3000, 4500, 6000)
    assert load(write(GOOD), ["stopping=null"]).rungs(2) == (1, 2)


def test_a_sweep_crosses_process_boundaries(write: Write) -> None:
    sweep = load(write(GOOD))
    assert pickle.loads(pickle.dumps(sweep)) == sweep
    assert Sweep.model_validate(sweep.model_dump(mode="json")) == sweep


def test_an_error_crosses_process_boundaries(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load(tmp_path / "none.yaml")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.problems, str(copy)) == (caught.value.problems, str(caught.value))


def test_three_decimals_are_no_thousands_where_fractions_may_be(tmp_path: Path) -> None:
    file = tmp_path / "rank.yaml"
    text = GOOD.replace("[1e-4, 1e-2]", "[0.050, 1.000]").replace("0.1,", "0.100,")
    file.write_text(text.replace("rank: 64}", "rank: 64, learning_rate: 0.500}"))
    sweep = load(file, ["space.technique.lora.dropout=0.050", "limits.checkpoint_gigabytes=2.000"])
    space = sweep.model_dump()["space"]
    written = [
        *space["technique"]["lora"]["learning_rate"]["loguniform"],
        space["technique"]["lora"]["dropout"],
        sweep.points[0]["learning_rate"],
        sweep.limits.checkpoint_gigabytes,
    ]
    assert written == [0.05, 1.0, 0.05, 0.5, 2.0]
    assert {type(each) for each in written} == {float}

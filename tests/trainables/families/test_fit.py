"""What is refused because it does not fit a base model, and what is said to do."""

from __future__ import annotations

import re

import pytest

from trainables.families.fit import Lengths, absent_layers, too_long

PEGASUS = {"model_type": "pegasus", "max_position_embeddings": 512}
GPT2 = {"model_type": "gpt2", "n_positions": 1024}


@pytest.mark.parametrize(
    ("config", "lengths", "said"),
    [
        (
            PEGASUS,
            Lengths(1024, 256),
            'lengths.source is 1,024, but the base model "x", a pegasus, has 512 positions: take at'
            " most 512.",
        ),
        (
            PEGASUS,
            Lengths(512, 500),
            "lengths.target 500 and the 16 by which an answer may be longer make 516 tokens, but"
            ' the base model "x", a pegasus, has 512 positions: take lengths.target at most 496.',
        ),
        (
            PEGASUS,
            Lengths(512, 490, virtual_tokens=20),
            "lengths.target 490 and virtual_tokens 20 and the 16 by which an answer may be longer"
            ' make 526 tokens, but the base model "x", a pegasus, has 512 positions: take'
            " lengths.target at most 476 or virtual_tokens at most 6.",
        ),
        (
            {"model_type": "bart", "max_position_embeddings": 128},
            Lengths(128, 64, by_notebook=True),
            'an answer by the notebook\'s protocol, 256 make 256 tokens, but the base model "x", a'
            " bart, has 128 positions: take 128 fewer of them together.",
        ),
        (
            GPT2,
            Lengths(900, 256),
            "lengths.source 900 and lengths.target 256 and the 16 by which an answer may be longer"
            ' make 1,172 tokens, but the base model "x", a gpt2, has 1,024 positions: take'
            " lengths.source at most 752 or lengths.target at most 108.",
        ),
    ],
)
def test_a_row_beyond_the_positions_is_named_with_a_remedy(
    config: dict[str, object], lengths: Lengths, said: str
) -> None:
    assert list(too_long(lengths, config, "x")) == [said]


@pytest.mark.parametrize("config", [PEGASUS, GPT2, {"model_type": "bart"}, {"model_type": "llama"}])
@pytest.mark.parametrize("lengths", [Lengths(700, 700), Lengths(2000, 40), Lengths(400, 200, True)])
def test_what_is_told_to_do_does(config: dict[str, object], lengths: Lengths) -> None:
    for _ in range(3):  # a source and a target may both be too long
        problem = next(too_long(lengths, config, "x"), None)
        if problem is None:
            break
        key = re.search(r"(?:lengths\.(source|target) is|take lengths\.(source|target))", problem)
        most = re.search(r"at most ([\d,]+)", problem)
        assert key is not None
        assert most is not None
        values = {"source": lengths.source, "target": lengths.target}
        values[key.group(1) or key.group(2)] = int(most.group(1).replace(",", ""))
        lengths = Lengths(**values, by_notebook=lengths.by_notebook)
    assert not list(too_long(lengths, config, "x"))


def test_relative_positions_have_no_end() -> None:
    for model_type in ("t5", "mt5", "umt5"):
        lengths = Lengths(60_000, 60_000, virtual_tokens=1000)
        assert not list(too_long(lengths, {"model_type": model_type}, "x"))
        assert lengths.answer_room({"model_type": model_type}) is None


def test_each_value_that_names_an_absent_layer_is_said() -> None:
    found = list(absent_layers(["q,v", "wi_0", "attention", "fc1"], {"model_type": "t5"}, "x"))
    assert [problem[:26] for problem in found] == [
        'target_modules is "wi_0", ',
        'target_modules is "fc1", b',
    ]

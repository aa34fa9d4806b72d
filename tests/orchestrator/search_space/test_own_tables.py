"""What a file says of a table of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.search.identity import sweep_id
from orchestrator.search.proposals import Proposal, trial_configuration
from orchestrator.search_space.problems import SpecError
from tests.orchestrator import sweeps
from trainables.contract.configuration import TrialConfiguration
from trainables.data.reading import Reading

SAID: dict[str, Any] = {
    "columns": {"sql_prompt": "question", "database": "db"},
    "databases": "databases",
    "bad_rows": "skip",
}


def test_trials_are_told_what_is_said(tmp_path: Path) -> None:
    sweep = sweeps.toy(tmp_path, dataset="rows.csv", **SAID)
    proposal = Proposal(0, None, 0, {"technique": "pretrained", "data_size": 1})
    configuration = trial_configuration(sweep, proposal)
    assert Reading.of(configuration) == Reading(
        (("database", "db"), ("sql_prompt", "question")), "databases", "skip"
    )
    assert TrialConfiguration.from_dict(configuration.to_dict()) == configuration


def test_each_makes_another_sweep_and_none_keeps_the_name(tmp_path: Path) -> None:
    plain = sweeps.toy(tmp_path, dataset="rows.csv")
    said = [
        sweeps.toy(tmp_path, dataset="rows.csv", **changes)
        for changes in (
            {"columns": {"sql_prompt": "question"}},
            {"databases": "databases"},
            {"bad_rows": "skip"},
        )
    ]
    assert len({sweep_id(sweep) for sweep in (plain, *said)}) == 4
    nothing = sweeps.toy(tmp_path, dataset="rows.csv", columns={}, bad_rows="error")
    assert sweep_id(nothing) == sweep_id(plain)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": {"sql_promt": "q"}}, 'unknown key "sql_promt"; did you mean "sql_prompt"?'),
        ({"columns": {"sql": 3}}, "columns.sql: is 3, but must be"),
        ({"columns": {"sql": ""}}, "columns.sql"),
        ({"columns": "question"}, "columns: is"),
        ({"bad_rows": "drop"}, "bad_rows: is"),
        ({"databases": "a\nb"}, "must not hold line breaks"),
        ({"columns": {"database": "db"}}, "databases: is missing, but columns.database names"),
        ({"dataset": "embedded", "databases": "d"}, "databases: is about tables of your own"),
        ({"dataset": "embedded", "columns": {"sql": "q"}}, "columns: is about tables of your own"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        sweeps.toy(tmp_path, **({"dataset": "rows.csv"} | changes))
    assert words in str(caught.value)

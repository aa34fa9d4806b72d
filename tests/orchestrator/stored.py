"""What is in a store, for tests of which another machine has it.

`python -m tests.orchestrator.stored DIR|s3://BUCKET/PATH` prints `{"keys": ..., "trials": ...,
"reports": ...}`: the names of all files, and the rows of two tables.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Sequence
from typing import Any

from orchestrator.results.root_address import root_address
from orchestrator.store import reader
from orchestrator.store.roots import is_there, open_root


def rungs_reported(stored: dict[str, Any]) -> list[tuple[str, int]]:
    """Returns trial and rung, in examples, of each report."""
    return [(row["trial_id"], row["rung_examples"]) for row in stored["reports"]]


def rungs_trained(stored: dict[str, Any], lines: Sequence[str]) -> list[tuple[str, int]]:
    """Returns trial and rung of those lines that the toy has written of trials that have ended."""
    trials = {}
    for row in stored["trials"]:
        configuration = json.loads(row["config_json"])
        del configuration["rungs"]
        trials[json.dumps(configuration, sort_keys=True)] = row["trial_id"]
    found = []
    for line in lines:
        words, rung = line.split(" ", 1)[1].rsplit(" ", 1)
        configuration = json.dumps(ast.literal_eval(words), sort_keys=True)
        if configuration in trials:
            found.append((trials[configuration], int(rung)))
    return found


def main() -> None:
    """Prints it."""
    root = root_address(sys.argv[1])
    place = open_root(root)
    kinds = ("trials", "reports", "predictions", "checkpoints", "state", "staging")
    found = {
        "keys": sorted(file.key for kind in kinds for file in place.files(kind)),
        "trials": reader.trials(root).to_pylist() if is_there(root) else [],
        "reports": reader.reports(root).to_pylist() if is_there(root) else [],
    }
    print(json.dumps(found, default=str))


if __name__ == "__main__":
    main()

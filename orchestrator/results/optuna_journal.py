"""A sweep as a journal file of Optuna's, which `optuna-dashboard` and `optuna.load_study` open.

It is derived from the store and never read by the sweep: it may be deleted or written anew at any
time, and what another program wrote into it is lost then.
"""

from __future__ import annotations

import json
import shlex
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from orchestrator.results.errors import ResultsError
from orchestrator.results.optuna_trials import FINAL_COLUMNS, optuna_trials
from orchestrator.results.selection import final_rows, metric_and_mode
from orchestrator.results.target import check_file, publish
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.terminal.output import Answer, table

MARK = "derived_by"
"""The study's first user attribute; a file without it in its second record is not overwritten."""

_LONGEST_RECORD = 1 << 16


class _Records(BaseJournalBackend):
    """A journal in memory: the file's own backend makes each record durable by itself."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """Returns the records from that number on."""
        return self.records[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Appends records, which stay in memory."""
        self.records += logs


def write_journal(root: Root, sweep_ids: Sequence[str], target: Path) -> Answer:
    """Writes a sweep as an Optuna study into a file, which appears complete or not at all.

    The study has the sweep's id as its name; see `optuna_trials` for what it holds.

    Args:
        root: Of the store.
        sweep_ids: The sweep; one.
        target: The file; it is replaced if this function wrote it.

    Raises:
        ResultsError: There are several sweeps, no trial has ended, rows name no objective, or the
            file lies in the store or in no folder, is something else, or cannot be written.
        StoreError: The store cannot be read.
    """
    sweep_id = check_journal(root, sweep_ids, target)
    finals = final_rows(root, sweep_ids, FINAL_COLUMNS)
    trials = optuna_trials(root, sweep_id, finals)
    publish_study(sweep_id, finals, trials, target)
    quoted = shlex.quote(str(target))
    remark = f"To look at it: pip install optuna-dashboard; optuna-dashboard {quoted}"
    return describe_study(sweep_id, trials, target, remark)


def check_journal(root: Root, sweep_ids: Sequence[str], target: Path) -> str:
    """Returns the one sweep that is to be written, if it and the file will do.

    Arguments as of `write_journal`.

    Raises:
        ResultsError: There are several sweeps, or the file will not do.
    """
    if len(sweep_ids) > 1:
        raise ResultsError(
            f"A study holds one sweep, but --sweep names {len(sweep_ids)}: {', '.join(sweep_ids)};"
            " name one of them."
        )
    check_file(target, root, _is_derived)
    (sweep_id,) = sweep_ids
    return sweep_id


def publish_study(
    sweep_id: str, finals: Sequence[Row], trials: Sequence[FrozenTrial], target: Path
) -> None:
    """Writes a study into a file, which appears complete or not at all.

    Args:
        sweep_id: The study's name.
        finals: Final rows of the sweep, at least one.
        trials: What the study holds.
        target: The file.

    Raises:
        ResultsError: It cannot be written.
    """
    metric, mode = metric_and_mode(finals, None)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = _Records()
    study = optuna.create_study(
        storage=JournalStorage(journal),
        study_name=sweep_id,
        direction=StudyDirection.MAXIMIZE if mode == "max" else StudyDirection.MINIMIZE,
    )
    study.set_user_attr(MARK, "python -m orchestrator.results optuna")
    with warnings.catch_warnings():  # metric names are an experiment of Optuna's
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([metric])
    study.set_user_attr("question", finals[0]["question"])
    study.set_user_attr("objective", metric)
    study.add_trials(trials)
    publish(target, lambda file: JournalFileBackend(str(file)).append_logs(journal.records))


def describe_study(
    sweep_id: str, trials: Sequence[FrozenTrial], target: Path, remark: str
) -> Answer:
    """Returns what was written, in both forms."""
    counts = Counter(trial.state.name.lower() for trial in trials)
    data = {"sweep_id": sweep_id, "file": str(target), "trials": len(trials), **counts}
    view = table(list(data), [[str(value) for value in data.values()]], {"trials", *counts})
    return Answer(data, view, (remark,))


def _is_derived(file: Path) -> bool:
    with file.open("rb") as records:
        _, second = (records.readline(_LONGEST_RECORD) for _ in range(2))
    try:
        record = json.loads(second)
    except (ValueError, RecursionError):
        return False
    attribute = record.get("user_attr") if isinstance(record, dict) else None
    return isinstance(attribute, dict) and MARK in attribute

"""What the sweep's numbers depend on, how to repeat it, and the commands that ask further."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from orchestrator.results.configurations import recorded
from orchestrator.results.report.parts import Code, Paragraph, Part, Section, Table
from orchestrator.search_space.written import yaml_text
from orchestrator.state.start_log import Start
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.terminal.commands import command
from orchestrator.terminal.values import text, time

_COLUMNS = {
    "base_model": "base model",
    "base_fingerprint": "fingerprint of the base model",
    "dataset": "data set",
    "dataset_fingerprint": "fingerprint of the rows",
    "prompt_version": "version of the prompt",
    "split_version": "version of the split",
    "scoring_version": "version of the scoring",
    "training_version": "version of the training",
    "sqlite_version": "SQLite",
    "meteor_synonyms": "METEOR with synonyms",
    "device_name": "device",
    "dtype": "precision",
}
_ENVIRONMENT = {
    "commit": "commit of this package",
    "modified": "changed since that commit",
    "python": "Python",
    "torch": "torch",
    "cuda": "CUDA",
    "machine": "machine",
    "system": "system",
}


def provenance_section(
    root: Root, sweep_id: str, rows: Sequence[Row], start: Start | None
) -> Section:
    """Returns what the sweep ran with, and the commands that show more of it.

    Args:
        root: Of the store.
        sweep_id: The sweep.
        rows: Its final rows.
        start: How it was started; None where that is not on record.
    """
    environments = [recorded(row, "environment_json") for row in rows]
    lines = [["sweep", sweep_id]]
    lines += [[name, _distinct(row[column] for row in rows)] for column, name in _COLUMNS.items()]
    lines += [
        [name, _distinct(each.get(key) for each in environments)]
        for key, name in _ENVIRONMENT.items()
    ]
    lines.append(["packages", _distinct(_packages(each.get("packages")) for each in environments)])
    started = [row["started_at"] for row in rows if row["started_at"]]
    ended = [row["ended_at"] for row in rows if row["ended_at"]]
    lines += [["first started", time(min(started, default=None))]]
    lines += [["last ended", time(max(ended, default=None))]]
    known = [line for line in lines if line[1] != "-"]
    parts: list[Part] = [Table("What it ran with", ["what", "value"], known), *_again(start)]
    return Section("Provenance", [*parts, *_further(root, sweep_id)])


def _again(start: Start | None) -> list[Part]:
    """Returns how the sweep is run again."""
    if start is None:
        said = "Its command and search space are not on record: an earlier version began it."
        return [Paragraph(said)]
    file = f"{start.search_space['name']}.yaml"
    options = ("--profile", start.profile)
    return [
        Paragraph("It was started by"),
        Code(command("orchestrator.sweep", *start.command)),
        Paragraph(f"and runs again, wherever {file} has its search space as below, by"),
        Code(command("orchestrator.sweep", file, *options)),
        Code(yaml_text(start.search_space), title=file),
    ]


def _further(root: Root, sweep_id: str) -> list[Part]:
    words = (
        ("answer", "--sweep", sweep_id),
        ("leaderboard", "--sweep", sweep_id),
        ("show", "best", "--sweep", sweep_id),
    )
    asked = [command("orchestrator.results", "--root", root, *each) for each in words]
    return [Paragraph("Where its store is, these ask further:"), Code("\n".join(asked))]


def _distinct(values: Iterable[Any]) -> str:
    """Returns the different values, joined; "-" where there is none."""
    found = dict.fromkeys(text(value) for value in values if value is not None and value != "")
    return ", ".join(found) or "-"


def _packages(versions: Any) -> str:
    if not isinstance(versions, dict):  # changed since it was written
        return text(versions)
    return " ".join(f"{name} {version}" for name, version in versions.items())

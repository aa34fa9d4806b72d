"""The study that this project generalises, row by row beside the same runs made here.

The study's figures come from its seven notebooks: what its README published, and the means over the
rows that each notebook printed. Its "ROUGE-L" is the recall of the longest common subsequence, and
its "GLEU" the F1 of the sets of words, so both stand here under those names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from orchestrator.results.clusters import clustered_mean
from orchestrator.results.errors import ResultsError
from orchestrator.results.profile_words import profile_words
from orchestrator.results.selection import final_rows, select_sweeps, sweep_name
from orchestrator.results.statistics import score_interval
from orchestrator.store import reader
from orchestrator.store.clusters import cluster_names
from orchestrator.store.place import Root
from orchestrator.store.rows import Row
from orchestrator.terminal.commands import command
from orchestrator.terminal.output import Answer, table
from orchestrator.terminal.values import with_interval
from trainables.contract.configuration import EMBEDDED

NAME = "notebooks"
"""Of the sweep, and of the search space that comes with the package."""
STUDY_SCORES = ("bleu", "rouge_l_recall", "meteor", "unigram_f1")
"""What the study calls BLEU, ROUGE-L, METEOR and GLEU, in this order."""

Figures = tuple[float, float, float, float]
_TOLERANCE = 0.01
"""Published figures have two decimals, some cut and some rounded."""


@dataclass(frozen=True)
class StudyRun:
    """One notebook.

    Attributes:
        key: Its name here.
        published: What the study's README says, as `STUDY_SCORES`; None where it says nothing.
        printed: Means over the rows that the notebook printed; None where it printed none.
        rows: How many rows those were.
        remark: What explains a difference between the two.
    """

    key: str
    published: Figures | None
    printed: Figures | None
    rows: int
    remark: str = ""

    @property
    def supported(self) -> bool | None:
        """Whether the printed rows give the published figures; None without published ones."""
        if self.published is None:
            return None
        if self.printed is None:
            return False
        pairs = zip(self.published, self.printed, strict=True)
        return all(abs(published - printed) <= _TOLERANCE for published, printed in pairs)


_OURS = "ours"

STUDY = (
    StudyRun("pretrained", (0.02, 0.18, 0.14, 0.27), (0.0232, 0.1820, 0.1402, 0.2753), 50),
    StudyRun(
        "lora",
        (0.47, 0.66, 0.66, 0.70),
        (0.4121, 0.6483, 0.6026, 0.7534),
        50,
        "they are those of one demo question with an empty context, not of the 50 rows",
    ),
    StudyRun(
        "qlora",
        (0.00, 0.03, 0.20, 0.18),
        None,
        0,
        "the notebook as saved ends in an error of the quantisation library",
    ),
    StudyRun("prefix", (0.01, 0.18, 0.12, 0.23), (0.0140, 0.1897, 0.1228, 0.2319), 50),
    StudyRun("full", (0.11, 0.37, 0.32, 0.48), (0.1132, 0.3780, 0.3252, 0.4883), 10),
    StudyRun("lora-large-data", None, (0.4196, 0.6707, 0.6303, 0.7701), 50),
    StudyRun("lora-more-parameters", None, (0.4649, 0.6756, 0.6448, 0.7813), 50),
)


def notebooks(root: Root, patterns: Sequence[str] = (NAME,)) -> Answer:
    """Returns the study's table beside the runs of a sweep of `notebooks.yaml`.

    Args:
        root: Of the store.
        patterns: Names, ids or globs of sweeps; of several the one that ended last is taken.

    Raises:
        ResultsError: There is no such sweep, or none of its trials is one of the study's runs.
        StoreError: The store cannot be read.
    """
    try:
        found = select_sweeps(root, patterns)
    except ResultsError as error:
        raise ResultsError(f"{error} Run the study's points first: {_sweep(root)}") from None
    rows = final_rows(root, found)
    latest = max(rows, key=lambda row: str(row["ended_at"] or ""))["sweep_id"]
    if sweep_name(latest) != NAME:
        raise ResultsError(
            f"{latest} is not a sweep of {NAME}, so its trials are not the study's runs; name one"
            " that is, or run that file."
        )
    trials = match([row for row in rows if row["sweep_id"] == latest])
    if not trials:
        raise ResultsError(f"No trial of {latest} is one of the study's runs; sweep {NAME}.")
    data = _beside(root, latest, trials)
    headers, lines = _cells(data)
    remarks = tuple(_remarks(root, latest, trials, data))
    return Answer(data, table(headers, lines, {"rows"}), remarks)


@dataclass(frozen=True)
class BesideStudy:
    """The study's table beside the runs of one sweep, for people.

    Attributes:
        headers: One a column.
        lines: One text a column each.
        remarks: What must be known to read it.
    """

    headers: Sequence[str]
    lines: Sequence[Sequence[str]]
    remarks: Sequence[str]


def beside_study(root: Root, sweep_id: str, rows: Sequence[Row]) -> BesideStudy | None:
    """Returns the study's table beside a sweep's runs; None where they are not the study's.

    Args:
        root: Of the store.
        sweep_id: The sweep.
        rows: Its final rows.

    Raises:
        StoreError: The store cannot be read.
    """
    trials = match(rows) if sweep_name(sweep_id) == NAME else {}
    if not trials:
        return None
    data = _beside(root, sweep_id, trials)
    return BesideStudy(*_cells(data), list(_remarks(root, sweep_id, trials, data)))


def match(rows: Iterable[Row]) -> dict[str, Row]:
    """Returns which trial is which of the study's runs, by what sets the runs apart.

    Of the LoRA runs one has rank 16 and one has the most data; that holds at every scale.
    """
    found: dict[str, Row] = {}
    loras = []
    for row in rows:
        if row["technique"] != "lora":
            found.setdefault(str(row["technique"]), row)
        elif row["rank"] == 16:
            found["lora-more-parameters"] = row
        else:
            loras.append(row)
    loras.sort(key=lambda row: row["data_size"] or 0)
    if loras:
        found["lora"] = loras[0]
    if len(loras) > 1:
        found["lora-large-data"] = loras[-1]
    return found


def _beside(root: Root, sweep_id: str, trials: Mapping[str, Row]) -> list[dict[str, Any]]:
    tests = reader.predictions(root, sweep_id).filter(pc.field("split") == "test")
    return [line for run in STUDY for line in _lines(run, trials.get(run.key), tests)]


def _lines(run: StudyRun, trial: Row | None, tests: pa.Table) -> list[dict[str, Any]]:
    lines = []
    for source, figures, rows in (
        ("published", run.published, None),
        ("printed by the notebook", run.printed, run.rows),
    ):
        if figures is not None:
            scores = dict(zip(STUDY_SCORES, figures, strict=True))
            lines.append({"run": run.key, "source": source, "rows": rows, **_columns(scores, {})})
    if trial is None:
        return lines
    own = tests.filter(pc.field("trial_id") == trial["trial_id"])
    for protocol in ("notebook", "standard"):
        part = own.filter(pc.field("protocol") == protocol)
        if part.num_rows:
            lines.append(
                {
                    "run": run.key,
                    "source": f"{_OURS}, {protocol} protocol",
                    "rows": part.num_rows,
                    **_measured(part),
                }
            )
    return lines


def _measured(part: pa.Table) -> dict[str, Any]:
    means: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    clusters = cluster_names(part)
    for name in (*STUDY_SCORES, "execution_accuracy"):
        scored = zip(part.column(name).to_pylist(), clusters, strict=True)
        found = [(value, cluster) for value, cluster in scored if value is not None]
        if found:
            of = clustered_mean([value for value, _ in found], [cluster for _, cluster in found])
            means[name] = of.mean
            interval = score_interval(name, of.mean, of.standard_error, of.rows, of.samples)
            if interval is not None:
                intervals[name] = interval
    return _columns(means, intervals)


def _columns(
    means: Mapping[str, float], intervals: Mapping[str, tuple[float, float]]
) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in (*STUDY_SCORES, "execution_accuracy"):
        columns[name] = means.get(name)
        columns[f"{name}_low"], columns[f"{name}_high"] = intervals.get(name, (None, None))
    return columns


def _cells(data: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Returns headers and lines of the table."""
    names = (*STUDY_SCORES, "execution_accuracy")
    lines = []
    before = None
    for row in data:
        cells = [with_interval(row[n], row[f"{n}_low"], row[f"{n}_high"]) for n in names]
        run = "" if row["run"] == before else row["run"]
        lines.append([run, row["source"], "-" if row["rows"] is None else str(row["rows"]), *cells])
        before = row["run"]
    return ["run", "source", "rows", *names], lines


def _sweep(root: Root) -> str:
    return command("orchestrator.sweep", NAME, "--root", root)


def _remarks(
    root: Root, sweep_id: str, trials: Mapping[str, Row], data: Sequence[Mapping[str, Any]]
) -> Iterable[str]:
    some = next(iter(trials.values()))
    yield (
        f"Ours: {sweep_id}, {some['base_model']} on {some['dataset']} (profile"
        f" {profile_words(some['profile'], some['base_model'], some['dataset'])}),"
        " on test rows, with 95 % intervals over rows."
    )
    for run in STUDY:
        if run.supported is False:
            yield f"The published figures of {run.key} have no support: {run.remark}."
    yield (
        "The study's LoRA runs differ by less than their noise: over 50 rows the standard error of"
        " a mean BLEU is 0.047."
    )
    built_in = [
        what
        for what, name in (("model", "base_model"), ("data", "dataset"))
        if some[name] == EMBEDDED
    ]
    if built_in:
        yield (
            f"The embedded {' and '.join(built_in)} {'are' if built_in[-1] == 'data' else 'is'} not"
            " the study's: only the shape compares, not the figures."
        )
    missing = [run.key for run in STUDY if run.key not in trials]
    if missing:
        goes_on = f"this goes on with {sweep_name(sweep_id)}: {_sweep(root)}"
        yield f"Not run yet: {', '.join(missing)}; {goes_on}"
    scored = {line["run"] for line in data if line["source"].startswith(_OURS)}
    for key, trial in trials.items():
        if key not in scored:
            yield (
                f"Ours of {key} has no predictions on test rows in {root}: {trial['trial_id']}"
                f" ended as {trial['outcome']}."
            )

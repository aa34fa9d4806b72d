"""Writes a sweep's report into a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestrator.results.errors import ResultsError
from orchestrator.results.report.content import report
from orchestrator.results.report.formats import ReportFormat
from orchestrator.results.report.markdown import MARK, markdown
from orchestrator.results.target import check_file, publish
from orchestrator.store.place import Root
from orchestrator.terminal.output import Answer, say, table

GENERATOR = '<meta name="generator" content="finetune-sweep '
"""Stands at the beginning of every page, and of no other file."""

_HEAD = 1000
_HTML_SUFFIXES = (".html", ".htm", ".xhtml")
_MD_SUFFIXES = (".md", ".markdown")


def write_report(
    root: Root, sweep_ids: Sequence[str], target: Path | None, form: ReportFormat | None
) -> Answer | None:
    """Writes the report of a sweep; a file appears complete or not at all.

    Args:
        root: Of the store.
        sweep_ids: The sweep; one.
        target: The file; it is replaced if this function wrote it. None means one in this folder,
            and for Markdown standard output.
        form: None means what the file's name says, and HTML where it says nothing.

    Returns:
        What was written where; None of what went to standard output.

    Raises:
        ResultsError: There are several sweeps, or the file lies in the store or in no folder, is
            something else, has the ending of something else, or cannot be written.
        StoreError: The store cannot be read.
    """
    if len(sweep_ids) > 1:
        raise ResultsError(
            f"A report is of one sweep, but there are {len(sweep_ids)} to choose from:"
            f" {', '.join(sweep_ids)}; name one of them."
        )
    (sweep_id,) = sweep_ids
    form = form or _form_of(target)
    if target is None and form is ReportFormat.HTML:
        target = Path(f"{sweep_id}.html")
    if target is not None:
        check_file(target, root, _is_report)
    content = report(root, sweep_id)
    if form is ReportFormat.MD:
        text = markdown(content)
    else:
        # Imports the runtime that draws the plots.
        from orchestrator.results.report.page import html

        text = html(content)
    if target is None:
        say(text)
        return None
    publish(target, lambda file: file.write_text(text, encoding="utf-8"))
    data = {"sweep_id": sweep_id, "file": str(target), "bytes": len(text.encode())}
    return Answer(data, table(list(data), [[str(value) for value in data.values()]], {"bytes"}))


def _form_of(target: Path | None) -> ReportFormat:
    """Returns the form that a file's name asks for, HTML where it says nothing.

    Raises:
        ResultsError: It asks for one that there is not.
    """
    suffix = "" if target is None else target.suffix.lower()
    if suffix in _MD_SUFFIXES:
        return ReportFormat.MD
    if suffix in _HTML_SUFFIXES or not suffix[1:].isalpha():  # a version, as in rank-1.5
        return ReportFormat.HTML
    assert target is not None
    raise ResultsError(
        f"{target} ends in {target.suffix}, but a report is .html or .md: name such a file, or say"
        " with --format what it is to be."
    )


def _is_report(file: Path) -> bool:
    with file.open("rb") as content:
        head = content.read(_HEAD).decode(errors="replace")
    return GENERATOR in head or head.startswith(MARK)

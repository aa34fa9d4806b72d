"""The report in Markdown, for a pull request: tables, and no plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.errors import visible
from orchestrator.results.report.parts import (
    Code,
    Figure,
    Listing,
    Paragraph,
    Part,
    Report,
    Sample,
    Table,
)
from trainables.inference.markdown import code
from trainables.inference.markdown import markdown as shown

_MOST_LINES = 30
"""Of a table; GitHub takes comments of 65,536 characters."""

MARK = "<!-- finetune-sweep report -->"
"""The first line of every report, and of no other file."""


def markdown(report: Report) -> str:
    """Returns the report; a text from outside is text, whatever it says.

    Args:
        report: What it says.
    """
    lines = [MARK, f"# {shown(report.question)}"]
    lines += ["", f"{code(report.sweep_id)}: {shown(report.setting)}"]
    tables: list[Table] = []  # that stand there: two figures may be of the same data
    for section in report.sections:
        lines += ["", f"## {section.title}"]
        for part in section.parts:
            if isinstance(part, Figure) and part.table in tables:
                continue
            tables += [part.table] if isinstance(part, Figure) else []
            lines += ["", *_lines(part)]
    return "\n".join([*lines, ""])


def _lines(part: Part) -> Iterator[str]:
    match part:
        case Paragraph(text):
            yield shown(text)
        case Listing(points):
            yield from (f"- {shown(point)}" for point in points)
        case Code(text):
            fence = "```"
            while fence in text:
                fence += "`"
            yield from (fence, visible(text), fence)
        case Sample(title, texts):
            yield f"- {shown(title)}"
            yield from (f"  - {name}: {shown(text)}" for name, text in texts)
        case Table():
            yield from _table(part)
        case Figure():
            yield from (shown(part.title), "", *_table(part.table))


def _table(table: Table) -> Iterator[str]:
    yield _row([shown(header) for header in table.headers])
    yield _row(["---:" if header in table.right else "---" for header in table.headers])
    yield from (_row([shown(cell) for cell in line]) for line in table.lines[:_MOST_LINES])
    left = len(table.lines) - _MOST_LINES
    if left > 0:
        yield from ("", f"and {left:,} more lines, which the report in HTML has")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

"""The forms of a report."""

from __future__ import annotations

from enum import StrEnum


class ReportFormat(StrEnum):
    """What a report is written in."""

    HTML = "html"
    MD = "md"

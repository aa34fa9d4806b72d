"""Cells of a CSV that a spreadsheet shows and does not run."""

from __future__ import annotations

import re
from typing import Any

from orchestrator.errors import visible
from orchestrator.terminal.json_text import json_text

FORMULA = r"^[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
r"""A text that begins so is a formula to a spreadsheet: = + - @, their full-width forms, and the
white space that some leave out. In RE2's spelling. Source: OWASP, "CSV Injection"."""

NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
"""A text that is all this is a number to a spreadsheet, and nothing else."""

QUOTE = "'"
"""Before a text, it has a spreadsheet show the text as it is."""

_FORMULA = re.compile(FORMULA.replace("\\x{", "\\u").replace("}", ""))
_NUMBER = re.compile(NUMBER)


def csv_cell(value: Any, *, raw: bool) -> Any:
    """Returns what stands in a cell for a value that JSON can hold.

    Args:
        value: Truth and nested values, for which CSV has no form, become JSON.
        raw: Whether texts stay as they are, for a program. Else a text that a spreadsheet would
            take for a formula has `QUOTE` before it, and what would act on a terminal is written
            out. Numbers are never changed.
    """
    if isinstance(value, (bool, dict, list, tuple)):
        return json_text(value)
    return value if raw or not isinstance(value, str) else visible(_harmless(value))


def _harmless(text: str) -> str:
    is_formula = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return QUOTE + text if is_formula else text

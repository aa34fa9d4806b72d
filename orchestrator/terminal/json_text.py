"""JSON that programs read as they always did, and that does nothing to a terminal on its way."""

from __future__ import annotations

import json
import re
from typing import Any

from orchestrator.errors import INVISIBLE


def json_text(value: Any, indent: int | None = None) -> str:
    r"""Returns a value as JSON: letters of all languages as they are, invisible ones as `\u`.

    JSON itself has an escape for C0 alone; DEL, C1 and the formats of the bidirectional algorithm
    may stand in a string as they are. The value that is read back is the same.

    Args:
        value: Of dictionaries, lists and what JSON has.
        indent: Spaces a level, on lines of their own; None for one line.
    """
    written = json.dumps(value, indent=indent, ensure_ascii=False)
    # Outside of strings only the line feeds of the layout are not seen.
    return INVISIBLE.sub(_escape, written)


def _escape(found: re.Match[str]) -> str:
    if "\ud800" <= found[0] <= "\udfff":  # half of a pair is no character; some readers refuse it
        return "\\ufffd"
    return found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1]

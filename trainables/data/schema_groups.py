"""Which rows belong together because they ask about one schema.

Rows of a group stand on one side of a split, and errors of scores are clustered by group.
"""

from __future__ import annotations

import hashlib
import re

from trainables.data.tables import Example

_COMMENTS = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_AROUND_MARKS = re.compile(r"\s*([(),;])\s*")


def schema_group(sql_context: str, value: str | None = None) -> str:
    """Returns the name of a row's group, 16 hexadecimal digits of SHA-256.

    Neither comments, white space, upper and lower case, nor semicolons at the end make another
    schema.

    Args:
        sql_context: The row's schema, as SQL.
        value: Of the column that rows are split by; None where that is the schema.
    """
    text = f"value\0{value}" if value is not None else f"schema\0{_normalised(sql_context)}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def group_of(example: Example) -> str:
    """Returns the name of an example's group."""
    return schema_group(example.sql_context, example.group)


def _normalised(sql_context: str) -> str:
    plain = " ".join(_COMMENTS.sub(" ", sql_context).split())
    return _AROUND_MARKS.sub(r"\1", plain).strip("; ").casefold()

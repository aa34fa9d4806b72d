"""The call that compares two statements in the parsing process; loads no sqlglot where it is named.

A process that hands rows over (`trainables.sql.parsing.process`) names a function by its module,
which it has imported. `trainables.sql.normal_form` takes 0.4 CPU seconds.
"""

from __future__ import annotations


def same_statement(reference: str, prediction: str, schema: str | None = None) -> bool:
    """Tells what `trainables.sql.normal_form.same_statement` tells; arguments as there."""
    from trainables.sql import normal_form

    return normal_form.same_statement(reference, prediction, schema)

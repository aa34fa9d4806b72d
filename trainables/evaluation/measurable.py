"""On how many rows execution accuracy can be measured, whatever is predicted. Loads no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainables.data.tables import Example
from trainables.sql.execution import SqlExecutor


@dataclass(frozen=True)
class Measurable:
    """What can be measured of a sweep's validation rows, whatever a model predicts.

    Attributes:
        rows: How many there are.
        missing: Kind of reason -> rows of which execution accuracy cannot be measured, most
            frequent first.
    """

    rows: int
    missing: Mapping[str, int]

    @property
    def measured(self) -> int:
        """Rows of which execution accuracy can be measured."""
        return self.rows - sum(self.missing.values())

    def sentence(self) -> str:
        """Returns it in words, with the reasons."""
        if not self.missing:
            return f"execution_accuracy can be measured on all {self.rows:,} validation rows"
        why = ", ".join(f"{kind} {count:,}" for kind, count in self.missing.items())
        return (
            f"execution_accuracy can be measured on {self.measured:,} of {self.rows:,} validation"
            f" rows (not measured: {why})"
        )


def measurable_rows(examples: Sequence[Example]) -> Measurable:
    """Returns on how many rows execution accuracy can be measured.

    Context and reference of a row decide it, so that it is the same for every trial. About 2,000
    rows a second; of other dialects than SQLite's about 50.

    Raises:
        SandboxUnavailable: No SQL can be run here.
    """
    # Those of one database one after the other.
    rows = sorted((_file(row), row.sql_context, row.sql) for row in examples)
    with SqlExecutor() as executor:
        found = [executor.measurable(context, sql, file or None) for file, context, sql in rows]
    kinds = Counter(each.reason.kind for each in found if each.reason is not None)
    return Measurable(len(found), dict(kinds.most_common()))


def _file(row: Example) -> str:
    return "" if row.database is None else row.database.file

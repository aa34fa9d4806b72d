"""How the rows of a data set are taken from its tables."""

from __future__ import annotations

from dataclasses import dataclass

from trainables.contract.configuration import TrialConfiguration
from trainables.data.bad_rows import ERROR


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of a data set are to be read; hashable.

    Attributes:
        columns: Pairs of a column of the project's and its name in the tables, where it is given.
        databases: An SQLite file or a folder of them; None where tables have the schemas.
        bad_rows: "error" or "skip" (`trainables.data.bad_rows`).
    """

    columns: tuple[tuple[str, str], ...] = ()
    databases: str | None = None
    bad_rows: str = ERROR

    @classmethod
    def of(cls, configuration: TrialConfiguration) -> Reading:
        """Returns what a trial's configuration says."""
        return cls(
            tuple(sorted(configuration.columns.items())),
            configuration.databases,
            configuration.bad_rows,
        )

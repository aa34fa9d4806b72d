"""What a column of a type has room for, which every server refuses to go beyond."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.sandbox.schema import LIMIT_OF_TYPE
from trainables.sql.translation.kinds import Kind
from trainables.sql.translation.reading import Reading, identifier

_TEXTS = ("CHAR", "NCHAR", "VARCHAR", "NVARCHAR", "BPCHAR")
_UNLIMITED = 2**31 - 1
_BITS = {
    **dict.fromkeys(("TINYINT", "UTINYINT"), 8),
    **dict.fromkeys(("SMALLINT", "USMALLINT"), 16),
    **dict.fromkeys(("MEDIUMINT", "UMEDIUMINT"), 24),
    **dict.fromkeys(("INT", "UINT"), 32),
}


def limit_of_type(reading: Reading, part: exp.ColumnDef, kind: Kind) -> str:
    """Returns the constraint that keeps a column's values within its type; empty if none does.

    Sources: PostgreSQL 16, 8.1 and 8.3; MySQL 8.0, 11.1 and 11.3.2, in its default strict mode;
    Transact-SQL, "int, bigint, smallint, and tinyint" and "char and varchar"; Oracle 19c, "Data
    Types".
    """
    column = identifier(part.name)
    test = _test(reading, part.kind, kind, column) if part.kind is not None else ""
    return f"CONSTRAINT [{LIMIT_OF_TYPE}] CHECK ({test})" if test else ""


def _test(reading: Reading, declared: exp.DataType, kind: Kind, column: str) -> str:
    name = getattr(declared.this, "name", "")
    if name in _TEXTS:
        longest = longest_text(reading, declared)
        # Blanks beyond it are cut.
        return f"LENGTH(RTRIM({column})) <= {longest}" if longest is not None else ""
    if name in _BITS:
        return _range(reading, name, column)
    if kind.name == "integer" and kind.unsigned:
        return f"{column} >= 0"
    if kind.name == "decimal" and kind.precision is not None and kind.scale is not None:
        most = "1" + "0" * (kind.precision - kind.scale) + ".0"
        least = f"{column} >= 0" if name.startswith("U") else f"{column} > -{most}"
        return f"{least} AND {column} < {most}"
    return ""


def longest_text(reading: Reading, declared: exp.DataType) -> int | None:
    """Returns how many characters a type of texts has room for; None where it does not say."""
    name = getattr(declared.this, "name", "")
    if name not in _TEXTS:
        return None
    sizes = [size.name for size in declared.expressions]
    if sizes:
        return int(sizes[0]) if sizes[0].isdigit() else None
    if name in ("CHAR", "NCHAR") or reading.is_of("tsql"):
        return 1
    return None


def room_for_text(reading: Reading, declared: exp.DataType) -> int | None:
    """Returns how many characters a value of a type can have; None of a type of something else."""
    longest = longest_text(reading, declared)
    name = getattr(declared.this, "name", "")
    sizes = [size.name.upper() for size in declared.expressions]
    unlimited = name == "TEXT" or (name in _TEXTS and sizes == ["MAX"])
    return _UNLIMITED if longest is None and unlimited else longest


def _range(reading: Reading, name: str, column: str) -> str:
    bits = _BITS[name]
    if name.startswith("U") or (name == "TINYINT" and reading.is_of("tsql")):
        return f"{column} BETWEEN 0 AND {2**bits - 1}"
    return f"{column} BETWEEN -{2 ** (bits - 1)} AND {2 ** (bits - 1) - 1}"

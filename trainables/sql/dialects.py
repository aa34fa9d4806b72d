"""SQL of other dialects said again for SQLite: sqlglot's translation, and what that leaves out."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from trainables.sql.parsing.bounded_parser import NotParsed, parse

DIALECTS = ("mysql", "postgres", "tsql")
"""In the order in which they are tried, once SQLite itself has refused the text."""

_PARTS = {
    "YEAR": "%Y",
    "MONTH": "%m",
    "DAY": "%d",
    "DAYOFWEEK": "%w",
    "DOW": "%w",
    "DAYOFYEAR": "%j",
    "DOY": "%j",
    "HOUR": "%H",
    "MINUTE": "%M",
    "SECOND": "%S",
}
_FIRST_OF = {"YEAR": "%Y-01-01", "MONTH": "%Y-%m-01", "DAY": "%Y-%m-%d"}
_UNITS = {
    "YEAR": 1,
    "MONTH": 1,
    "DAY": 1,
    "HOUR": 1,
    "MINUTE": 1,
    "SECOND": 1,
    "WEEK": 7,
    "QUARTER": 3,
}
_SPOKEN = {"WEEK": "DAY", "QUARTER": "MONTH"}
_NOW = {"NOW": "CURRENT_TIMESTAMP", "GETDATE": "CURRENT_TIMESTAMP", "CURDATE": "CURRENT_DATE"}


def translations(text: str) -> list[str]:
    """Returns what `for_sqlite` yields, for a parsing process to call."""
    return list(for_sqlite(text))


def for_sqlite(text: str) -> Iterator[str]:
    """Yields what a text may mean in SQLite, as one dialect after another reads it.

    Args:
        text: Any text; nothing comes of one that is not parsed within the bounds of
            `trainables.sql.parsing.bounded_parser`.
    """
    seen = {text}
    for dialect in DIALECTS:
        try:
            trees = parse(text, dialect)
            said = ";\n".join(
                tree.transform(_translate, copy=False).sql(
                    "sqlite", unsupported_level=ErrorLevel.IGNORE
                )
                for tree in trees
            )
        except (
            NotParsed,
            SqlglotError,
            RecursionError,
            ValueError,
            TypeError,
            AttributeError,
            LookupError,
        ):
            # Of text that is no SQL, sqlglot now and then raises one of Python's own errors.
            continue
        if said and said not in seen:
            seen.add(said)
            yield said


def _translate(node: exp.Expr) -> exp.Expr:
    """Says in SQLite what sqlglot's own translation keeps as it was."""
    if isinstance(node, exp.Extract):
        return _part(node.this.name, node.expression) or node
    if isinstance(node, exp.Year | exp.Month | exp.Day | exp.DayOfWeek | exp.DayOfYear | exp.Hour):
        return _part(type(node).__name__.upper(), node.this) or node
    if isinstance(node, exp.DateAdd | exp.DateSub | exp.Add | exp.Sub):
        return _shifted(node) or node
    if isinstance(node, exp.TimestampTrunc | exp.DateTrunc):
        form = _FIRST_OF.get(node.text("unit").upper())
        return exp.func("STRFTIME", exp.Literal.string(form), node.this) if form else node
    if isinstance(node, exp.Left):
        return exp.func("SUBSTR", node.this, exp.Literal.number(1), node.expression)
    if isinstance(node, exp.Right):
        return exp.func("SUBSTR", node.this, exp.Neg(this=node.expression))
    if isinstance(node, exp.Anonymous) and node.name.upper() in _NOW and not node.expressions:
        return exp.column(_NOW[node.name.upper()])
    if isinstance(node, exp.TruncateTable) and len(node.expressions) == 1:
        return exp.delete(node.expressions[0])
    return node


def _part(name: str, moment: exp.Expr) -> exp.Expr | None:
    form = _PARTS.get(name.upper())
    if form is None:
        return None
    while isinstance(moment, exp.TsOrDsToDate | exp.TsOrDsToTimestamp):
        moment = moment.this
    return exp.cast(
        exp.Anonymous(this="STRFTIME", expressions=[exp.Literal.string(form), moment]), "INT"
    )


def _shifted(node: exp.DateAdd | exp.DateSub | exp.Add | exp.Sub) -> exp.Expr | None:
    """`date - INTERVAL 3 MONTH` as `DATE(date, '-3 MONTH')`."""
    amount: exp.Expr | None = node.expression
    unit = node.args.get("unit")
    if isinstance(amount, exp.Interval):
        unit, amount = amount.args.get("unit"), amount.this
    elif isinstance(node, exp.Add | exp.Sub):
        return None
    name = unit.name.upper().removesuffix("S") if unit is not None else ""
    if not isinstance(amount, exp.Literal) or not amount.name.isdigit() or name not in _UNITS:
        return None
    sign = "-" if isinstance(node, exp.DateSub | exp.Sub) else "+"
    shift = f"{sign}{int(amount.name) * _UNITS[name]} {_SPOKEN.get(name, name)}"
    moment = node.this
    has_time = name in ("HOUR", "MINUTE", "SECOND") or bool(moment.find(exp.CurrentTimestamp))
    return exp.Anonymous(
        this="DATETIME" if has_time else "DATE", expressions=[moment, exp.Literal.string(shift)]
    )

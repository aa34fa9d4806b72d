"""Aggregates and window functions of each dialect, said in SQLite."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.arithmetic import as_text
from trainables.sql.translation.calls import Call, Rule
from trainables.sql.translation.comparisons import collated
from trainables.sql.translation.conditions import condition
from trainables.sql.translation.functions import RULES
from trainables.sql.translation.kinds import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    TEXT,
    UNKNOWN,
    Kind,
    NotKnown,
    NotSpoken,
    Said,
)
from trainables.sql.translation.ordering import directed
from trainables.sql.translation.reading import Reading, Scope, identifier, says

_BIG = Kind("integer", 19, 0)


def _argument(given: Call) -> tuple[str, Said]:
    """Returns `DISTINCT ` or nothing, and the one argument."""
    if len(given.nodes) != 1:
        raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
    node = given.nodes[0]
    if isinstance(node, exp.Distinct):
        if len(node.expressions) != 1:
            given.reading.only("DISTINCT over several values", "mysql")
            raise NotKnown(f"{given.name} of several distinct values")
        return "DISTINCT ", given.reading.expression(node.expressions[0], given.scope)
    return "", given.reading.expression(node, given.scope)


def _count(given: Call) -> Said:
    if len(given.nodes) == 1 and isinstance(given.nodes[0], exp.Star):
        return Said("COUNT(*)", _BIG)
    distinct, value = _argument(given)
    counted = collated(given.reading, value) if distinct else value.sql
    return Said(f"COUNT({distinct}{counted})", _BIG)


def _sum(given: Call) -> Said:
    distinct, value = _argument(given)
    name = value.kind.name
    if name == "boolean" and given.reading.is_of("mysql"):
        name = "integer"
    if name not in ("integer", "decimal", "float", "unknown", "null"):
        if given.reading.is_of("postgres"):
            raise NotSpoken(f"SUM of a {name}")
        raise NotKnown(f"SUM of a {name}")
    kind = value.kind
    if name == "integer":
        kind = _BIG if not given.reading.is_of("tsql") else Kind("integer", 10, 0)
    elif name == "decimal":
        kind = Kind("decimal", 38, value.kind.scale, value.kind.shown)
    return Said(f"SUM({distinct}{value.sql})", kind)


def _average(given: Call) -> Said:
    """AVG: of integers an integer in T-SQL, to four more places in MySQL."""
    distinct, value = _argument(given)
    name, reading = value.kind.name, given.reading
    if name == "boolean" and reading.is_of("mysql"):
        name = "integer"
    if name not in ("integer", "decimal", "float", "unknown", "null"):
        if reading.is_of("postgres"):
            raise NotSpoken(f"AVG of a {name}")
        raise NotKnown(f"AVG of a {name}")
    if name == "float":
        return Said(f"AVG({distinct}{value.sql})", FLOAT)
    if reading.is_of("tsql"):
        if name == "integer":
            return Said(f"(SUM({distinct}{value.sql}) / COUNT({distinct}{value.sql}))", INTEGER)
        if name == "unknown":
            raise NotKnown("AVG of numbers that may be integers or decimals")
        scale = max(6, value.kind.scale or 0)
        return Said(f"AVG({distinct}{value.sql})", Kind("decimal", 38, scale, scale <= 9))
    if reading.is_of("mysql") and name in ("integer", "decimal"):
        places = value.kind.scale if name == "decimal" else 0
        if places is not None:
            return Said(f"AVG({distinct}{value.sql})", Kind("decimal", None, places + 4, True))
    return Said(f"AVG({distinct}{value.sql})", Kind("decimal") if name != "unknown" else UNKNOWN)


def _extreme(function: str) -> Rule:
    def rule(given: Call) -> Said:
        distinct, value = _argument(given)
        if value.kind.name == "boolean" and not given.reading.is_of("mysql"):
            raise NotSpoken(f"{function} of a truth value")
        if value.kind.values and not given.reading.is_of("mysql"):
            # MySQL compares them as texts there.
            raise NotKnown(f"{function} in the order of an enumeration")
        kind = value.kind._replace(values=())
        return Said(f"{function}({distinct}{collated(given.reading, value)})", kind)

    return rule


def _of_numbers(function: str, kind: Kind = FLOAT) -> Rule:
    def rule(given: Call) -> Said:
        distinct, value = _argument(given)
        if not (value.kind.is_number or value.kind.name in ("unknown", "null")):
            raise NotKnown(f"{given.name} of a {value.kind.name}")
        exact = value.kind.name in ("integer", "decimal") and given.reading.is_of("postgres")
        # PostgreSQL's deviations of exact numbers are numerics.
        own = Kind("decimal") if exact and kind == FLOAT else kind
        return Said(given.reading.call(function, distinct + value.sql), own)

    return rule


def _of_truth(function: str) -> Rule:
    def rule(given: Call) -> Said:
        if len(given.nodes) != 1:
            raise NotSpoken(f"{given.name} of {len(given.nodes)} arguments")
        return Said(
            given.reading.call(function, condition(given.reading, given.nodes[0], given.scope)),
            BOOLEAN,
        )

    return rule


def _median(given: Call) -> Said:
    distinct, value = _argument(given)
    if distinct:
        raise NotKnown("MEDIAN of distinct values")
    return Said(given.reading.call("percentile", value.sql, "0.5"), Kind("decimal"))


def _over_window(given: Call, form: str) -> list[Said]:
    if not given.is_over:
        raise NotSpoken(f"{given.name} without OVER")
    return given.values(form)


def _window_only(form: str, kind: Kind) -> Rule:
    def rule(given: Call) -> Said:
        values = _over_window(given, form)
        return Said(f"{given.name}({', '.join(value.sql for value in values)})", kind)

    return rule


def _of_first(form: str) -> Rule:
    """LAG, FIRST_VALUE and their like: a value of the kind of their first argument."""

    def rule(given: Call) -> Said:
        values = _over_window(given, form)
        return Said(f"{given.name}({', '.join(value.sql for value in values)})", values[0].kind)

    return rule


WINDOWS: dict[str, Rule] = {
    "ROW_NUMBER": _window_only("", _BIG),
    "RANK": _window_only("", _BIG),
    "DENSE_RANK": _window_only("", _BIG),
    "PERCENT_RANK": _window_only("", FLOAT),
    "CUME_DIST": _window_only("", FLOAT),
    "NTILE": _window_only("i", _BIG),
    "LAG": _of_first("a?ia"),
    "LEAD": _of_first("a?ia"),
    "FIRST_VALUE": _of_first("a"),
    "LAST_VALUE": _of_first("a"),
    "NTH_VALUE": _of_first("ai"),
}

AGGREGATES: dict[str, Rule] = {
    "COUNT": _count,
    "SUM": _sum,
    "AVG": _average,
    "MIN": _extreme("MIN"),
    "MAX": _extreme("MAX"),
}
_MORE: dict[str, dict[str, Rule]] = {
    "mysql": {
        "STD": _of_numbers("population_deviation"),
        "STDDEV": _of_numbers("population_deviation"),
        "STDDEV_POP": _of_numbers("population_deviation"),
        "STDDEV_SAMP": _of_numbers("sample_deviation"),
        "VARIANCE": _of_numbers("population_variance"),
        "VAR_POP": _of_numbers("population_variance"),
        "VAR_SAMP": _of_numbers("sample_variance"),
    },
    "postgres": {
        "STDDEV": _of_numbers("sample_deviation"),
        "STDDEV_POP": _of_numbers("population_deviation"),
        "STDDEV_SAMP": _of_numbers("sample_deviation"),
        "VARIANCE": _of_numbers("sample_variance"),
        "VAR_POP": _of_numbers("population_variance"),
        "VAR_SAMP": _of_numbers("sample_variance"),
        "BOOL_AND": _of_truth("all_of"),
        "EVERY": _of_truth("all_of"),
        "BOOL_OR": _of_truth("any_of"),
        "BIT_AND": _of_numbers("bits_and", INTEGER),
        "BIT_OR": _of_numbers("bits_or", INTEGER),
    },
    "tsql": {
        "COUNT_BIG": _count,
        "STDEV": _of_numbers("sample_deviation"),
        "STDEVP": _of_numbers("population_deviation"),
        "VAR": _of_numbers("sample_variance"),
        "VARP": _of_numbers("population_variance"),
    },
    "oracle": {
        "STDDEV": _of_numbers("oracle_deviation"),
        "STDDEV_POP": _of_numbers("population_deviation"),
        "STDDEV_SAMP": _of_numbers("sample_deviation"),
        "VARIANCE": _of_numbers("oracle_variance"),
        "VAR_POP": _of_numbers("population_variance"),
        "VAR_SAMP": _of_numbers("sample_variance"),
        "MEDIAN": _median,
    },
}
for _dialect, _rules in _MORE.items():
    RULES[_dialect].update(AGGREGATES)
    RULES[_dialect].update(_rules)
    RULES[_dialect].update(WINDOWS)

NAMES = frozenset(AGGREGATES) | {name for rules in _MORE.values() for name in rules} | {
    "LISTAGG", "ARRAY_AGG", "JSON_AGG", "GROUPING",
}  # fmt: skip
"""What makes a query one over groups."""


def is_aggregate(node: exp.Expr) -> bool:
    """Tells whether a node is the call of an aggregate."""
    if isinstance(node, exp.GroupConcat | exp.WithinGroup):
        return True
    return isinstance(node, exp.Anonymous) and str(node.this).upper() in NAMES


@says(exp.Filter)
def _filtered(reading: Reading, node: exp.Filter, scope: Scope) -> Said:
    reading.only("FILTER", "postgres")
    said = reading.expression(node.this, scope)
    if not is_aggregate(node.this) or said.sql.startswith("(SUM("):
        raise NotKnown("FILTER")
    test = condition(reading, node.expression.this, scope)
    return Said(f"{said.sql} FILTER (WHERE {test})", said.kind)


@says(exp.GroupConcat)
def _texts_joined(reading: Reading, node: exp.GroupConcat, scope: Scope) -> Said:
    value, keys, distinct = node.this, [], False
    if isinstance(value, exp.Order):
        keys, value = value.expressions, value.this
    if isinstance(value, exp.Distinct):
        distinct = True
        if len(value.expressions) != 1:
            raise NotKnown("several texts joined")
        value = value.expressions[0]
    if isinstance(value, exp.Concat):
        raise NotKnown("several texts joined")
    separator = node.args.get("separator")
    given = reading.expression(separator, scope).sql if separator is not None else "','"
    if distinct and reading.is_of("tsql"):
        raise NotSpoken("STRING_AGG of distinct values")
    return _joined(reading, value, given, distinct, keys, scope)


@says(exp.WithinGroup)
def _within_group(reading: Reading, node: exp.WithinGroup, scope: Scope) -> Said:
    """LISTAGG, PERCENTILE_CONT, PERCENTILE_DISC and MODE."""
    call, order = node.this, node.expression
    if isinstance(call, exp.GroupConcat) and not isinstance(call.this, exp.Order):
        separator = reading.expression(call.args["separator"], scope).sql
        return _joined(reading, call.this, separator, False, order.expressions, scope)
    if not isinstance(call, exp.Anonymous) or not isinstance(order, exp.Order):
        raise NotKnown("WITHIN GROUP")
    name, nodes = str(call.this).upper(), call.expressions
    if name == "LISTAGG":
        reading.only("LISTAGG", "oracle")
        value = nodes[0]
        distinct = isinstance(value, exp.Distinct)
        separator = reading.expression(nodes[1], scope).sql if len(nodes) > 1 else "''"
        value = value.expressions[0] if distinct else value
        return _joined(reading, value, separator, distinct, order.expressions, scope)
    if len(order.expressions) != 1:
        raise NotKnown(f"{name} by several keys")
    key = order.expressions[0]
    value_said = reading.expression(key.this, scope)
    if name == "MODE" and not nodes:
        reading.only("MODE", "postgres")
        return Said(reading.call("mode_of", value_said.sql), value_said.kind)
    # In T-SQL these are window functions.
    reading.only(name, "postgres", "oracle")
    if name not in ("PERCENTILE_CONT", "PERCENTILE_DISC") or len(nodes) != 1:
        raise NotKnown(f"{name} WITHIN GROUP")
    fraction = reading.expression(nodes[0], scope)
    if fraction.literal is None:
        raise NotKnown("a computed percentile")
    share = f"(1 - {fraction.sql})" if key.args.get("desc") else fraction.sql
    if name == "PERCENTILE_CONT":
        return Said(reading.call("percentile", value_said.sql, share), FLOAT)
    if key.args.get("desc"):
        raise NotKnown("PERCENTILE_DISC in descending order")
    return Said(reading.call("discrete_percentile", value_said.sql, share), value_said.kind)


def _joined(
    reading: Reading,
    value: exp.Expr,
    separator: str,
    distinct: bool,
    keys: list[exp.Expr],
    scope: Scope,
) -> Said:
    said = as_text(reading, reading.expression(value, scope))
    if not keys and not distinct:
        return Said(f"GROUP_CONCAT({said.sql}, {separator})", TEXT)
    once = ("2" if reading.is_of("mysql") else "1") if distinct else "0"
    arguments = [said.sql, separator, once]
    for key in keys:
        descending, nulls_first = directed(key)
        key_said = reading.expression(key.this, scope)
        if key_said.kind.values:
            raise NotKnown("texts joined in the order of an enumeration")
        if key_said.kind.is_text and reading.is_of("mysql", "tsql"):
            key_said = Said(reading.call("text_lower", key_said.sql))
        arguments += ["-1" if descending else "1", "-1" if nulls_first else "1", key_said.sql]
    return Said(reading.call("joined_in_order", *arguments), TEXT)


@says(exp.Window)
def _window(reading: Reading, node: exp.Window, scope: Scope) -> Said:
    call = node.this
    if not isinstance(call, exp.Anonymous | exp.Filter):
        raise NotKnown(f"{type(call).__name__} over a window")
    inner = call.this if isinstance(call, exp.Filter) else call
    name = str(inner.this).upper()
    if name not in WINDOWS and name not in AGGREGATES and name != "COUNT_BIG":
        raise NotKnown(f"{name} over a window")
    if any(isinstance(argument, exp.Distinct) for argument in inner.expressions):
        raise NotSpoken("DISTINCT over a window")
    said = reading.expression(call, scope)
    over = window_text(reading, node, scope)
    if said.sql.startswith("(SUM("):
        total, _, count = said.sql[1:-1].rpartition(" / ")
        return Said(f"({total} OVER {over} / {count} OVER {over})", said.kind)
    return Said(f"{said.sql} OVER {over}", said.kind)


def window_text(reading: Reading, node: exp.Window, scope: Scope) -> str:
    """Returns what stands after OVER."""
    from trainables.sql.translation.ordering import order_text

    alias = node.args.get("alias")
    pieces = []
    if alias is not None:
        if not (node.args.get("partition_by") or node.args.get("order") or node.args.get("spec")):
            return identifier(alias.name)
        pieces.append(identifier(alias.name))
    if keys := node.args.get("partition_by"):
        said = [collated(reading, key) for key in reading.expressions(keys, scope)]
        pieces.append(f"PARTITION BY {', '.join(said)}")
    if order := node.args.get("order"):
        pieces.append(order_text(reading, order, scope, {}))
    if spec := node.args.get("spec"):
        pieces.append(_frame(reading, spec, scope))
    return f"({' '.join(pieces)})"


def _frame(reading: Reading, spec: exp.WindowSpec, scope: Scope) -> str:
    ends = []
    for name in ("start", "end"):
        edge, side = spec.args.get(name), spec.args.get(f"{name}_side")
        if edge is None:
            ends.append("CURRENT ROW")
        elif isinstance(edge, str):
            ends.append(f"{edge} {side}" if side else edge)
        elif isinstance(edge, exp.Literal) and not edge.is_string:
            ends.append(f"{edge.name} {side}")
        else:
            raise NotKnown("a frame of a window")
    kind = str(spec.args.get("kind") or "").upper()
    if kind not in ("ROWS", "RANGE", "GROUPS"):
        raise NotKnown("a frame of a window")
    return f"{kind} BETWEEN {ends[0]} AND {ends[1]}"

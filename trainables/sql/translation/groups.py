"""GROUP BY: its sets of groups, and whether a query reads nothing but its groups."""

from __future__ import annotations

from itertools import combinations

from sqlglot import exp

from trainables.sql.translation.aggregates import is_aggregate
from trainables.sql.translation.kinds import NotKnown, NotSpoken
from trainables.sql.translation.reading import Reading
from trainables.sql.translation.sources import From

_MOST_SETS = 32
_FIRST_A_UNIT = {
    *(("DATEPART", 2), ("DATENAME", 2), ("DATETRUNC", 2), ("DATEADD", 3), ("DATEDIFF", 3)),
    *(("DATEDIFF_BIG", 3), ("TIMESTAMPDIFF", 3), ("TIMESTAMPADD", 3)),
}
"""Functions, by their number of arguments, that take a unit without quotes first."""


def holds_aggregate(item: exp.Expr) -> bool:
    """Tells whether an expression aggregates: not in a subquery, and not over a window."""
    if isinstance(item, exp.Query | exp.Subquery):
        return False
    around = item.parent.parent if isinstance(item.parent, exp.Filter) else item.parent
    if is_aggregate(item) and not isinstance(around, exp.Window):
        return True
    return any(holds_aggregate(child) for child in item.iter_expressions())


def is_constant(node: exp.Expr) -> bool:
    """Tells whether a node is a number without any column."""
    return not list(node.find_all(exp.Column, exp.Query)) and node.find(exp.Literal) is not None


def grouping_sets(reading: Reading, node: exp.Select) -> list[exp.Select] | None:
    """Returns a query for each set of groups of ROLLUP, CUBE or GROUPING SETS; None without them.

    In each the keys that are not of its set are NULL outside of aggregates, and GROUPING is 1.
    """
    group = node.args["group"]
    lists: list[list[list[exp.Expr]]] = []
    plain: list[exp.Expr] = []
    for key in group.expressions:
        sets = _sets_of(reading, key)
        if sets is None:
            plain.append(key)
        else:
            lists.append(sets)
    for name in ("rollup", "cube", "grouping_sets"):
        for part in group.args.get(name) or ():
            if part.expressions:
                lists.append(_sets_of(reading, part) or [])
            else:
                reading.only("WITH ROLLUP", "mysql", "tsql")
                if name != "rollup":
                    raise NotKnown("WITH CUBE")
                lists.append(_prefixes([[key] for key in plain]))
                plain = []
    if not lists:
        return None
    if reading.is_of("mysql") and (
        len(lists) > 1 or (any(group.expressions) and not group.args.get("rollup"))
    ):
        raise NotSpoken("ROLLUP(...)")
    combined = [plain]
    for sets in lists:
        combined = [[*before, *one] for before in combined for one in sets]
    if len(combined) > _MOST_SETS:
        raise NotKnown("many grouping sets")
    everything = [key for one in combined for key in one]
    return [_grouped_by(node, one, everything) for one in combined]


def _sets_of(reading: Reading, node: exp.Expr) -> list[list[exp.Expr]] | None:
    if isinstance(node, exp.Rollup):
        reading.only("ROLLUP", "postgres", "tsql", "oracle", "mysql")
        return _prefixes([_keys(key) for key in node.expressions])
    if isinstance(node, exp.Cube):
        reading.only("CUBE", "postgres", "tsql", "oracle")
        keys = [_keys(key) for key in node.expressions]
        return [
            [key for part in chosen for key in part]
            for size in range(len(keys), -1, -1)
            for chosen in combinations(keys, size)
        ]
    if isinstance(node, exp.GroupingSets):
        reading.only("GROUPING SETS", "postgres", "tsql", "oracle")
        found: list[list[exp.Expr]] = []
        for one in node.expressions:
            nested = _sets_of(reading, one)
            found += nested if nested is not None else [_keys(one)]
        return found
    return None


def _prefixes(keys: list[list[exp.Expr]]) -> list[list[exp.Expr]]:
    return [[key for part in keys[:size] for key in part] for size in range(len(keys), -1, -1)]


def _keys(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    return [node.this] if isinstance(node, exp.Paren) else [node]


def _grouped_by(node: exp.Select, keys: list[exp.Expr], everything: list[exp.Expr]) -> exp.Select:
    one = node.copy()
    for part in ("order", "limit", "offset", "with_"):
        one.set(part, None)
    absent = [key for key in everything if key not in keys]
    for place, item in enumerate(list(one.expressions), 1):
        value = item.this if isinstance(item, exp.Alias) else item
        said = _without(value, absent, everything)
        alias = item.alias if isinstance(item, exp.Alias) else ""
        if not alias:
            alias = value.name if isinstance(value, exp.Column) else f"column {place}"
        item.replace(exp.Alias(this=said, alias=exp.to_identifier(alias)))
    having = one.args.get("having")
    if having is not None:
        having.set("this", _without(having.this, absent, everything))
    # One group of all rows, or none where there are no rows: as the empty set of a ROLLUP.
    names = keys or ([] if any(one.find_all(exp.Anonymous)) else [exp.Literal.string("all")])
    one.set("group", exp.Group(expressions=[key.copy() for key in names]) if names else None)
    return one


def _without(node: exp.Expr, absent: list[exp.Expr], everything: list[exp.Expr]) -> exp.Expr:
    """Returns an expression with NULL for keys that are not grouped by, outside of aggregates."""
    if isinstance(node, exp.Anonymous) and str(node.this).upper() in ("GROUPING", "GROUPING_ID"):
        if len(node.expressions) != 1 or node.expressions[0] not in everything:
            raise NotKnown("GROUPING of several keys")
        return exp.Literal.number(1 if node.expressions[0] in absent else 0)
    if is_aggregate(node):
        return node
    if node in absent:
        return exp.Null()
    if isinstance(node, exp.Query | exp.Subquery):
        raise NotKnown("a subquery over grouping sets")
    result = node.copy()
    for child in list(result.iter_expressions()):
        child.replace(_without(child, absent, everything))
    return result


def reads_only_groups(reading: Reading, node: exp.Select, sources: From) -> None:
    """Refuses a query that reads columns which are neither grouped by nor aggregated.

    SQLite takes them from some row of the group; the other systems refuse the query, or take
    another row.

    Raises:
        NotKnown: The query does so.
    """
    group = node.args.get("group")
    keys: list[exp.Expr] = []
    for key in group.expressions if group is not None else ():
        if isinstance(key, exp.Literal) and key.name.isdigit():
            item = node.expressions[int(key.name) - 1]
            keys.append(item.this if isinstance(item, exp.Alias) else item)
        elif isinstance(key, exp.Column) and not key.table and not sources.has(key.name):
            keys += [key, *(i.this for i in node.expressions if i.alias == key.name)]
        else:
            keys.append(key)
    if any(isinstance(key, exp.Literal) for key in keys):
        return
    names = {key.name.lower() for key in keys if isinstance(key, exp.Column)}
    determined = sources.determined_by(names)
    for item in node.expressions:
        if isinstance(item, exp.Star) or (
            isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
        ):
            if not sources.is_determined(names):
                raise NotKnown("* over groups")
            continue
        _check(item.this if isinstance(item, exp.Alias) else item, keys, names | determined)


def _check(node: exp.Expr, keys: list[exp.Expr], names: set[str]) -> None:
    if is_aggregate(node) or node in keys or isinstance(node, exp.Query):
        return
    if isinstance(node, exp.Filter):
        return
    if isinstance(node, exp.Column):
        if node.name.lower() not in names:
            raise NotKnown(f"the column {node.name}, neither grouped by nor aggregated")
        return
    for child in node.iter_expressions():
        if not _is_unit(child, node):
            _check(child, keys, names)


def _is_unit(child: exp.Expr, node: exp.Expr) -> bool:
    """Tells whether an argument is a word like `day`, which is no column, as DATEDIFF has it."""
    if not isinstance(node, exp.Anonymous) or child is not node.expressions[0]:
        return False
    return (str(node.this).upper(), len(node.expressions)) in _FIRST_A_UNIT

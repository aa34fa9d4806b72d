"""FROM: tables, subqueries, joins and what stands for them in SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from trainables.sql.translation import vocabulary
from trainables.sql.translation.conditions import condition
from trainables.sql.translation.dates import as_moment
from trainables.sql.translation.kinds import DATE, INTEGER, STAMP, Kind, NotKnown, NotSpoken
from trainables.sql.translation.reading import Columns, Reading, Scope, identifier, string

_PRIVATE = frozenset({"information_schema", "pg_catalog", "sys", "mysql", "performance_schema"})


@dataclass
class From:
    """A FROM clause in SQLite.

    Attributes:
        sql: It, or "" where there is none.
        scope: What it offers by name.
        order: The names of its sources, from left to right.
        has_merged_columns: Whether a join by names makes one column of two.
        keys: For a source that is a table, its primary key.
    """

    sql: str
    scope: Scope
    order: list[str] = field(default_factory=list)
    has_merged_columns: bool = False
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Tells whether a source has a column of this name, or may have it."""
        sources = (self.scope.sources.get(source) for source in self.order)
        return any(columns is None or name.lower() in columns for columns in sources)

    def all_columns(self) -> Iterator[tuple[str, Kind]]:
        for name in self.order:
            yield from (self.scope.sources.get(name) or {}).items()

    def determined_by(self, names: set[str]) -> set[str]:
        """Returns the columns of tables whose whole primary key is among the names."""
        found: set[str] = set()
        for source, key in self.keys.items():
            if key and set(key) <= names:
                found |= set(self.scope.sources.get(source) or {})
        return found

    def is_determined(self, names: set[str]) -> bool:
        return bool(self.keys) and all(key and set(key) <= names for key in self.keys.values())


def table_name(reading: Reading, node: exp.Table) -> str:
    """Returns a table's name without its schema.

    Raises:
        NotKnown: It is a table of the system, or of another database.
    """
    if node.args.get("catalog"):
        raise NotKnown("a table of another database")
    if node.db and node.db.lower() in _PRIVATE:
        raise NotKnown(f"a table of {node.db}")
    if not isinstance(node.this, exp.Identifier):
        raise NotKnown("a table that is a function")
    return node.name


def sources_of(reading: Reading, node: exp.Expr, outer: Scope | None) -> From:
    """Returns the FROM clause of a query, with its joins."""
    from_ = node.args.get("from_")
    result = From("", Scope({}, outer))
    if from_ is None:
        if node.args.get("joins"):
            raise NotKnown("a join without a table")
        return result
    first = from_.this
    if _is_dual(reading, first) and not node.args.get("joins"):
        return result
    text = source(reading, first, result, outer)
    joins = [*(node.args.get("joins") or ())]
    for join in joins:
        text += _join(reading, join, result, joins, outer)
    result.sql = f"FROM {text}"
    return result


def _is_dual(reading: Reading, node: exp.Expr) -> bool:
    if isinstance(node, exp.Table) and node.name.lower() == "dual" and "dual" not in reading.tables:
        reading.only("DUAL", "mysql", "oracle")
        return True
    return False


def source(reading: Reading, node: exp.Expr, result: From, outer: Scope | None) -> str:
    """Returns one table, subquery or function of FROM; adds what it offers to the result."""
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Anonymous):
        sql, columns = _function(reading, node, outer)
    elif isinstance(node, exp.Table):
        name = table_name(reading, node)
        sql, columns = identifier(name), _columns(reading, name)
        if table := reading.tables.get(name.lower()):
            result.keys[(node.alias or name).lower()] = table.keys
    elif isinstance(node, exp.Subquery):
        if isinstance(node.this, exp.Table):
            inner = From("", result.scope, result.order)
            text = source(reading, node.this, inner, outer)
            for join in node.this.args.get("joins") or ():
                text += _join(reading, join, inner, [], outer)
            raise NotKnown(f"a join in parentheses {text[:0]}")
        said, columns = reading.query(node.this, outer)
        sql = f"({said})"
    elif isinstance(node, exp.Values):
        from trainables.sql.translation.queries import values

        said, columns = values(reading, node, outer)
        heads = ", ".join(identifier(name) for name in columns)
        sql = f"(WITH [v]({heads}) AS ({said}) SELECT * FROM [v])"
    else:
        raise NotKnown(f"{type(node).__name__} in FROM")
    alias = node.args.get("alias")
    for pivot in node.args.get("pivots") or ():
        sql, columns, alias = _pivot(reading, pivot, sql, columns, alias)
    if isinstance(alias, exp.TableAlias) and alias.columns:
        names = [column.name for column in alias.columns]
        if columns is None or len(names) != len(columns):
            raise NotKnown("a list of columns for a table")
        listed = ", ".join(identifier(name) for name in names)
        body = sql[1:-1] if sql.startswith("(") else f"SELECT * FROM {sql}"
        sql = f"(WITH [q]({listed}) AS ({body}) SELECT * FROM [q])"
        columns = dict(zip((name.lower() for name in names), columns.values(), strict=True))
    shown = alias.name if alias is not None and alias.name else ""
    if not shown and isinstance(node, exp.Table):
        shown = node.name
    key = shown.lower() or f"source {len(result.order)}"
    if key in result.scope.sources:
        raise NotSpoken("two tables of one name")
    result.scope.sources[key] = columns
    result.order.append(key)
    text = f"{sql} AS {identifier(shown)}" if shown else sql
    for join in node.args.get("joins") or ():
        text += _join(reading, join, result, [], outer)
    return text


def _columns(reading: Reading, name: str) -> Columns | None:
    for ctes in reversed(reading.ctes):
        if name.lower() in ctes:
            return ctes[name.lower()]
    table = reading.table(name)
    return dict(table.columns) if table is not None else None


def _join(
    reading: Reading, join: exp.Join, result: From, joins: list[exp.Expr], outer: Scope | None
) -> str:
    side = str(join.args.get("side") or "").upper()
    kind = str(join.args.get("kind") or "").upper()
    method = str(join.args.get("method") or "").upper()
    on, using = join.args.get("on"), join.args.get("using")
    if kind == "STRAIGHT":
        kind = ""
    if side not in ("", "LEFT", "RIGHT", "FULL") or kind not in ("", "INNER", "OUTER", "CROSS"):
        raise NotKnown(f"{side} {kind} JOIN".strip())
    if side in ("RIGHT", "FULL"):
        commas = [
            j for j in joins if not (j.args.get("on") or j.args.get("using") or j.args.get("kind"))
        ]
        if commas:
            raise NotKnown(f"{side} JOIN beside a comma")
    right = source(reading, join.this, result, outer)
    if method == "NATURAL" or using:
        result.has_merged_columns = True
    if method not in ("", "NATURAL"):
        raise NotKnown(f"{method} JOIN")
    words = " ".join(word for word in (method, side, "OUTER" if side else "", "JOIN") if word)
    if on is not None:
        return f" {words} {right} ON {condition(reading, on, result.scope)}"
    if using:
        reading.only("USING", "mysql", "postgres", "oracle")
        return f" {words} {right} USING ({', '.join(identifier(u.name) for u in using)})"
    if side and method != "NATURAL":
        raise NotSpoken(f"{side} JOIN without a condition")
    return f" {words} {right}" if method else f" CROSS JOIN {right}"


def inline_laterals(reading: Reading, node: exp.Select) -> exp.Select:
    """Returns a query in which computed columns of LATERAL and CROSS APPLY stand where used.

    Raises:
        NotKnown: The lateral subquery does more than compute columns of each row.
    """
    joins = node.args.get("joins") or ()
    if not any(isinstance(join.this, exp.Lateral) for join in joins):
        return node
    node = node.copy()
    kept: list[exp.Expr] = []
    computed: dict[tuple[str, str], exp.Expr] = {}
    for join in node.args["joins"]:
        lateral = join.this
        if not isinstance(lateral, exp.Lateral):
            kept.append(join)
            continue
        inner = lateral.this.this if isinstance(lateral.this, exp.Subquery) else None
        always = join.args.get("on") is None or join.args["on"] == exp.Boolean(this=True)
        plain = isinstance(inner, exp.Select) and not any(
            inner.args.get(part) for part in inner.args if part != "expressions"
        )
        if (
            not plain
            or not always
            or str(join.args.get("side") or "") == "RIGHT"
            or lateral.args.get("outer")
        ):
            raise NotKnown("a lateral subquery")
        alias = lateral.args.get("alias")
        names = [column.name for column in alias.columns] if alias is not None else []
        assert isinstance(inner, exp.Select)
        for place, item in enumerate(inner.expressions):
            name = names[place] if place < len(names) else item.alias_or_name
            value = item.this if isinstance(item, exp.Alias) else item
            if not name or value.find(exp.Anonymous, exp.Query):
                raise NotKnown("a lateral subquery")
            computed[(alias.name.lower() if alias is not None else "", name.lower())] = value
    node.set("joins", kept)
    if any(isinstance(item, exp.Star) for item in node.expressions):
        raise NotKnown("* over a lateral subquery")
    named = {name for _, name in computed}
    for column in list(node.find_all(exp.Column)):
        key = (column.table.lower(), column.name.lower())
        value = computed.get(key)
        if value is None and not column.table and column.name.lower() in named:
            raise NotKnown("a column of a lateral subquery without its name")
        if value is not None:
            column.replace(exp.Paren(this=value.copy()))
    return node


def _function(reading: Reading, node: exp.Table, outer: Scope | None) -> tuple[str, Columns | None]:
    """PostgreSQL's generate_series in FROM."""
    call = node.this
    name = str(call.this).upper()
    if name != "GENERATE_SERIES":
        if name not in vocabulary.FUNCTIONS[reading.dialect]:
            raise NotSpoken(f"the function {name} in FROM")
        raise NotKnown(f"the function {name} in FROM")
    reading.only("generate_series", "postgres")
    scope = Scope({}, outer)
    arguments = reading.expressions(call.expressions, scope)
    alias = node.args.get("alias")
    name = alias.name if alias is not None and alias.name else "generate_series"
    if len(arguments) == 3 and arguments[2].interval:
        first, last = (as_moment(reading, value) for value in arguments[:2])
        if len(arguments[2].interval) != 1:
            raise NotKnown("a series by a compound interval")
        amount, unit = arguments[2].interval[0]
        following = reading.call("moment_shift", "[n]", amount, string(unit))
        kind, test = STAMP if STAMP in (first.kind, last.kind) else DATE, "<="
        start, end = first.sql, last.sql
        if not amount.isdigit() or int(amount) < 1:
            raise NotKnown("a series backwards")
    else:
        if len(arguments) not in (2, 3) or any(value.kind.name != "integer" for value in arguments):
            raise NotKnown("a series of other than integers")
        step = arguments[2].literal if len(arguments) == 3 else "1"
        if step is None or step == "0":
            raise NotKnown("a series by a computed step")
        following, kind = f"[n] + ({step})", INTEGER
        test = ">=" if step.startswith("-") else "<="
        start, end = arguments[0].sql, arguments[1].sql
    column = identifier(name)
    sql = (
        f"(WITH RECURSIVE [s]([n]) AS (SELECT {start} WHERE {start} {test} {end} UNION ALL"
        f" SELECT {following} FROM [s] WHERE {following} {test} {end})"
        f" SELECT [n] AS {column} FROM [s])"
    )
    return sql, {name.lower(): kind}


def _pivot(
    reading: Reading, pivot: exp.Pivot, sql: str, columns: Columns | None, alias: exp.Expr | None
) -> tuple[str, Columns, exp.Expr | None]:
    """PIVOT: the columns that it does not name are grouped by."""
    reading.only("PIVOT", "tsql", "oracle")
    if pivot.args.get("unpivot") or len(pivot.args["fields"]) != 1 or columns is None:
        raise NotKnown("PIVOT")
    field_ = pivot.args["fields"][0]
    if len(pivot.expressions) != 1 or not isinstance(field_, exp.In):
        raise NotKnown("PIVOT of several aggregates")
    call = pivot.expressions[0]
    call = call.this if isinstance(call, exp.Alias) else call
    if not isinstance(call, exp.Anonymous) or len(call.expressions) != 1:
        raise NotKnown("PIVOT")
    if not isinstance(call.expressions[0], exp.Column) or not isinstance(field_.this, exp.Column):
        raise NotKnown("PIVOT of a computed value")
    by, value = field_.this.name.lower(), call.expressions[0].name.lower()
    if by not in columns or value not in columns:
        raise NotSpoken("PIVOT by a column that is not there")
    groups = [name for name in columns if name not in (by, value)]
    scope = Scope({"p": columns})
    items = [f"{identifier(name)} AS {identifier(name)}" for name in groups]
    kinds: Columns = {name: columns[name] for name in groups}
    for item, name in zip(field_.expressions, pivot.args.get("columns") or (), strict=True):
        wanted = item.this if isinstance(item, exp.PivotAlias | exp.Alias) else item
        if reading.is_of("tsql") and isinstance(wanted, exp.Column):
            is_number = columns[by].is_number and wanted.name.lstrip("-").isdigit()
            wanted = (
                exp.Literal.number(wanted.name) if is_number else exp.Literal.string(wanted.name)
            )
        test = condition(reading, exp.EQ(this=field_.this.copy(), expression=wanted.copy()), scope)
        chosen = exp.Anonymous(this=call.this, expressions=[call.expressions[0].copy()])
        said = reading.expression(chosen, scope)
        inner = identifier(call.expressions[0].name)
        case = f"CASE WHEN {test} THEN {inner} END"
        if said.sql.count(inner) < 1 or said.kind.shown:
            raise NotKnown("PIVOT of an average")
        items.append(f"{said.sql.replace(inner, case)} AS {identifier(name.name)}")
        kinds[name.name.lower()] = said.kind
    grouped = f" GROUP BY {', '.join(identifier(name) for name in groups)}" if groups else ""
    result = f"(SELECT {', '.join(items)} FROM {sql} AS [p]{grouped})"
    return result, kinds, pivot.args.get("alias")

"""ALTER and DROP, said in SQLite."""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.columns import column_kind, column_text, counted_column, name_of
from trainables.sql.translation.kinds import NotKnown
from trainables.sql.translation.reading import Reading, Scope, Table, identifier, says_statement
from trainables.sql.translation.sources import table_name


@says_statement(exp.Drop)
def _drop(reading: Reading, node: exp.Drop) -> list[str]:
    kind = str(node.args.get("kind") or "").upper()
    exists = "IF EXISTS " if node.args.get("exists") else ""
    if kind in ("DATABASE", "SCHEMA", "SEQUENCE", "TYPE", "EXTENSION"):
        return []
    targets = node.args.get("tables") or ([node.this] if node.this is not None else [])
    if kind == "INDEX":
        if node.args.get("this") is None and len(targets) != 1:
            raise NotKnown("DROP INDEX")
        return [f"DROP INDEX {exists}{identifier(targets[0].name)}"]
    if kind not in ("TABLE", "VIEW") or node.args.get("cascade"):
        if (
            kind == "TABLE"
            and reading.is_of("postgres", "oracle", "mysql")
            and node.args.get("cascade")
        ):
            kind = "TABLE"
        else:
            raise NotKnown(f"DROP {kind}")
    statements = []
    for target in targets:
        name = table_name(reading, target)
        if not exists:
            reading.table(name)
        reading.tables.pop(name.lower(), None)
        statements.append(f"DROP {kind} {exists}{identifier(name)}")
    return statements


@says_statement(exp.Alter)
def _alter(reading: Reading, node: exp.Alter) -> list[str]:
    if str(node.args.get("kind")).upper() != "TABLE":
        raise NotKnown(f"ALTER {node.args.get('kind')}")
    name = table_name(reading, node.this)
    table = reading.table(name)
    return [
        statement
        for action in node.args["actions"]
        for statement in _action(reading, action, name, table)
    ]


def _action(reading: Reading, action: exp.Expr, name: str, table: Table | None) -> list[str]:
    start = f"ALTER TABLE {identifier(name)}"
    if isinstance(action, exp.ColumnDef):
        given = table or Table({})
        given.columns[action.name.lower()] = column_kind(reading, action)
        if counted_column(reading, [action]):
            raise NotKnown("a new column that counts up")
        plain = action.copy()
        plain.set("exists", None)
        said = column_text(reading, plain, given, Scope({name.lower(): given.columns}))
        if action.args.get("position"):
            raise NotKnown("the place of a new column")
        return [f"{start} ADD COLUMN {said}"]
    if isinstance(action, exp.Drop) and str(action.args.get("kind")).upper() == "COLUMN":
        # T-SQL drops several at once.
        dropped = [action.this] if action.this is not None else action.args.get("tables") or []
        if table is not None:
            for column in dropped:
                table.columns.pop(column.name.lower(), None)
        return [f"{start} DROP COLUMN {identifier(column.name)}" for column in dropped]
    if isinstance(action, exp.RenameColumn):
        old, new = action.this.name, action.args["to"].name
        if table is not None:
            table.columns = {
                (new.lower() if column == old.lower() else column): kind
                for column, kind in table.columns.items()
            }
        return [f"{start} RENAME COLUMN {identifier(old)} TO {identifier(new)}"]
    if isinstance(action, exp.AlterRename):
        new = table_name(reading, action.this)
        if table is not None:
            reading.tables[new.lower()] = reading.tables.pop(name.lower())
        return [f"{start} RENAME TO {identifier(new)}"]
    if isinstance(action, exp.AddConstraint):
        return _added_constraint(reading, action, name)
    raise NotKnown(f"ALTER TABLE {type(action).__name__}")


def _added_constraint(reading: Reading, action: exp.AddConstraint, name: str) -> list[str]:
    """A unique key as an index; what else can be added later SQLite takes with the table only."""
    statements = []
    for item in action.expressions:
        inner = item.expressions[0] if isinstance(item, exp.Constraint) else item
        if isinstance(inner, exp.UniqueColumnConstraint):
            keys = ", ".join(identifier(name_of(key)) for key in inner.this.expressions)
            label = identifier(f"unique key of {name} {keys}".replace("[", "").replace("]", ""))
            statements.append(f"CREATE UNIQUE INDEX {label} ON {identifier(name)} ({keys})")
        elif isinstance(inner, exp.IndexColumnConstraint):
            continue
        else:
            raise NotKnown("a constraint added to a table")
    return statements


def with_constraints_in_place(trees: list[exp.Expr]) -> list[exp.Expr]:
    """Returns statements in which constraints added to a new table stand in its CREATE TABLE.

    So do defaults of a sequence, as dumps of PostgreSQL write them. What was inserted in between
    does not break them: the dialect has taken it.
    """
    created: dict[str, exp.Schema] = {}
    kept: list[exp.Expr] = []
    for tree in trees:
        if isinstance(tree, exp.Create) and isinstance(tree.this, exp.Schema):
            created[tree.this.this.name.lower()] = tree.this
        if isinstance(tree, exp.Alter):
            schema = created.get(tree.this.name.lower())
            if schema is not None and all(
                _moved(schema, action) for action in tree.args["actions"]
            ):
                continue
        kept.append(tree)
    return kept


def _moved(schema: exp.Schema, action: exp.Expr) -> bool:
    if isinstance(action, exp.AddConstraint):
        for item in action.expressions:
            schema.append("expressions", item.copy())
        return True
    if isinstance(action, exp.AlterColumn) and action.args.get("default") is not None:
        for part in schema.expressions:
            if isinstance(part, exp.ColumnDef) and part.name.lower() == action.this.name.lower():
                kind = exp.DefaultColumnConstraint(this=action.args["default"].copy())
                part.append("constraints", exp.ColumnConstraint(kind=kind))
                return True
    return False

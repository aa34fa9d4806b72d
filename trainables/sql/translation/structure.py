"""The parts of a syntax tree that the rules of this room read; a tree with any other is refused.

Rules say what they know of a node and would pass over what they do not: `negate` of `IS NOT NULL`,
`sample` of a table, `filter` of an aggregate. Nothing may be passed over; so each kind of node has
the list of its parts that count here, and those that decorate.
"""

from __future__ import annotations

from sqlglot import exp

from trainables.sql.translation.kinds import NotKnown

_BINARY = ("this", "expression")
_ONE = ("this",)
_MANY = ("expressions",)

_PARTS: dict[type[exp.Expr], tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *(exp.Add, exp.Sub, exp.Mul, exp.IntDiv, exp.Mod, exp.Pow, exp.And, exp.Or, exp.Xor),
            *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ),
            *(exp.RegexpLike, exp.RegexpILike, exp.Escape, exp.Filter, exp.WithinGroup, exp.Dot),
            *(exp.Extract, exp.ArrayOverlaps, exp.Collate, exp.Command, exp.ColumnPrefix),
        ),
        _BINARY,
    ),
    **dict.fromkeys(
        (
            *(exp.Neg, exp.Not, exp.Paren, exp.Any, exp.All, exp.Exists, exp.From, exp.Where),
            *(exp.Having, exp.Use, exp.Into, exp.Boolean, exp.Null, exp.Star, exp.RawString),
            *(
                exp.ByteString,
                exp.National,
                exp.Var,
                exp.DateStrToDate,
                exp.DataTypeParam,
                exp.LikeProperty,
                exp.ObjectIdentifier,
            ),
            *(exp.EngineProperty, exp.AutoIncrementProperty, exp.SchemaCommentProperty),
            *(exp.CollateProperty, exp.RowFormatProperty, exp.TemporaryProperty),
            *(exp.CommentColumnConstraint, exp.CharacterSetColumnConstraint),
            *(exp.CollateColumnConstraint, exp.DefaultColumnConstraint, exp.CheckColumnConstraint),
            *(exp.OnUpdateColumnConstraint, exp.AutoIncrementColumnConstraint, exp.AlterRename),
            *(exp.Transaction, exp.Commit, exp.SetItem, exp.CurrentDate, exp.CurrentTime),
            *(exp.Localtime, exp.Localtimestamp, exp.InvisibleColumnConstraint),
        ),
        _ONE,
    ),
    **dict.fromkeys(
        (
            *(exp.Tuple, exp.Rollup, exp.Cube, exp.GroupingSets, exp.Array, exp.Whens),
            *(exp.Properties, exp.Set, exp.AddConstraint, exp.Returning, exp.WithTableHint),
            *(exp.TruncateTable, exp.Unnest),
        ),
        _MANY,
    ),
    exp.Alias: ("this", "alias"),
    exp.Alter: ("this", "kind", "exists", "actions", "only"),
    exp.AlterColumn: ("this", "default"),
    exp.Anonymous: ("this", "expressions"),
    exp.Between: ("this", "low", "high", "symmetric"),
    exp.Case: ("this", "ifs", "default"),
    exp.Cast: ("this", "to"),
    exp.CTE: ("this", "alias"),
    exp.CharacterSetProperty: ("this", "default"),
    exp.Column: ("this", "table", "db"),
    exp.ColumnConstraint: ("this", "kind"),
    exp.ColumnDef: ("this", "kind", "constraints", "exists"),
    exp.Comment: ("this", "kind", "expression", "exists"),
    exp.ComputedColumnConstraint: ("this", "persisted"),
    exp.Constraint: ("this", "expressions"),
    exp.Convert: ("this", "expression", "style"),
    exp.Create: ("this", "kind", "exists", "expression", "properties", "unique", "replace"),
    exp.CurrentTimestamp: ("this", "sysdate"),
    exp.DPipe: ("this", "expression", "safe"),
    exp.DataType: ("this", "expressions", "nested", "kind"),
    exp.Delete: ("this", "tables", "using", "where", "order", "limit", "returning"),
    exp.Distinct: ("expressions", "on"),
    exp.Div: ("this", "expression", "typed", "safe"),
    exp.Drop: ("this", "tables", "kind", "exists", "cascade", "constraints"),
    exp.Except: ("this", "expression", "distinct", "with_", "order", "limit", "offset"),
    exp.Fetch: ("direction", "count", "limit_options"),
    exp.ForeignKey: ("expressions", "reference", "delete", "update"),
    exp.GeneratedAsIdentityColumnConstraint: ("this", "start", "increment", "on_null"),
    exp.Group: ("expressions", "rollup", "cube", "grouping_sets"),
    exp.GroupConcat: ("this", "separator"),
    exp.Identifier: ("this", "quoted"),
    exp.If: ("this", "true", "false"),
    exp.ILike: ("this", "expression", "negate"),
    exp.In: ("this", "expressions", "query"),
    exp.Index: ("this", "table", "params", "unique"),
    exp.IndexColumnConstraint: ("this", "expressions", "kind", "options", "index_type"),
    exp.IndexConstraintOption: ("using", "key_block_size", "comment", "visible"),
    exp.IndexParameters: ("using", "columns", "where"),
    exp.Insert: ("this", "expression", "default", "ignore", "conflict", "returning"),
    exp.Intersect: ("this", "expression", "distinct", "with_", "order", "limit", "offset"),
    exp.Interval: ("this", "unit"),
    exp.Is: ("this", "expression", "negate"),
    exp.Join: ("this", "side", "kind", "method", "on", "using"),
    exp.Lateral: ("this", "alias", "cross_apply", "outer"),
    exp.Like: ("this", "expression", "negate"),
    exp.Limit: ("expression", "limit_options", "offset"),
    exp.LimitOptions: ("rows", "percent", "with_ties"),
    exp.Literal: ("this", "is_string"),
    exp.Lock: ("update", "expressions", "wait", "key"),
    exp.Merge: ("this", "using", "on", "whens"),
    exp.NotNullColumnConstraint: ("allow_null",),
    exp.Offset: ("expression",),
    exp.OnConflict: ("duplicate", "expressions", "action", "conflict_keys", "where"),
    exp.Order: ("this", "expressions"),
    exp.Ordered: ("this", "desc", "nulls_first"),
    exp.Overlay: ("this", "expression", "from_", "for_"),
    exp.Pivot: (
        *("expressions", "fields", "alias", "columns", "identify_pivot_strings"),
        *("prefixed_pivot_columns", "pivot_column_naming", "unpivot"),
    ),
    exp.PivotAlias: ("this", "alias"),
    exp.PrimaryKey: ("expressions", "include"),
    exp.PrimaryKeyColumnConstraint: ("include", "desc"),
    exp.Reference: ("this", "options"),
    exp.RenameColumn: ("this", "to"),
    exp.Schema: ("this", "expressions"),
    exp.Select: (
        *("expressions", "from_", "joins", "where", "group", "having", "windows", "order", "into"),
        *("limit", "offset", "distinct", "with_", "operation_modifiers", "locks", "hint"),
    ),
    exp.SequenceProperties: (
        *("start", "increment", "cache", "options", "minvalue", "maxvalue", "owned"),
    ),
    exp.StrToTime: ("this", "format"),
    exp.StrPosition: ("this", "substr"),
    exp.Subquery: ("this", "alias", "joins", "pivots", "with_", "order", "limit", "offset"),
    exp.Substring: ("this", "start", "length"),
    exp.Table: ("this", "db", "alias", "hints", "joins", "pivots"),
    exp.TableAlias: ("this", "columns"),
    exp.Trim: ("this", "position", "expression"),
    exp.TryCast: ("this", "to"),
    exp.Union: ("this", "expression", "distinct", "with_", "order", "limit", "offset"),
    exp.UniqueColumnConstraint: ("this", "include", "index_type"),
    exp.Update: ("this", "expressions", "from_", "where", "order", "limit", "returning"),
    exp.Values: ("expressions", "alias"),
    exp.When: ("matched", "then"),
    exp.Window: ("this", "partition_by", "order", "spec", "over", "alias"),
    exp.WindowSpec: ("kind", "start", "start_side", "end", "end_side"),
    exp.With: ("expressions", "recursive"),
}

_DECORATIONS = (exp.Hint, exp.IndexTableHint, exp.Grant, exp.Revoke, exp.Comment, exp.Set)
"""What a system does in the same way without them, or what a row knows nothing of."""


def check(tree: exp.Expr) -> None:
    """Refuses a statement with a part that no rule reads.

    Raises:
        NotKnown: It has one.
    """
    for node in tree.walk(prune=lambda node: isinstance(node, _DECORATIONS)):
        if isinstance(node, _DECORATIONS):
            continue
        known = _PARTS.get(type(node))
        if known is None:
            raise NotKnown(type(node).__name__)
        for name, value in node.args.items():
            if name not in known and value not in (None, False, []):
                raise NotKnown(f"{name.strip('_')} of {type(node).__name__}")

"""Says statements of MySQL, PostgreSQL, T-SQL and Oracle in SQLite, where their meaning is known.

`grammar` parses with sqlglot, functions left as the calls they are written as; `expressions`,
`functions`, `queries`, `changes` and `definitions` say each construct in SQLite, with functions of
`sql.sandbox.functions` where SQLite has none; `reading` brings them together. An allow-list: what
no rule says is refused, with what it was. Strings in, strings out; nothing is run here.
"""

DIALECTS = ("mysql", "postgres", "tsql", "oracle")
"""Those that are said in SQLite."""

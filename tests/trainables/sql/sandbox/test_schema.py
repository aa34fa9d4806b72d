from __future__ import annotations

import pytest

from trainables.sql.sandbox.comparison import same_state
from trainables.sql.sandbox.database import Database, Limits, SqlFailed
from trainables.sql.sandbox.schema import affinity


def test_what_is_temporary_is_asked_for_alone() -> None:
    with Database(Limits()) as database:
        database.run("CREATE TABLE a (x); CREATE TEMP TABLE b (x); CREATE TEMP VIEW c AS SELECT 1")
        lasting, temporary = database.state(), database.state(temporary=True)
    assert (len(lasting), len(temporary)) == (1, 2)


def test_tables_of_one_name_in_both_schemas_are_two() -> None:
    text = "CREATE TABLE main.a (x); INSERT INTO main.a VALUES (1); CREATE TEMP TABLE a (y)"
    with Database(Limits()) as database, Database(Limits()) as other:
        database.run(text)
        other.run(text.replace("(1)", "(2)"))
        assert not same_state(database.state(), other.state())
        assert same_state(database.state(temporary=True), other.state(temporary=True))


def test_a_view_of_a_table_that_is_gone_does_not_run_but_is_compared() -> None:
    with Database(Limits()) as database:
        database.run("CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t; DROP TABLE t")
        [view] = database.state()
    assert (view.content, view.text) == (None, "select a from t")


def test_a_view_without_end_passes_a_limit() -> None:
    with Database(Limits()) as database:
        database.run(
            "CREATE VIEW v AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c)"
            " SELECT n FROM c"
        )
        with pytest.raises(SqlFailed) as failure:
            database.state()
    assert failure.value.kind == "limit"


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE t (a, b INT DEFAULT (1 + 2), c TEXT DEFAULT 'it''s', d DEFAULT x'00')",
        'CREATE TABLE "t (x" ("a, b" INT CHECK ("a, b" IN (1, 2)), [c)] TEXT)',
        "CREATE TABLE t (a INT -- one, two\n, b /* ( */ INT, CONSTRAINT u UNIQUE (a, b))",
        'CREATE TABLE t (key INT, "check" INT, [unique] INT, conflict INT)',
        "CREATE TABLE t (a DECIMAL(10, 2) NOT NULL ON CONFLICT IGNORE DEFAULT -1.5e3)",
        "CREATE TABLE t AS SELECT 1 AS a, 'x' AS [b c]",
        'CREATE TABLE t (a TEXT DEFAULT "n", b INT GENERATED ALWAYS AS (length(a)) VIRTUAL)',
    ],
)
def test_any_table_is_read_and_is_the_same_as_itself(table: str) -> None:
    with Database(Limits()) as database, Database(Limits()) as other:
        database.run(table)
        other.run(table)
        assert same_state(database.state(), other.state())


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("INT", "integer"),
        ("unsigned big int", "integer"),
        ("CHARINT", "integer"),
        ("VARCHAR(20)", "text"),
        ("BLOB", "blob"),
        ("", "blob"),
        ("DOUBLE PRECISION", "real"),
        ("DECIMAL(10,5)", "numeric"),
        ("DATE", "numeric"),
    ],
)
def test_affinity(declared: str, expected: str) -> None:
    assert affinity(declared) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("id INTEGER PRIMARY KEY", "id INTEGER NOT NULL PRIMARY KEY", True),
        ("id INTEGER PRIMARY KEY", "id integer NOT NULL, PRIMARY KEY (id)", True),
        # These are no rowids, and take NULL.
        ("id INT PRIMARY KEY", "id INT NOT NULL PRIMARY KEY", False),
        ("id INTEGER PRIMARY KEY DESC", "id INTEGER NOT NULL PRIMARY KEY DESC", False),
        (
            "id INTEGER, n INT, PRIMARY KEY (id, n)",
            "id INTEGER NOT NULL, n INT, PRIMARY KEY (id, n)",
            False,
        ),
    ],
)
def test_a_rowid_is_never_null_whether_it_says_so_or_not(one: str, other: str, same: bool) -> None:
    states = []
    for columns in (one, other):
        with Database(Limits()) as database:
            database.run(f"CREATE TABLE t ({columns})")
            states.append(database.state())
    assert same_state(*states) == same

"""Hostile predictions: none scores, leaves anything behind, or takes the next row along."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import pytest

from trainables.contract.scores import UNJUDGED
from trainables.sql.execution import SqlExecutor
from trainables.sql.sandbox.database import Limits
from trainables.sql.sandbox.permissions import CHANGES, is_permitted
from trainables.sql.sandbox.process import ChildDied

CONTEXT = "CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2);"
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
BIG = "printf('%.*c', 900000, 'a')"
# One call that never comes back to SQLite's counter: it compares 10^11 bytes.
STUCK = f"SELECT instr({BIG}, substr({BIG}, 1, 450000) || 'b')"
DIGITS = "(" + " UNION ALL ".join(["SELECT 1 AS x"] * 10) + ")"

# {file} is a path that must not come to be, {secret} one that must not be read.
FORBIDDEN = {
    "attach a file": "ATTACH DATABASE '{file}' AS d",
    "attach and write": "ATTACH '{file}' AS d; CREATE TABLE d.x (a); INSERT INTO d.x VALUES (1)",
    "attach by URI": "ATTACH 'file:{file}?mode=rwc' AS d",
    "attach memory": "ATTACH ':memory:' AS d",
    "attach a secret": "ATTACH '{secret}' AS d; SELECT * FROM d.sqlite_master",
    "attach by expression": "ATTACH ('{fil' || 'e}') AS d",
    "attach after a comment": "/* SELECT */ ATTACH '{file}' AS d -- x",
    "attach after a select": "SELECT a FROM t; ATTACH '{file}' AS d",
    "detach": "DETACH main",
    "vacuum into a file": "VACUUM INTO '{file}'",
    "vacuum": "VACUUM",
    "load an extension": "SELECT load_extension('{file}')",
    "load with an entry point": "SELECT load_extension('libc.so.6', 'system')",
    "load in a view": "CREATE VIEW v AS SELECT load_extension('{file}') AS a",
    "load in a trigger": (
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT load_extension('{file}'); END;"
        "INSERT INTO t VALUES (3)"
    ),
    "load in a default": (
        "CREATE TABLE x (a DEFAULT (load_extension('{file}')), b); INSERT INTO x (b) VALUES (1)"
    ),
    "load in an index": "CREATE INDEX i ON t (load_extension('{file}'))",
    "load in a check": (
        "CREATE TABLE x (a CHECK (load_extension('{file}'))); INSERT INTO x VALUES (1)"
    ),
    "load by values": "VALUES (load_extension('{file}'))",
    "read a file": "SELECT readfile('{secret}')",
    "write a file": "SELECT writefile('{file}', 'x')",
    "edit": "SELECT edit('x', 'sh')",
    "a tokenizer's pointer": "SELECT fts3_tokenizer('simple', x'4141414141414141')",
    "list a folder": "SELECT * FROM fsdir('/')",
    "a pragma": "PRAGMA journal_mode = WAL",
    "a pragma that writes the schema": (
        "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = ''"
    ),
    "write the schema": "UPDATE sqlite_master SET sql = 'x'",
    "delete the schema": "DELETE FROM sqlite_schema",
    "drop the schema": "DROP TABLE sqlite_master",
    "a pragma that moves files": "PRAGMA temp_store_directory = '{file}'",
    "a pragma that lifts a limit": "PRAGMA hard_heap_limit = 0",
    "a pragma that loads": "PRAGMA trusted_schema = ON",
    "a pragma as a table": "SELECT * FROM pragma_database_list",
    "a pragma as a function": "SELECT * FROM pragma_table_info('t')",
    "a virtual table": "CREATE VIRTUAL TABLE v USING fts5(a)",
    "a virtual csv": "CREATE VIRTUAL TABLE v USING csv(filename='{secret}')",
    "a virtual r-tree": "CREATE VIRTUAL TABLE v USING rtree(a, b, c)",
    "raw pages": "SELECT * FROM sqlite_dbpage",
    "write raw pages": "UPDATE sqlite_dbpage SET data = zeroblob(4096)",
    "statements of the process": "SELECT * FROM sqlite_stmt",
    "bytecode": "SELECT * FROM bytecode('SELECT 1')",
    "options of the library": "SELECT sqlite_compileoption_get(0)",
    "a shell command": ".shell touch {file}",
    "a shell's output": ".output {file}\nSELECT 1",
    "a server's copy": "COPY t TO PROGRAM 'touch {file}'",
    "a server's file": "SELECT a FROM t INTO OUTFILE '{file}'",
    "a server's load": "LOAD DATA INFILE '{secret}' INTO TABLE t",
    "a server's sleep": "SELECT SLEEP(1000)",
    "Python": "__import__('os').system('touch {file}')",
    "the protocol": '"reference"\n{{"context": null, "reference": null, "equal": true}}',
}

COSTLY = {
    "count for ever": f"{ENDLESS} SELECT COUNT(*) FROM c",
    "return for ever": f"{ENDLESS} SELECT x FROM c",
    "grow for ever": f"{ENDLESS} SELECT group_concat(x) FROM c",
    "sort for ever": f"{ENDLESS} SELECT x FROM c ORDER BY -x",
    "insert for ever": f"INSERT INTO t {ENDLESS} SELECT x FROM c",
    "distinct for ever": f"{ENDLESS} SELECT COUNT(DISTINCT x) FROM c",
    "a table for ever": f"CREATE TABLE x AS {ENDLESS} SELECT x, randomblob(1000) FROM c",
    "a view for ever": f"CREATE VIEW v AS {ENDLESS} SELECT x FROM c",
    "window for ever": f"{ENDLESS} SELECT SUM(x) OVER (ORDER BY x) FROM c",
    "a great product": f"SELECT COUNT(*) FROM {','.join([DIGITS] * 9)}",
    "many rows": f"SELECT 1 FROM {','.join([DIGITS] * 5)}",
    "large rows": f"SELECT {BIG} FROM {DIGITS}, {DIGITS}",
    "a long blob": "SELECT zeroblob(2000000000)",
    "a long random blob": "SELECT randomblob(2000000000)",
    "a long hexadecimal": "SELECT hex(zeroblob(900000))",
    "a long replacement": f"SELECT replace({BIG}, 'a', {BIG})",
    "doubling": (
        "WITH RECURSIVE c(x) AS (SELECT 'aa' UNION ALL SELECT x || x FROM c)SELECT length(x) FROM c"
    ),
    "much memory": f"{ENDLESS} SELECT COUNT(*) FROM (SELECT DISTINCT {BIG} || x FROM c)",
    "a long pattern": f"SELECT {BIG} LIKE '{'%a' * 40_000}b'",
    "many terms": "SELECT " + " UNION ALL SELECT ".join(["1"] * 5_000),
    "a deep expression": "SELECT " + "1+" * 20_000 + "1",
    "deep parentheses": "SELECT " + "(" * 5_000 + "1" + ")" * 5_000,
    "many columns": "SELECT " + ",".join(["1"] * 5_000),
    "a trigger on itself": (
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO t VALUES (NEW.a + 1); END;"
        "PRAGMA recursive_triggers = ON; INSERT INTO t VALUES (1)"
    ),
}


# In a row of another dialect, whose functions Python computes.
COSTLY_ELSEWHERE = {
    "a long repetition": ("mysql", "SELECT REPEAT('ab', 100000000)"),
    "a long padding": ("mysql", "SELECT LPAD('a', 2000000000, 'b')"),
    "doubling": ("mysql", "SELECT " + "CONCAT(" * 30 + "'ab'" + ", REPEAT('ab', 100000))" * 30),
    "a series": ("postgres", "SELECT COUNT(*) FROM generate_series(1, 2000000000) AS g (n)"),
    "calls in a series": (
        "postgres",
        "SELECT SUM(LENGTH(n::text)) FROM generate_series(1, 2000000000) AS g (n)",
    ),
    "a pattern": ("postgres", "SELECT a::text FROM t WHERE REPEAT('a', 50000) ~ '^(a+)+$'"),
    "a long pattern": ("postgres", f"SELECT 1 FROM t WHERE REPEAT('a', 90000) LIKE '{'%a' * 40}b'"),
}
CONTEXTS = {
    "mysql": CONTEXT.replace(" t ", " `t` "),
    "postgres": "CREATE TABLE s (id SERIAL);" + CONTEXT,
}


@pytest.fixture(scope="module")
def executor() -> Iterator[SqlExecutor]:
    with SqlExecutor() as executor:
        yield executor


def is_scored_between_good_rows(executor: SqlExecutor, attack: str) -> None:
    good = "SELECT a FROM t"
    predictions = [good, attack, "SELECT a FROM t WHERE 1"]
    rows = executor.execute([CONTEXT] * 3, [good] * 3, predictions)
    assert rows == [
        {"execution_accuracy": 1.0, "valid_sql": 1.0},
        {"execution_accuracy": 0.0, "valid_sql": 0.0},
        {"execution_accuracy": 1.0, "valid_sql": 1.0},
    ]


@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden(executor: SqlExecutor, name: str, tmp_path: Path) -> None:
    file, secret = tmp_path / "made", tmp_path / "secret"
    connection = sqlite3.connect(secret)
    connection.execute("CREATE TABLE secret (a)")
    connection.close()
    before = secret.read_bytes()
    attack = FORBIDDEN[name].replace("{file}", str(file)).replace("{secret}", str(secret))
    is_scored_between_good_rows(executor, attack)
    assert list(tmp_path.iterdir()) == [secret]
    assert secret.read_bytes() == before


@pytest.mark.parametrize("name", COSTLY)
def test_costly(executor: SqlExecutor, name: str) -> None:
    is_scored_between_good_rows(executor, COSTLY[name])


@pytest.mark.parametrize("name", COSTLY_ELSEWHERE)
def test_costly_in_a_row_of_another_dialect(executor: SqlExecutor, name: str) -> None:
    dialect, attack = COSTLY_ELSEWHERE[name]
    good = "SELECT a FROM t"
    rows = executor.execute([CONTEXTS[dialect]] * 3, [good] * 3, [good, attack, "SELECT a FROM t"])
    assert rows[0] == rows[2] == {"execution_accuracy": 1.0, "valid_sql": 1.0}
    # Wrong, or not judged; never right, and nothing that takes the next row along.
    assert rows[1]["execution_accuracy"] in (0.0, None)
    assert rows[1]["valid_sql"] in (0.0, None)


def test_only_listed_actions_are_permitted() -> None:
    actions = {
        value
        for name, value in vars(sqlite3).items()
        if name.startswith(("SQLITE_CREATE", "SQLITE_DROP", "SQLITE_ATTACH", "SQLITE_DETACH"))
        or name in ("SQLITE_PRAGMA", "SQLITE_FUNCTION", "SQLITE_ALTER_TABLE")
    }
    permitted = {action for action in actions if is_permitted(action, "t", "unknown")}
    assert permitted == actions & CHANGES
    assert not is_permitted(sqlite3.SQLITE_PRAGMA, "journal_mode", "wal")


def test_a_prediction_that_hangs_does_not_stall_the_batch_and_is_not_judged() -> None:
    # Another machine may have the time for it.
    with SqlExecutor(Limits(cpu_seconds=0.3)) as executor:
        good = "SELECT a FROM t"
        rows = executor.judge([CONTEXT] * 3, [good] * 3, [good, STUCK, good])
    assert [(row.execution_accuracy, row.valid_sql) for row in rows] == [
        (1.0, 1.0),
        (None, None),
        (1.0, 1.0),
    ]
    assert rows[1].reason is not None
    assert rows[1].reason.kind == UNJUDGED


def test_a_row_that_reached_its_time_is_tried_once_more_in_a_new_child() -> None:
    asked = []

    class Process:
        def ask(self, request: dict[str, Any], heartbeat: object) -> dict[str, Any]:
            asked.append(request["prediction"])
            if len(asked) == 1:
                raise ChildDied("reference")
            return dict.fromkeys(("context", "reference", "prediction", "unjudged", "message")) | {
                "equal": True
            }

    with SqlExecutor() as executor, mock.patch.object(executor._runs, "_process", Process()):
        assert executor.execute([CONTEXT], ["SELECT 1"], ["SELECT 2"]) == [
            {"execution_accuracy": 1.0, "valid_sql": 1.0}
        ]
    assert asked == ["SELECT 2"] * 2


def test_a_reference_that_hangs_leaves_only_its_row_out() -> None:
    with SqlExecutor(Limits(cpu_seconds=0.3)) as executor:
        rows = executor.execute(
            [CONTEXT] * 3, [STUCK, "SELECT 1", STUCK], ["SELECT 1", "SELECT 1", "SELEC"]
        )
    assert rows == [
        {"execution_accuracy": None, "valid_sql": 1.0},
        {"execution_accuracy": 1.0, "valid_sql": 1.0},
        {"execution_accuracy": None, "valid_sql": 0.0},
    ]


def test_a_context_that_hangs_leaves_only_its_row_out() -> None:
    with SqlExecutor(Limits(cpu_seconds=0.3)) as executor:
        rows = executor.execute(
            [f"CREATE TABLE x AS {STUCK}", CONTEXT], ["SELECT 1"] * 2, ["SELECT 1"] * 2
        )
    assert rows == [
        {"execution_accuracy": None, "valid_sql": None},
        {"execution_accuracy": 1.0, "valid_sql": 1.0},
    ]


def child_of(executor: SqlExecutor) -> psutil.Process:
    executor.execute([CONTEXT], ["SELECT 1"], ["SELECT 1"])
    ours = [c for c in psutil.Process().children() if "scoring_child" in " ".join(c.cmdline())]
    return ours[-1]


def test_the_death_of_the_child_changes_no_score() -> None:
    with SqlExecutor() as executor:
        child = child_of(executor)
        child.kill()
        child.wait()
        rows = executor.execute([CONTEXT], ["SELECT a FROM t"], ["SELECT a FROM t WHERE 1"])
        assert rows == [{"execution_accuracy": 1.0, "valid_sql": 1.0}]
        assert child_of(executor).pid != child.pid


def test_a_child_that_answers_nothing_is_killed_at_the_wall_clock_limit() -> None:
    with SqlExecutor(Limits(wall_seconds=5)) as executor:
        child = child_of(executor)
        child.suspend()
        rows = executor.execute([CONTEXT, ""], ["SELECT 1"] * 2, ["SELECT 1"] * 2)
        assert rows == [{"execution_accuracy": 1.0, "valid_sql": 1.0}] * 2  # by another child
        assert not child.is_running()


def test_closing_ends_the_child() -> None:
    with SqlExecutor() as executor:
        child = child_of(executor)
        assert child.is_running()
    assert not child.is_running()


def test_the_child_has_no_way_out() -> None:
    with SqlExecutor() as executor:
        child = child_of(executor)
        assert child.cwd() == "/"
        assert set(child.environ()) <= {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LC_CTYPE"}
        if hasattr(child, "rlimit"):
            assert child.rlimit(psutil.RLIMIT_NOFILE) == (3, 3)
            assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
            assert child.rlimit(psutil.RLIMIT_NPROC) == (0, 0)
            assert child.rlimit(psutil.RLIMIT_AS)[1] == Limits().address_bytes


# Both would take for ever to find the answer that they have where rows come in another order.
STUCK_IN_ANOTHER_ORDER = (
    f"SELECT CASE (SELECT a FROM t LIMIT 1) WHEN 1 THEN 5 ELSE ({STUCK}) END AS x"
)
COSTLY_IN_ANOTHER_ORDER = (
    "SELECT CASE (SELECT a FROM t LIMIT 1) WHEN 1 THEN 5 ELSE"
    f" ({ENDLESS} SELECT COUNT(*) FROM c) END AS x"
)


@pytest.mark.parametrize("reference", [STUCK_IN_ANOTHER_ORDER, COSTLY_IN_ANOTHER_ORDER])
def test_judging_that_reaches_a_limit_is_not_held_against_the_prediction(reference: str) -> None:
    with SqlExecutor(Limits(cpu_seconds=0.5)) as executor:
        rows = executor.judge(
            [CONTEXT] * 3, [reference, "SELECT 1", reference], ["SELECT 6", "SELECT 1", "SELECT 5"]
        )
    assert [(row.execution_accuracy, row.valid_sql) for row in rows] == [
        (None, 1.0),
        (1.0, 1.0),
        (1.0, 1.0),
    ]
    assert rows[0].reason is not None
    assert rows[0].reason.kind == UNJUDGED

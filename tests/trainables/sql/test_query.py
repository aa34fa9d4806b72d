"""A predicted SELECT is run and shown; anything else is refused with its reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trainables.sql.query import QUERY_LIMITS, QueryFailed, query
from trainables.sql.sandbox.database import Limits
from trainables.sql.sandbox.process import SandboxUnavailable

CONTEXT = "CREATE TABLE t (a INT, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, NULL), (3, 'z')"
ENDLESS = "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r"
PACKAGES = Path(__file__).resolve().parents[3]


def test_columns_and_rows() -> None:
    found = query("SELECT a, b AS a FROM t ORDER BY 1 DESC;", context=CONTEXT)
    assert found.columns == ["a", "a"]
    assert found.rows == [[3, "z"], [2, None], [1, "x"]]
    assert not found.cut


def test_no_more_rows_than_asked_for() -> None:
    assert query("SELECT a FROM t", context=CONTEXT, rows=2).cut
    assert not query("SELECT a FROM t", context=CONTEXT, rows=3).cut


def test_values_that_json_lacks() -> None:
    found = query("SELECT x'00ff', 9e999, CAST(x'ff41' AS TEXT), ''", context=CONTEXT)
    assert found.rows == [["X'00FF'", "inf", "?A", ""]]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("", "no statement"),
        ("-- only a remark", "no statement"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("DROP TABLE t", "more than read"),
        ("INSERT INTO t VALUES (1, 'x')", "more than read"),
        ("WITH n AS (SELECT 1) DELETE FROM t", "more than read"),
        ("UPDATE t SET a = 1 RETURNING a", "more than read"),
        ("CREATE TEMP TABLE s (a)", "more than read"),
        ("PRAGMA table_info(t)", "more than read"),
        ("ATTACH '/tmp/x' AS x", "more than read"),
        ("BEGIN", "more than read"),
        ("SELECT load_extension('x')", "load_extension"),
        ("SELECT * FROM pragma_database_list", "more than read"),
        ("SELECT absent FROM t", "no such column: absent"),
        ("SELECT FROM WHERE", "syntax error"),
        ("SELECT '\x00'", "."),
    ],
)
def test_what_is_refused(sql: str, reason: str) -> None:
    with pytest.raises(QueryFailed, match=reason):
        query(sql, context=CONTEXT)


def test_limits_end_a_query() -> None:
    with pytest.raises(QueryFailed, match=r"0\.3 s of processor time"):
        query(ENDLESS, context=CONTEXT, limits=QUERY_LIMITS._replace(cpu_seconds=0.3))
    with pytest.raises(QueryFailed, match="interrupted"):
        query(ENDLESS, context=CONTEXT, limits=Limits(instructions=100_000))


def test_other_dialects_are_translated_as_in_scoring() -> None:
    context = "CREATE TABLE `t` (`d` DATE) ENGINE=InnoDB; INSERT INTO t VALUES ('2020-05-17')"
    found = query("SELECT YEAR(d) FROM t", context=context)
    assert found.rows == [[2020]]
    assert "STRFTIME" in found.sql


def test_a_context_that_does_not_run_is_told_apart() -> None:
    with pytest.raises(QueryFailed, match=r"the context does not run: .*syntax error"):
        query("SELECT 1", context="CREATE THING t")


def test_a_python_that_does_not_start_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(SandboxUnavailable, match="cannot be started"):
        query("SELECT 1", context=CONTEXT)


def test_the_child_needs_the_standard_library_only() -> None:
    program = (
        f"import sys; sys.path.append({str(PACKAGES)!r})\n"
        "import trainables.sql.sandbox.query_child\n"
        "ours = {m.partition('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)\n"
        "assert ours <= {'__main__', 'trainables'}, ours\n"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, timeout=60)

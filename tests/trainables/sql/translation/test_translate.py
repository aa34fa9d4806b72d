"""Translation is an allow-list: what no rule says is refused, never passed over."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from trainables.sql.translation import DIALECTS, structure
from trainables.sql.translation.grammar import parse
from trainables.sql.translation.kinds import NotKnown
from trainables.sql.translation.scripts import readable
from trainables.sql.translation.translate import translate

CONTEXT = (
    "CREATE TABLE t (id INT, a VARCHAR(10), n INT, p DECIMAL(8,2), d DATE);"
    "CREATE TABLE u (id INT, b VARCHAR(10));"
)

PASSED_OVER = [
    ("postgres", "SELECT a FROM t TABLESAMPLE BERNOULLI (10)"),
    ("tsql", "SELECT a FROM t TABLESAMPLE (10 PERCENT)"),
    ("oracle", "SELECT LAG(n IGNORE NULLS) OVER (ORDER BY id) FROM t"),
    ("tsql", "SELECT LAG(n) IGNORE NULLS OVER (ORDER BY id) FROM t"),
    ("postgres", "SELECT SUM(n) OVER (ORDER BY id ROWS 1 PRECEDING EXCLUDE TIES) FROM t"),
    ("tsql", "SELECT TOP 10 PERCENT a FROM t ORDER BY id"),
    ("tsql", "SELECT a FROM t FOR JSON AUTO"),
    ("oracle", "SELECT a FROM t START WITH id = 1 CONNECT BY PRIOR id = n"),
    ("oracle", "SELECT t.a FROM t, u WHERE t.id = u.id(+)"),
    ("postgres", "SELECT d AT TIME ZONE 'UTC' FROM t"),
    ("postgres", 'SELECT a COLLATE "C" FROM t'),
    ("mysql", "SELECT a COLLATE utf8mb4_bin FROM t"),
    ("postgres", "SELECT SUM(DISTINCT n) FILTER (WHERE n > 1) OVER () FROM t"),
    ("tsql", "SELECT a FROM t FOR SYSTEM_TIME AS OF '2024-01-01'"),
    ("postgres", "WITH c AS MATERIALIZED (DELETE FROM t RETURNING a) SELECT a FROM c"),
    ("postgres", "SELECT a FROM ONLY t"),
    ("mysql", "SELECT a FROM t PARTITION (p0)"),
    ("tsql", "UPDATE TOP (1) t SET n = 1"),
    ("tsql", "DELETE FROM t OUTPUT deleted.id WHERE n = 1"),
    ("tsql", "SELECT * FROM t UNPIVOT (v FOR k IN ([n], [id])) x"),
    ("mysql", "INSERT INTO t (id) VALUES (1) AS new ON DUPLICATE KEY UPDATE n = new.id"),
]

MEANS = [
    ("postgres", "SELECT a FROM t WHERE a IS NOT NULL", "(NOT ([a] IS NULL))"),
    ("postgres", "SELECT a FROM t WHERE a NOT LIKE 'x%'", "(NOT text_like([a], 'x%', '\\'))"),
    ("mysql", "SELECT n / 2 FROM t", "CAST([n] AS REAL) / 2"),
    ("postgres", "SELECT n / 2 FROM t", "([n] / 2)"),
    ("tsql", "SELECT p / 2 FROM t", "CAST([p] AS REAL) / 2"),
    ("postgres", "SELECT n / id FROM t", "number_divide([n], [id])"),
    ("oracle", "SELECT n FROM t ORDER BY n DESC", "ORDER BY [n] DESC NULLS FIRST"),
    ("mysql", "SELECT n FROM t ORDER BY n", "ORDER BY [n]"),
    ("tsql", "SELECT a + 'x' FROM t", "([a] || 'x')"),
    ("tsql", "SELECT n + 1 FROM t", "([n] + 1)"),
    ("mysql", "SELECT LOWER(a) = 'x' FROM t", "text_lower([a]) = 'x' COLLATE like_mysql"),
    ("postgres", "SELECT n FROM t WHERE d > '2024-1-5'", "([d] > '2024-01-05')"),
    ("oracle", "SELECT NVL('', 'x') FROM dual", "COALESCE(NULL, 'x')"),
]

NOT_SPOKEN = [
    ("mysql", "SELECT a::text FROM t"),
    ("postgres", "SELECT TOP 1 a FROM t"),
    ("tsql", "SELECT a FROM t LIMIT 1"),
    ("oracle", "SELECT a FROM t LIMIT 1"),
    ("postgres", "SELECT `a` FROM t"),
    ("mysql", "SELECT [a] FROM t"),
    ("postgres", "SELECT IFNULL(a, 'x') FROM t"),
    ("mysql", "SELECT NVL(a, 'x') FROM t"),
    ("tsql", "SELECT absent FROM t"),
    ("tsql", "SELECT a FROM absent"),
    ("postgres", "SELECT SUM(a) FROM t"),
    ("postgres", "SELECT a FROM t WHERE n = 'x'"),
    ("postgres", "SELECT a FROM t WHERE n"),
    ("oracle", "SELECT a FROM t WHERE d = '2024-01-05'"),
    ("tsql", "SELECT a FROM t WHERE d > NOW()"),
    ("mysql", "SELECT a FROM t WHERE d > GETDATE()"),
    ("postgres", "VACUUM"),
    ("postgres", "COPY t TO '/tmp/x'"),
]


def of(dialect: str, text: str | None) -> dict[str, object]:
    # Oracle reads a literal in ISO form as no date; the tables hold none.
    return translate(dialect, CONTEXT, text)


@pytest.mark.parametrize(("dialect", "text"), PASSED_OVER)
def test_nothing_is_passed_over(dialect: str, text: str) -> None:
    said = of(dialect, text)
    assert "sql" not in said
    assert said["reason"] != "a construct of an unknown shape"


@pytest.mark.parametrize(("dialect", "text", "piece"), MEANS)
def test_what_is_said(dialect: str, text: str, piece: str) -> None:
    assert piece in str(of(dialect, text)["sql"])


@pytest.mark.parametrize(("dialect", "text"), NOT_SPOKEN)
def test_what_a_dialect_does_not_have(dialect: str, text: str) -> None:
    assert of(dialect, text)["refused"] == "not spoken"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_further_part_of_any_node_is_refused(dialect: str) -> None:
    text = (
        "SELECT t.a, COUNT(*) AS c FROM t JOIN u ON u.id = t.id WHERE t.n BETWEEN 1 AND 2"
        " AND t.a LIKE 'x' AND t.a IS NULL AND t.id IN (1, 2) GROUP BY t.a HAVING COUNT(*) > 1"
        " ORDER BY t.a"
    )
    [tree], _ = parse(text, dialect)
    structure.check(tree)
    nodes = [node for node in tree.walk() if not isinstance(node, exp.Star)]
    assert len(nodes) > 40
    for node in nodes:
        node.set("a_part_of_tomorrow", exp.Literal.number(1))
        with pytest.raises(NotKnown, match="a_part_of_tomorrow"):
            structure.check(tree)
        node.set("a_part_of_tomorrow", None)


def test_a_script_of_sql_server_is_cut_into_statements() -> None:
    script = (
        "USE x\nGO\nCREATE TABLE [t] ([id] [int] NOT NULL,\n[s] [int])\nGO\nINSERT [t] VALUES (1)"
    )
    said = [piece.strip() for piece in readable(script, "tsql").split(";") if piece.strip()]
    assert said == [
        "USE x",
        "CREATE TABLE [t] ([id] int NOT NULL,\n[s] int)",
        "INSERT [t] VALUES (1)",
    ]
    assert readable("SELECT 'GO\nGO\n[int] CLUSTERED'", "tsql").count("CLUSTERED") == 1


def test_delimiters_of_mysql_are_semicolons() -> None:
    script = "DELIMITER $$\nSELECT 1$$\nDELIMITER ;\nSELECT '$$';"
    assert readable(script, "mysql").split() == ["SELECT", "1;", "SELECT", "'$$';"]


WORDS = """SELECT FROM t u a n p d WHERE AND NOT ( ) , . * = < + - / || 'x' 1 2.5 NULL IS IN LIKE
    BETWEEN CASE WHEN THEN END AS JOIN LEFT ON GROUP BY ORDER LIMIT TOP UNION EXCEPT SUM( COUNT(
    EXTRACT( YEAR INTERVAL DAY CAST( INT DISTINCT OVER( UPDATE SET DELETE INSERT INTO VALUES
    CREATE TABLE :: [ ] ` PIVOT ROLLUP( ANY( WITH"""


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(DIALECTS), st.lists(st.sampled_from(WORDS.split()), max_size=14).map(" ".join)
)
def test_any_words_are_translated_or_refused(dialect: str, text: str) -> None:
    said = of(dialect, text)
    assert ("sql" in said) != ("refused" in said)


@pytest.mark.parametrize("context", [CONTEXT, "CREATE TABLE t (a NUMBER(5), n VARCHAR2(5))"])
def test_what_one_text_does_is_unknown_to_the_next(context: str) -> None:
    """A context is read once for all texts; Oracle's kinds of columns are not of PostgreSQL."""

    def said(text: str) -> dict[str, object]:
        return translate("postgres", context, text, known_tables=False)

    added, asked = "ALTER TABLE t ADD COLUMN z INT", "SELECT z FROM t"
    before = said(asked)
    assert before["refused"] == "not spoken"
    assert "sql" in said(f"{added}; {asked}")
    assert "sql" in said("CREATE TYPE kind AS ENUM ('x'); CREATE TABLE e (k kind)")
    assert said(asked) == before
    assert "sql" not in said("CREATE TABLE f (k kind)")

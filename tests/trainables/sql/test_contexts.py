"""Contexts as dumps and scripts write them: what decorates is left out, what counts is kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trainables.sql.execution import SqlExecutor

CONTEXTS = {
    "sqlite dump": (
        (
            "PRAGMA foreign_keys=OFF;\n"
            "BEGIN TRANSACTION;\n"
            "CREATE TABLE g (id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT);\n"
            "INSERT INTO g VALUES(1,'a');\n"
            "DELETE FROM sqlite_sequence;\n"
            "INSERT INTO sqlite_sequence VALUES('g',1);\n"
            "COMMIT;"
        ),
        "SELECT n FROM g",
        "SELECT 'a'",
    ),
    "mysqldump": (
        (
            "-- MySQL dump 10.13\n"
            "/*!40101 SET NAMES utf8 */;\n"
            "DROP TABLE IF EXISTS `g`;\n"
            "CREATE TABLE `g` (\n"
            "  `id` int(11) NOT NULL AUTO_INCREMENT,\n"
            "  `n` varchar(20) CHARACTER SET utf8 COLLATE utf8_general_ci DEFAULT NULL "
            "COMMENT 'name',\n"
            "  `k` enum('a','b') NOT NULL DEFAULT 'a',\n"
            "  `p` decimal(10,2) unsigned DEFAULT '0.00',\n"
            "  PRIMARY KEY (`id`),\n"
            "  UNIQUE KEY `u` (`n`),\n"
            "  KEY `k` (`k`) USING BTREE\n"
            ") ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8 COMMENT='x';\n"
            "LOCK TABLES `g` WRITE;\n"
            "/*!40000 ALTER TABLE `g` DISABLE KEYS */;\n"
            "INSERT INTO `g` VALUES (1,'x','a',1.50),(2,'y','b',2);\n"
            "UNLOCK TABLES;"
        ),
        "SELECT n FROM g WHERE p/4 > 0.4",
        "SELECT 'y'",
    ),
    "use": (
        ("CREATE DATABASE shop; USE shop; CREATE TABLE g (n INT); INSERT INTO g VALUES (1)"),
        "SELECT n FROM g",
        "SELECT 1",
    ),
    "use sql server": (
        (
            "USE [shop]\n"
            "GO\n"
            "SET ANSI_NULLS ON\n"
            "GO\n"
            "SET QUOTED_IDENTIFIER ON\n"
            "GO\n"
            "CREATE TABLE [dbo].[g](\n"
            "\t[id] [int] IDENTITY(1,1) NOT NULL,\n"
            "\t[n] [nvarchar](50) NULL,\n"
            " CONSTRAINT [PK_g] PRIMARY KEY CLUSTERED \n"
            "(\n"
            "\t[id] ASC\n"
            ")WITH (PAD_INDEX = OFF, STATISTICS_NORECOMPUTE = OFF) ON [PRIMARY]\n"
            ") ON [PRIMARY]\n"
            "GO\n"
            "INSERT [dbo].[g] ([n]) VALUES (N'a')\n"
            "INSERT [dbo].[g] ([n]) VALUES (N'b')\n"
            "GO\n"
        ),
        "SELECT [id], n FROM dbo.g ORDER BY id",
        "SELECT 1,'a' UNION ALL SELECT 2,'b' ORDER BY 1",
    ),
    "dbo simple": (
        (
            "CREATE TABLE dbo.g (id INT IDENTITY(1,1) PRIMARY KEY, n VARCHAR(10)); "
            "INSERT INTO dbo.g (n) VALUES ('a'),('b')"
        ),
        "SELECT id FROM dbo.g WHERE n = 'B'",
        "SELECT 2",
    ),
    "pg dump": (
        (
            "SET statement_timeout = 0;\n"
            "SET client_encoding = 'UTF8';\n"
            "SELECT pg_catalog.set_config('search_path', '', false);\n"
            "CREATE TYPE public.mood AS ENUM ('sad', 'ok');\n"
            "CREATE TABLE public.g (id integer NOT NULL, n character varying(20), m "
            "public.mood, ok boolean DEFAULT true);\n"
            "ALTER TABLE public.g OWNER TO postgres;\n"
            "CREATE SEQUENCE public.g_id_seq START WITH 1 INCREMENT BY 1 NO MINVALUE NO "
            "MAXVALUE CACHE 1;\n"
            "ALTER SEQUENCE public.g_id_seq OWNED BY public.g.id;\n"
            "ALTER TABLE ONLY public.g ALTER COLUMN id SET DEFAULT "
            "nextval('public.g_id_seq'::regclass);\n"
            "INSERT INTO public.g VALUES (1, 'a', 'sad', true);\n"
            "INSERT INTO public.g VALUES (2, 'b', 'ok', 'f');\n"
            "ALTER TABLE ONLY public.g ADD CONSTRAINT g_pkey PRIMARY KEY (id);\n"
            "ALTER TABLE ONLY public.g ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES "
            "public.g(id);\n"
        ),
        "SELECT n FROM public.g WHERE ok",
        "SELECT 'a'",
    ),
    "create type": (
        (
            "CREATE TYPE mood AS ENUM ('sad','ok'); CREATE TABLE g (n TEXT, m mood); "
            "INSERT INTO g VALUES ('a','sad')"
        ),
        "SELECT n FROM g WHERE m = 'sad'",
        "SELECT 'a'",
    ),
    "alter add constraint": (
        (
            "CREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE b (aid INT); ALTER TABLE "
            "b ADD CONSTRAINT fk FOREIGN KEY (aid) REFERENCES a(id); INSERT INTO a "
            "VALUES (1); INSERT INTO b VALUES (1)"
        ),
        "SELECT aid FROM b",
        "SELECT 1",
    ),
    "alter add pk": (
        (
            "CREATE TABLE a (id INT NOT NULL, n TEXT); ALTER TABLE a ADD PRIMARY KEY "
            "(id); INSERT INTO a VALUES (1,'x')"
        ),
        "SELECT n FROM a",
        "SELECT 'x'",
    ),
    "enum check": (
        "CREATE TABLE g (k ENUM('a','b')); INSERT INTO g VALUES ('a')",
        "SELECT k FROM g",
        "SELECT 'a'",
    ),
    "set": (
        ("CREATE TABLE g (k SET('a','b'), j JSON, y YEAR); INSERT INTO g VALUES ('a','{}',2020)"),
        "SELECT y FROM g",
        "SELECT 2020",
    ),
    "oracle": (
        (
            "CREATE TABLE g (id NUMBER(10) PRIMARY KEY, n VARCHAR2(20), d DATE, p "
            "NUMBER(10,2)); INSERT INTO g VALUES (1,'a',DATE '2024-01-05',2.5); INSERT "
            "INTO g VALUES (2,'b',TO_DATE('2024-02-05','YYYY-MM-DD'),3)"
        ),
        "SELECT n FROM g WHERE d >= DATE '2024-02-01'",
        "SELECT 'b'",
    ),
    "oracle identity": (
        (
            "CREATE TABLE g (id NUMBER GENERATED BY DEFAULT AS IDENTITY, n "
            "VARCHAR2(20)); INSERT INTO g (n) VALUES ('a')"
        ),
        "SELECT id FROM g",
        "SELECT 1",
    ),
    "timestamp default": (
        (
            "CREATE TABLE g (id SERIAL PRIMARY KEY, t TIMESTAMP DEFAULT "
            "CURRENT_TIMESTAMP, n TEXT); INSERT INTO g (n) VALUES ('x')"
        ),
        "SELECT id, n FROM g",
        "SELECT 1, 'x'",
    ),
    "mysql timestamps": (
        (
            "CREATE TABLE g (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, t TIMESTAMP "
            "DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, n TEXT); INSERT INTO "
            "g (n) VALUES ('x')"
        ),
        "SELECT id, n FROM g",
        "SELECT 1, 'x'",
    ),
    "generated identity": (
        (
            "CREATE TABLE g (id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n TEXT); "
            "INSERT INTO g (n) VALUES ('x'),('y')"
        ),
        "SELECT id FROM g WHERE n='y'",
        "SELECT 2",
    ),
    "identity 100": (
        ("CREATE TABLE g (id INT IDENTITY(100,1), n VARCHAR(5)); INSERT INTO g VALUES ('x'),('y')"),
        "SELECT MAX(id) FROM g",
        "SELECT 101",
    ),
    "auto 2": (
        (
            "CREATE TABLE g (id INT NOT NULL AUTO_INCREMENT, n VARCHAR(5), PRIMARY KEY "
            "(id)) AUTO_INCREMENT=10; INSERT INTO g (n) VALUES ('x')"
        ),
        "SELECT id FROM g",
        "SELECT 10",
    ),
    "fk inline mysql": (
        (
            "CREATE TABLE a (id INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE b (id INT, "
            "aid INT, INDEX (aid), FOREIGN KEY (aid) REFERENCES a(id) ON DELETE CASCADE) "
            "ENGINE=InnoDB; INSERT INTO a VALUES (1),(2); INSERT INTO b VALUES "
            "(1,1),(2,2)"
        ),
        "DELETE FROM a WHERE id=1",
        "DELETE FROM b WHERE aid=1; DELETE FROM a WHERE id=1",
    ),
    "view": (
        (
            "CREATE TABLE g (n INT) ENGINE=InnoDB; INSERT INTO g VALUES (1),(2); CREATE "
            "VIEW v AS SELECT n FROM g WHERE n > 1"
        ),
        "SELECT n FROM v",
        "SELECT 2",
    ),
    "double quotes pg": (
        (
            'CREATE TABLE "Order" ("Id" SERIAL PRIMARY KEY, "Name" TEXT); INSERT INTO '
            '"Order" ("Name") VALUES (\'x\')'
        ),
        'SELECT "Id" FROM "Order"',
        "SELECT 1",
    ),
    "array": (
        ("CREATE TABLE g (id INT, tags TEXT[]); INSERT INTO g VALUES (1, ARRAY['a','b'])"),
        "SELECT id FROM g",
        "SELECT 1",
    ),
    "array lit": (
        ("CREATE TABLE g (id SERIAL, tags TEXT[]); INSERT INTO g (tags) VALUES ('{a,b}')"),
        "SELECT id FROM g",
        "SELECT 1",
    ),
    "comment on": (
        ("CREATE TABLE g (id SERIAL); COMMENT ON TABLE g IS 'x'; INSERT INTO g VALUES (DEFAULT)"),
        "SELECT id FROM g",
        "SELECT 1",
    ),
    "insert select": (
        "CREATE TABLE g (id SERIAL, n INT); INSERT INTO g (n) SELECT 5",
        "SELECT id, n FROM g",
        "SELECT 1, 5",
    ),
    "bit": (
        "CREATE TABLE g (id INT IDENTITY, ok BIT); INSERT INTO g (ok) VALUES (1),(0)",
        "SELECT id FROM g WHERE ok = 1",
        "SELECT 1",
    ),
    "check": (
        (
            "CREATE TABLE g (id INT AUTO_INCREMENT PRIMARY KEY, n INT CHECK (n > 0), "
            "CONSTRAINT c CHECK (n < 10)); INSERT INTO g (n) VALUES (5)"
        ),
        "SELECT n FROM g",
        "SELECT 5",
    ),
    "unique idx": (
        (
            "CREATE TABLE g (id SERIAL, n TEXT UNIQUE); CREATE INDEX i ON g USING btree "
            "(n); CREATE UNIQUE INDEX j ON g (lower(n)); INSERT INTO g(n) VALUES ('a')"
        ),
        "SELECT n FROM g",
        "SELECT 'a'",
    ),
    "schema prefix": (
        "CREATE SCHEMA hr; CREATE TABLE hr.g (n INT); INSERT INTO hr.g VALUES (3)",
        "SELECT n FROM hr.g",
        "SELECT 3",
    ),
    "money": (
        ("CREATE TABLE g (id INT IDENTITY(1,1), p MONEY); INSERT INTO g (p) VALUES (10.50)"),
        "SELECT p * 2 FROM g",
        "SELECT 21.0",
    ),
    "datetime": (
        (
            "CREATE TABLE g (t DATETIME2, n NVARCHAR(MAX)); INSERT INTO g VALUES "
            "('2024-01-05T10:00:00', N'x')"
        ),
        "SELECT n FROM g WHERE CAST(t AS DATE) = '2024-01-05'",
        "SELECT 'x'",
    ),
    "mysql inline index": (
        (
            "CREATE TABLE g (id INT PRIMARY KEY, n VARCHAR(9), INDEX idx_n (n), FULLTEXT "
            "(n)); INSERT INTO g VALUES (1,'a')"
        ),
        "SELECT n FROM g",
        "SELECT 'a'",
    ),
    "delimiter": (
        ("DELIMITER //\nCREATE TABLE g (n INT)//\nDELIMITER ;\nINSERT INTO g VALUES (1)"),
        "SELECT n FROM g",
        "SELECT 1",
    ),
    "hash comment": (
        ("# comment\nCREATE TABLE g (n INT); INSERT INTO g VALUES (1)"),
        "SELECT n FROM g",
        "SELECT 1",
    ),
    "trailing comma": (
        "CREATE TABLE g (n INT); INSERT INTO g VALUES (1);;",
        "SELECT n FROM g",
        "SELECT 1",
    ),
}

MEANT = {
    "a CHECK": (
        "CREATE TABLE g (id INT AUTO_INCREMENT PRIMARY KEY, n INT CHECK (n > 0))",
        "INSERT INTO g (n) VALUES (0)",
    ),
    "an ENUM": (
        "CREATE TABLE g (id INT AUTO_INCREMENT PRIMARY KEY, n ENUM('a', 'b'))",
        "INSERT INTO g (n) VALUES ('c')",
    ),
    "a type of its own": (
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE g (id SERIAL, n mood)",
        "INSERT INTO g (n) VALUES ('glad')",
    ),
    "a UNIQUE KEY": (
        "CREATE TABLE g (id INT, n INT, UNIQUE KEY u (n)); INSERT INTO g VALUES (1, 1)",
        "INSERT INTO g VALUES (2, 1)",
    ),
    "a constraint added later": (
        "CREATE TABLE dbo.g (id INT, n INT); ALTER TABLE dbo.g ADD CONSTRAINT u UNIQUE (n);"
        "INSERT INTO dbo.g VALUES (1, 1)",
        "INSERT INTO dbo.g VALUES (2, 1)",
    ),
    "a foreign key": (
        "CREATE TABLE a (id SERIAL PRIMARY KEY); CREATE TABLE g (n INT REFERENCES a (id));"
        "INSERT INTO a DEFAULT VALUES",
        "INSERT INTO g VALUES (7)",
    ),
    "a primary key": (
        "CREATE TABLE `g` (`id` INT PRIMARY KEY, `n` INT)",
        "INSERT INTO g (n) VALUES (7)",
    ),
}


@pytest.fixture(scope="module")
def executor() -> Iterator[SqlExecutor]:
    with SqlExecutor() as executor:
        yield executor


@pytest.mark.parametrize("name", CONTEXTS)
def test_it_is_built(executor: SqlExecutor, name: str) -> None:
    context, reference, same = CONTEXTS[name]
    measurement = executor.measurable(context, reference)
    assert measurement.reason is None
    rows = executor.execute([context] * 2, [reference] * 2, [same, "SELECT 'another'"])
    assert [row["execution_accuracy"] for row in rows] == [1.0, 0.0]


@pytest.mark.parametrize("name", MEANT)
def test_what_has_a_meaning_is_kept(executor: SqlExecutor, name: str) -> None:
    context, refused = MEANT[name]
    [row] = executor.execute([context], ["SELECT COUNT(*) FROM g"], [refused])
    assert row == {"execution_accuracy": 0.0, "valid_sql": 0.0}


def test_a_default_is_kept(executor: SqlExecutor) -> None:
    context = "CREATE TABLE g (id SERIAL PRIMARY KEY, n TEXT DEFAULT 'new', k INT DEFAULT 3)"
    reference = "INSERT INTO g (n) VALUES (DEFAULT)"
    same = "INSERT INTO g (id, n, k) VALUES (1, 'new', 3)"
    [row] = executor.execute([context], [reference], [same])
    assert row == {"execution_accuracy": 1.0, "valid_sql": 1.0}


def test_pragmas_that_change_a_meaning_are_not_left_out(executor: SqlExecutor) -> None:
    tables = (
        "CREATE TABLE a (id INTEGER PRIMARY KEY);"
        "CREATE TABLE b (aid INT REFERENCES a (id) ON DELETE CASCADE);"
        "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1);"
    )
    delete, both = "DELETE FROM a", "DELETE FROM b; DELETE FROM a"
    rows = executor.execute(
        ["PRAGMA foreign_keys = ON;" + tables, "PRAGMA foreign_keys = OFF;" + tables],
        [delete] * 2,
        [both] * 2,
    )
    assert [row["execution_accuracy"] for row in rows] == [1.0, 0.0]
    strange = executor.measurable("PRAGMA case_sensitive_like = ON;" + tables, "SELECT 1")
    assert strange.reason is not None
    assert strange.reason.kind == "context fails"

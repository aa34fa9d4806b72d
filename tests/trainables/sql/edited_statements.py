"""Statements with random edits: most change the meaning, some only the spelling."""

from __future__ import annotations

import random
import re
from pathlib import Path

CONTEXT = """
CREATE TABLE emp (id INTEGER PRIMARY KEY, name TEXT, dept INT, salary REAL, city TEXT, hired DATE,
    boss INT);
INSERT INTO emp VALUES (1, 'Ann', 1, 10.5, 'Rome', '2023-01-05', NULL),
    (2, 'bob', 1, 20, 'Oslo', '2023-02-07', 1), (3, 'Cid', 2, 30, 'rome', '2022-07-09', 1),
    (4, 'Dee', NULL, 20, NULL, '2021-12-31', 2), (5, 'Eve', 3, -5, 'name', '2023-03-03', 3);
CREATE TABLE dept (id INT, name TEXT, city TEXT, budget INT);
INSERT INTO dept VALUES (1, 'Sales', 'Rome', 100), (2, 'Ops', 'Oslo', 5), (4, 'HR', NULL, NULL);
CREATE TABLE log (a INT, b TEXT, n INT, "order" INT, "Full Name" TEXT);
INSERT INTO log VALUES (1, 'x', 3, 2, 'Ann B'), (2, 'y', 4, 1, 'Cid'), (2, 'X', 5, NULL, 'ann b');
"""

STATEMENTS = Path(__file__).with_suffix(".sql").read_text().splitlines()
"""One a line; a few are of other dialects."""

_WORDS = """
    AS INNER OUTER LEFT RIGHT FULL CROSS NATURAL ASC DESC DISTINCT ALL NOT NULL IS IN LIKE AND OR e
    d x emp dept name id salary city a b n 1 2 0 'Rome' "name" "Rome" `name` [name] , ( ) . * ; --
    /* */ WITH TIES PIVOT LIMIT OFFSET UNION INTERSECT EXCEPT COLLATE NOCASE ISNULL COUNT SUM MAX
    total "x" 'x' = <> != < > || + - / % INT INTEGER TEXT PRIMARY KEY
"""
WORDS = _WORDS.split()
_TOKEN = re.compile(r"\s+|'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]|\w+|[^\w\s]")


def edited(statement: str, generator: random.Random) -> str:
    """Returns a statement with one to three edits of its tokens."""
    tokens = _TOKEN.findall(statement)
    for _ in range(generator.choice([1, 1, 1, 2, 2, 3])):
        places = [place for place, token in enumerate(tokens) if token.strip()]
        if not places:
            break
        place = generator.choice(places)
        _edit(tokens, place, generator.choice(places), generator)
    return "".join(tokens)


def _edit(tokens: list[str], place: int, other: int, generator: random.Random) -> None:
    token = tokens[place]
    match generator.randrange(9):
        case 0:
            tokens[place] = ""
        case 1:
            tokens[place], tokens[other] = tokens[other], token
        case 2:
            tokens[place] = token.swapcase()
        case 3:
            quotes = generator.choice(["''", '""', "``", "[]", "  "])
            name = token.strip("'\"`[]")
            tokens[place] = f"{quotes[0]}{name}{quotes[1]}"
        case 4:
            tokens[place] = f"{token} {generator.choice(WORDS)}"
        case 5:
            tokens[place] = generator.choice(WORDS)
        case 6 if token.isdigit():
            tokens[place] = str(int(token) + generator.choice([-1, 1]))
        case 7:
            tokens[place] = token + generator.choice([" -- c\n", " /* c */ ", "\n", "\t", "  "])
        case 8 if token.isidentifier():
            tokens[place] = generator.choice(["e.", "d.", "emp.", "dept."]) + token

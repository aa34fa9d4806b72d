"""What an undertrained model may write: words of SQL at random, or a few of them over and over."""

from __future__ import annotations

import random

from trainables.sql.parsing.bounded_parser import LONGEST_STATEMENT

_WORDS = """
    SELECT FROM WHERE JOIN LEFT CROSS NATURAL ON USING UNION ALL EXCEPT ( ( ( ) ) [ ] { , , . ; * =
    < - -- /* */ STRUCT( CONVERT( CAST( CASE WHEN THEN ELSE END IN EXISTS NOT NULL LIKE BETWEEN AND
    OR AS a b t 1 'x' "y" `z` VALUES WITH RECURSIVE INTERVAL EXTRACT( ARRAY[ MAP( LATERAL UNNEST(
    PIVOT( TABLESAMPLE WINDOW OVER ( PARTITION BY ORDER GROUP HAVING LIMIT FETCH INSERT INTO UPDATE
    SET DELETE CREATE TABLE IF MERGE :: -> ? :p @v $1 IS DISTINCT COLLATE ROW VALUES( FILTER( TRIM(
"""
WORDS = _WORDS.split()


def hostile_text(generator: random.Random) -> str:
    """Returns one such text of at most `LONGEST_STATEMENT` characters."""
    few = [generator.choice(WORDS) for _ in range(generator.randint(1, 4))]
    many = [generator.choice(WORDS) for _ in range(generator.randint(5, 60))]
    repeated = " ".join(few * generator.choice([10, 60, 300]))
    return generator.choice(
        [
            "SELECT name FROM employees " + repeated,
            "SELECT " + repeated + " 1" + " )" * generator.choice([0, len(few) * 10]),
            " ".join(many),
            "SELECT a FROM t WHERE " + " ".join(many) + repeated,
        ]
    )[:LONGEST_STATEMENT]

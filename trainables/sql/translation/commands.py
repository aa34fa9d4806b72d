"""Statements that dumps and scripts hold beside definitions and changes."""

from __future__ import annotations

import re

from sqlglot import exp

from trainables.sql.sandbox.tokens import tokens
from trainables.sql.translation.kinds import NotKnown, NotSpoken
from trainables.sql.translation.reading import Reading, says_statement

_ANY = re.IGNORECASE | re.DOTALL


_DECORATIONS = re.compile(
    r"\s*(GO|SET\s+IDENTITY_INSERT|LOCK\s+TABLES|UNLOCK\s+TABLES|PRINT|DELIMITER|CREATE\s+EXTENSION|REVOKE|GRANT"
    r"|ALTER\s+(TABLE|SEQUENCE|SCHEMA|DATABASE)\s+.*\bOWNER\b|ALTER\s+DATABASE"
    r"|ALTER\s+SEQUENCE\s+\S+\s+OWNED\b|ALTER\s+TABLE\s+\S+\s+(EN|DIS)ABLE\s+KEYS)",
    re.IGNORECASE | re.DOTALL,
)


_CHANGES_MEANING = re.compile(
    r"\b(?:ANSI_NULLS|ANSI_PADDING|QUOTED_IDENTIFIER|CONCAT_NULL_YIELDS_NULL)\b.*\bOFF\b"
    r"|SQL_MODE.*(?:ANSI|PIPES|BACKSLASH|REAL_AS|UNSIGNED|NOT_PREC)"
    r"|\b(?:DATEFIRST|DATEFORMAT|DATESTYLE|LANGUAGE|NLS_\w+|LC_\w+|DIV_PRECISION_INCREMENT)\b",
    re.IGNORECASE | re.DOTALL,
)


_UNTRANSLATED = re.compile(
    r"(?:CREATE(?:\s+OR\s+REPLACE)?|ALTER|DROP)\s+(?:FUNCTION|PROCEDURE|PROC|TRIGGER|EVENT|PACKAGE"
    r"|TYPE|RULE|DOMAIN|MATERIALIZED|ROLE|USER|POLICY|SYNONYM|TABLE|VIEW|INDEX)\b"
    r"|(?:BEGIN|CALL|DECLARE|DO|EXEC|EXECUTE|IF|MERGE|WHILE)\b",
    re.IGNORECASE,
)
"""Statements of which sqlglot does not know all forms, and keeps those as they are."""


@says_statement(exp.Use, exp.Set, exp.Comment, exp.Grant, exp.Revoke, exp.Commit)
def _decoration(reading: Reading, node: exp.Expr) -> list[str]:
    if isinstance(node, exp.Set):
        for item in node.expressions:
            if _CHANGES_MEANING.search(item.sql()):
                raise NotKnown("a setting that changes what statements mean")
    return []


@says_statement(exp.Transaction)
def _begin(reading: Reading, node: exp.Transaction) -> list[str]:
    return []


@says_statement(exp.Rollback)
def _rollback(reading: Reading, node: exp.Rollback) -> list[str]:
    raise NotKnown("ROLLBACK")


@says_statement(exp.Command, exp.Alias, exp.Column)
def _command(reading: Reading, node: exp.Expr) -> list[str]:
    """What sqlglot does not parse, and a text that is one word to it."""
    text = (
        f"{node.this} {node.args.get('expression') or ''}"
        if isinstance(node, exp.Command)
        else node.sql()
    )
    if isinstance(node, exp.Command):
        words = node.args.get("expression")
        text = f"{node.this} {words.this if isinstance(words, exp.Expr) else words or ''}"
    if _DECORATIONS.match(text):
        return []
    found = re.match(
        r"\s*CREATE\s+TYPE\s+([\w.\"]+)\s+AS\s+ENUM\s*\((.*)\)\s*\Z",
        text,
        re.IGNORECASE | re.DOTALL,
    )
    if found and reading.is_of("postgres"):
        values = re.findall(r"'((?:[^']|'')*)'", found[2])
        reading.enums[found[1].rpartition(".")[2].strip('"').lower()] = values
        return []
    found = re.match(r"\s*REPLACE\s+(INTO\b.*)", text, re.IGNORECASE | re.DOTALL)
    if found and reading.is_of("mysql"):
        from trainables.sql.translation.grammar import parse

        [insert], _ = parse("INSERT " + found[1], "mysql")
        [said] = reading.statement(insert)
        return ["INSERT OR REPLACE" + said.removeprefix("INSERT")]
    if not isinstance(node, exp.Command):
        raise NotSpoken("it is no statement")
    if reading.is_of("tsql", "oracle") and re.match(r"ALTER\b.*\bADD\s+COLUMN\b", text, _ANY):
        raise NotSpoken("ADD COLUMN")
    word = str(node.this).upper()
    if _UNTRANSLATED.match(text) and _has_closed_parentheses(text):
        raise NotKnown(f"a statement {word}")
    raise NotSpoken(f"a statement {word}")


def _has_closed_parentheses(text: str) -> bool:
    if "\\" in text or "$" in text:
        # What is in quotes there depends on the dialect.
        return True
    depth = 0
    for token in tokens(text):
        depth += (token.text == "(") - (token.text == ")")
        if depth < 0:
            return False
    return depth == 0

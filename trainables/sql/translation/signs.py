"""Words and signs by which a text shows that it is of some dialects and not of others.

sqlglot's parsers are more generous than the systems: each of them takes `LIMIT`, `::` or `ILIKE`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from sqlglot.tokenizer_core import Token, TokenType

from trainables.sql.translation.kinds import NotSpoken

_MYSQL, _POSTGRES, _TSQL, _ORACLE = "mysql", "postgres", "tsql", "oracle"

_WORDS: dict[str, tuple[str, ...]] = {
    "LIMIT": (_MYSQL, _POSTGRES),
    "::": (_POSTGRES,),
    "||": (_MYSQL, _POSTGRES, _ORACLE),
    "&&": (_MYSQL, _POSTGRES),
    "<=>": (_MYSQL,),
    "~": (_POSTGRES,),
    "~*": (_POSTGRES,),
    "!~": (_POSTGRES,),
    "!~*": (_POSTGRES,),
    "ILIKE": (_POSTGRES,),
    "SIMILAR": (_POSTGRES,),
    "SYMMETRIC": (_POSTGRES,),
    "JSONB": (_POSTGRES,),
    "BYTEA": (_POSTGRES,),
    "ARRAY": (_POSTGRES,),
    "SERIAL": (_POSTGRES, _MYSQL),
    "BIGSERIAL": (_POSTGRES,),
    "SMALLSERIAL": (_POSTGRES,),
    "TIMESTAMPTZ": (_POSTGRES,),
    "RETURNING": (_POSTGRES, _ORACLE),
    "CONFLICT": (_POSTGRES,),
    "RLIKE": (_MYSQL,),
    "REGEXP": (_MYSQL,),
    "XOR": (_MYSQL,),
    "DIV": (_MYSQL,),
    "STRAIGHT_JOIN": (_MYSQL,),
    "AUTO_INCREMENT": (_MYSQL,),
    "AUTOINCREMENT": (),
    "UNSIGNED": (_MYSQL,),
    "ZEROFILL": (_MYSQL,),
    "MEDIUMINT": (_MYSQL,),
    "MEDIUMTEXT": (_MYSQL,),
    "LONGTEXT": (_MYSQL,),
    "TINYTEXT": (_MYSQL,),
    "DUPLICATE": (_MYSQL,),
    "SEPARATOR": (_MYSQL,),
    "SYSDATE": (_ORACLE, _MYSQL),
    "SYSTIMESTAMP": (_ORACLE,),
    "ROWNUM": (_ORACLE,),
    "VARCHAR2": (_ORACLE,),
    "NVARCHAR2": (_ORACLE,),
    "MINUS": (_ORACLE,),
    "NVARCHAR": (_TSQL, _MYSQL),
    "DATETIME2": (_TSQL,),
    "SMALLDATETIME": (_TSQL,),
    "DATETIMEOFFSET": (_TSQL,),
    "UNIQUEIDENTIFIER": (_TSQL,),
    "NOLOCK": (_TSQL,),
    "APPLY": (_TSQL, _ORACLE),
    "LATERAL": (_POSTGRES, _MYSQL, _ORACLE),
    "FETCH": (_POSTGRES, _TSQL, _ORACLE),
    "TRUE": (_MYSQL, _POSTGRES),
    "FALSE": (_MYSQL, _POSTGRES),
    "QUALIFY": (),
    "NATURAL": (_MYSQL, _POSTGRES, _ORACLE),
}
"""Dialects that have a word outside of quotes, where not all of the four have it."""

_BEFORE_TYPES = frozenset({"::", "AS", "as"})
_BEFORE_TABLES = frozenset({"TABLE", "FROM", "JOIN", "INTO", "UPDATE", "REFERENCES"})
_UNIT_INSIDE = re.compile(r"\s*[-+]?[\d.]+\s*[A-Za-z]|\s*P", re.IGNORECASE)


def _check_spaces(tokens: Sequence[Token], text: str) -> None:
    """Refuses white space beyond ASCII between tokens, which no system takes for any.

    Raises:
        NotSpoken: There is some.
    """
    for before, token in pairwise(tokens):
        between = text[before.end + 1 : token.start]
        if not between.isascii() and between.isspace():
            raise NotSpoken("white space that is none")


def check(tokens: Sequence[Token], text: str, dialect: str) -> str:
    """Refuses a text that shows signs of another dialect.

    Returns:
        What in it depends on a setting of the server, or "".

    Raises:
        NotSpoken: It shows such signs.
    """
    doubt = ""
    defines = False
    if not text.isascii():
        _check_spaces(tokens, text)
    for index, token in enumerate(tokens):
        if not index or tokens[index - 1].token_type == TokenType.SEMICOLON:
            defines = token.text.upper() in ("CREATE", "ALTER")
        if token.token_type in (TokenType.STRING, TokenType.NUMBER, TokenType.COMMENT):
            continue
        if token.token_type == TokenType.IDENTIFIER:
            quote = text[token.start]
            if quote in "`[" and dialect != {"`": _MYSQL, "[": _TSQL}[quote]:
                raise NotSpoken(f"a name in {quote}")
            continue
        if text[token.start] == "`" and dialect != _MYSQL:
            raise NotSpoken("a name in `")
        word = token.text.upper()
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        following_text = following.text if following is not None else ""
        previous = tokens[index - 1] if index else None
        known = _WORDS.get(word) if word != "DIV" or following_text != "(" else None
        # A column or alias may bear the name of another dialect's word.
        is_name = (previous is not None and previous.text in (".", "AS", "as")) or (
            following is not None and following.text == "."
        )
        if known is not None and dialect not in known and not is_name:
            raise NotSpoken(word)
        is_type = defines and previous is not None and previous.text not in ("(", ",")
        if is_type and word in ("NUMBER", "CLOB") and dialect != _ORACLE:
            raise NotSpoken(f"the type {word}")
        if word == "||" and dialect == _MYSQL:
            doubt = "|| in MySQL, which is OR or joins texts by a setting"
        if following is None:
            continue
        is_before_table = previous is not None and previous.text.upper() in _BEFORE_TABLES
        if word == "#" and dialect != _POSTGRES and not is_before_table:
            raise NotSpoken("# before what is no table")
        if word == "INTERVAL":
            if following.token_type == TokenType.STRING:
                has_unit = _UNIT_INSIDE.match(following.text) is not None
                if has_unit and dialect != _POSTGRES:
                    raise NotSpoken("an interval with its unit inside of the quotes")
            elif dialect == _POSTGRES and previous is not None and previous.text in _BEFORE_TYPES:
                doubt = "a value as an interval"
            elif dialect != _MYSQL and following.text != ".":
                raise NotSpoken("an interval without quotes")
        elif word in ("DATE", "TIMESTAMP") and following.token_type == TokenType.STRING:
            if dialect == _TSQL:
                raise NotSpoken(f"a literal {word}")
        elif word == "TOP" and dialect != _TSQL:
            if following.token_type == TokenType.NUMBER or following.text == "(":
                raise NotSpoken("TOP")
        elif word == "IDENTITY" and dialect != _TSQL and not is_name:
            raise NotSpoken("IDENTITY")
        elif word == "ENUM" and following.text == "(" and dialect != _MYSQL:
            # PostgreSQL has it after CREATE TYPE ... AS.
            if dialect != _POSTGRES or previous is None or previous.text.upper() != "AS":
                raise NotSpoken("ENUM(...)")
        elif dialect == _MYSQL and word in _BEFORE_TABLES:
            if following.token_type == TokenType.STRING and text[following.start] == '"':
                raise NotSpoken("a string for a table")
        elif word == "FULL" and following.text.upper() in ("JOIN", "OUTER") and dialect == _MYSQL:
            raise NotSpoken("FULL JOIN")
        elif word == "DISTINCT" and following.text.upper() == "ON" and dialect != _POSTGRES:
            raise NotSpoken("DISTINCT ON")
    return doubt

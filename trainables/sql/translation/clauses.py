"""The order of a SELECT's clauses and its commas, which sqlglot's parsers do not ask for.

They take `GROUP BY a WHERE b`, a GROUP BY of nothing, a query that begins with FROM, `FROM FROM t`
and a comma with nothing before or behind it (`SELECT a, FROM t`); none of the four systems does.

Sources: MySQL 8.0 Reference Manual, 13.2.13; PostgreSQL 16, SELECT; Transact-SQL, SELECT; Oracle
19c SQL Language Reference, SELECT (where GROUP BY and HAVING come in either order).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from trainables.sql.translation.kinds import NotSpoken

_PLACES = {
    TokenType.WHERE: 2,
    TokenType.GROUP_BY: 3,
    TokenType.HAVING: 4,
    TokenType.ORDER_BY: 5,
    TokenType.LIMIT: 6,
}
"""SELECT itself is at the first place."""
_SET_OPERATIONS = frozenset({TokenType.UNION, TokenType.INTERSECT, TokenType.EXCEPT})
_ENDS = frozenset({None, TokenType.R_PAREN, TokenType.SEMICOLON, *_PLACES, *_SET_OPERATIONS})
_OTHER_STATEMENTS = frozenset({"SET", "DO", "DELETE", "INSERT", "WHEN", "BEGIN", "MERGE"})
"""After one of these WHERE is no clause of the SELECT before it."""
_BEFORE_A_COMMA = frozenset(
    {None, TokenType.L_PAREN, TokenType.COMMA, TokenType.SELECT, TokenType.DISTINCT, TokenType.FROM}
)
"""Kinds of tokens behind which a comma has nothing before it."""
_FROM_WHAT = frozenset({TokenType.FROM, TokenType.JOIN, TokenType.COMMA})
_QUERIES = frozenset({TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN})
"""Statements whose commas are looked at. In others some stand alone: T-SQL allows one at the end of
a CREATE TABLE's columns."""


def check_order(tokens: Sequence[Token], dialect: str) -> None:
    """Refuses clauses in an order that the dialect does not have, and empty ones.

    Args:
        tokens: Of a whole text.
        dialect: One of `DIALECTS`.

    Raises:
        NotSpoken: There are such.
    """
    places = [0]  # by depth of parentheses: the place of the last clause; 0 outside of a SELECT
    previous: TokenType | None = None
    is_query = False
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        kind = token.token_type
        if previous in (None, TokenType.SEMICOLON):
            is_query = kind in _QUERIES
        if is_query:
            _check_commas(token, previous, following)
        opens = previous in (None, TokenType.SEMICOLON, TokenType.L_PAREN)
        if kind == TokenType.L_PAREN:
            places.append(0)
        elif kind == TokenType.R_PAREN:
            if len(places) > 1:
                places.pop()
        elif kind == TokenType.FROM and opens:
            raise NotSpoken("a query without SELECT")
        elif kind == TokenType.SELECT or kind == TokenType.SEMICOLON:
            places[-1] = 1 if kind == TokenType.SELECT else 0
        elif kind in _SET_OPERATIONS:
            if places[-1] >= _PLACES[TokenType.ORDER_BY]:
                raise NotSpoken(f"ORDER BY before {token.text}")
            places[-1] = 0
        elif token.text.upper() in _OTHER_STATEMENTS and kind != TokenType.STRING:
            places[-1] = 0
        elif kind in _PLACES and _is_clause(kind, previous, dialect):
            _check_place(kind, places, token.text, dialect)
            if (following.token_type if following is not None else None) in _ENDS:
                raise NotSpoken(f"{token.text} of nothing")
        previous = kind


def _check_commas(token: Token, previous: TokenType | None, following: Token | None) -> None:
    """Refuses commas with nothing on one side, and FROM or SELECT where a table must stand."""
    kind = token.token_type
    if kind == TokenType.COMMA:
        after = None if following is None else following.token_type
        if previous in _BEFORE_A_COMMA or after in _ENDS or after == TokenType.FROM:
            raise NotSpoken("a comma with nothing beside it")
    elif kind == TokenType.FROM and previous in _FROM_WHAT:
        raise NotSpoken("FROM of nothing")
    elif kind == TokenType.SELECT and previous in (TokenType.FROM, TokenType.JOIN):
        raise NotSpoken("a SELECT without parentheses in FROM")


def _is_clause(kind: TokenType, previous: TokenType | None, dialect: str) -> bool:
    if previous in (TokenType.DOT, TokenType.ALIAS):
        return False
    # Elsewhere it is a name like others.
    return kind != TokenType.LIMIT or dialect in ("mysql", "postgres")


def _check_place(kind: TokenType, places: list[int], text: str, dialect: str) -> None:
    place = _PLACES[kind]
    if not places[-1]:
        return
    either = dialect == "oracle" and kind == TokenType.GROUP_BY
    if place < places[-1] and not (either and places[-1] == _PLACES[TokenType.HAVING]):
        raise NotSpoken(f"{text} at a place that is not its own")
    places[-1] = max(place, places[-1])

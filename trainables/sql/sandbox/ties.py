"""Which rows a statement may return in which places: its ORDER BY and LIMIT. Standard library only.

`SELECT name FROM t ORDER BY score LIMIT 2` has several right answers where rows tie. To know them,
SQLite is asked once more, for all rows without the LIMIT and, beside each, the rank of its group of
equal keys: `SELECT *, DENSE_RANK() OVER (ORDER BY ...)` around the statement, so that the meaning
of DESC, NULLS FIRST and LAST and of collations stays SQLite's own. Where a key is no column of the
result, it is added to the statement's columns.

Only the outermost ORDER BY is understood, and only where each key is sure: the number, alias or
expression of a column of the result, or, without DISTINCT and outside of UNION and its like, any
expression. Source of SQLite's rules: "The ORDER BY clause" in
https://www.sqlite.org/lang_select.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from trainables.sql.sandbox.comparison import Row, is_close
from trainables.sql.sandbox.tokens import (
    Token,
    normal_form,
    split_at_commas,
    tokens,
    unquoted,
    without_parentheses,
)

_COMPOUNDS = ("union", "intersect", "except")
_AFTER_COLUMNS = ("from", "where", "group", "having", "window", "order", "limit", *_COMPOUNDS)
_NO_OPERAND = frozenset(
    [
        "and",
        "or",
        "not",
        "in",
        "is",
        "like",
        "glob",
        "match",
        "regexp",
        "between",
        "collate",
        "escape",
        "distinct",
        "all",
        "from",
        "when",
        "then",
        "else",
        "case",
    ]
)
_NO_ALIAS = frozenset(["end", "null", "isnull", "notnull", "true", "false"])


class TieQuery(NamedTuple):
    """SQL that returns all rows that a statement could return, with their ranks.

    Attributes:
        sql: Returns the statement's columns, then more keys of its order, then the rank; without
            ORDER BY the statement's columns alone. Rows come in the order of their ranks.
        keys: The places of the keys of the order in a row; empty without ORDER BY.
        offset: SQL for the number of rows that OFFSET leaves out.
        is_ordered: Whether rows come in the order that the statement asks for; if not, it is not
            understood.
    """

    sql: str
    keys: list[int]
    offset: str
    is_ordered: bool = True


def has_choice(statement: str) -> bool:
    """Tells whether a statement has ORDER BY or LIMIT at its outermost level."""
    return any(
        token.kind == "word" and token.text in ("order", "limit") and not token.depth
        for token in tokens(statement)
    )


def tie_queries(statement: str, columns: Sequence[str]) -> Iterator[TieQuery]:
    """Yields what may be asked in place of a statement; the first that runs is right.

    A name within a key is a column's where there is one, else an alias of the result; which of the
    two only SQLite knows. The first query takes all names for those of columns. The last one asks
    for the rows in no order.

    Args:
        statement: One statement with `has_choice`.
        columns: The names of the columns that it returns.
    """
    select = _Select.read(statement)
    if select is None:
        return
    width = len(columns)
    names = [f"c{i}" for i in range(width)]
    terms = [_Term.read(term) for term in select.terms]
    # A LIMIT of its own takes the rows as an ordered subquery hands them on, as all systems do it
    # and none promises.
    is_taken_in_order = not terms and select.has_ordered_subquery
    for with_aliases in () if is_taken_in_order else (False, True):
        keys: list[int] = []
        added: list[str] = []
        for term in terms:
            place = select.column_of(term.key, columns)
            if place is None:
                said = select.expression(term.key, with_aliases)
                if said is None:
                    break
                place = width + len(added)
                added.append(said)
            keys.append(place)
        else:
            yield TieQuery(select.rewritten(names, added, terms, keys), keys, select.offset)
            if not added:
                return
    yield TieQuery(select.rewritten(names, [], [], []), [], select.offset, is_ordered=False)


def in_groups(query: TieQuery, rows: Iterable[Sequence[Any]], columns: int) -> list[list[Row]]:
    """Returns the rows of a tie query in groups that come in this order, each in any order.

    Keys that are equal but for rounding make one group: which comes first is up to the order in
    which they were summed.

    Args:
        query: The query.
        rows: What it returned.
        columns: The number of the statement's own columns.
    """
    if not query.keys:
        return [[tuple(row) for row in rows]]
    groups: list[list[Row]] = []
    last: Sequence[Any] | None = None
    for _, tied in groupby(rows, key=lambda row: row[-1]):
        group = list(tied)
        if last is None or not _is_rounding(query.keys, last, group[0]):
            groups.append([])
        groups[-1] += [tuple(row[:columns]) for row in group]
        last = group[-1]
    return groups


def _is_rounding(keys: list[int], first: Sequence[Any], second: Sequence[Any]) -> bool:
    """Tells whether the first key in which two rows differ is a number that differs by rounding."""
    for key in keys:
        if first[key] != second[key]:
            return is_close(first[key], second[key])
    return False


class _Term(NamedTuple):
    """One key of ORDER BY: its expression, and what follows it, as SQL."""

    key: Sequence[Token]
    direction: str

    @classmethod
    def read(cls, term: Sequence[Token]) -> _Term:
        words = [token.text if token.kind == "word" else "" for token in term]
        end = len(words)
        if end > 2 and words[end - 2] == "nulls":
            end -= 2
        if end > 1 and words[end - 1] in ("asc", "desc"):
            end -= 1
        direction = " ".join(words[end:])
        if end > 2 and words[end - 2] == "collate":
            direction = f'COLLATE "{unquoted(term[end - 1])}" {direction}'
            end -= 2
        return cls(without_parentheses(term[:end]), direction)


class _Column(NamedTuple):
    """One entry of the list after SELECT."""

    expression: Sequence[Token]
    alias: Token | None
    is_star: bool

    @classmethod
    def read(cls, entry: Sequence[Token]) -> _Column:
        if not entry or (entry[-1].text == "*" and (len(entry) == 1 or entry[-2].text == ".")):
            return cls(entry, None, True)
        if len(entry) > 1 and entry[-1].kind in ("word", "name", "text"):
            before, last = entry[-2], entry[-1]
            if before.kind == "word" and before.text == "as":
                return cls(entry[:-2], last, False)
            ends_operand = before.text == ")" or (
                before.kind != "symbol"
                and not (before.kind == "word" and before.text in _NO_OPERAND)
            )
            # SQLite takes a literal for an alias, but nobody orders by it.
            if ends_operand and last.kind != "text" and last.text not in _NO_ALIAS:
                return cls(entry[:-1], last, False)
        return cls(entry, None, False)


class _Select:
    """A SELECT, or several with UNION and its like, taken apart at the outermost level."""

    def __init__(self, text: str, pieces: list[Token], start: int) -> None:
        outer = {
            token.text: i
            for i, token in reversed(list(enumerate(pieces)))
            if i > start and not token.depth and token.kind == "word"
        }
        order, limit = outer.get("order"), outer.get("limit")
        self._text = text
        self._with_end = pieces[start].start
        end = order if order is not None else limit
        self._end = pieces[end].start if end is not None else len(text)
        self._is_compound = any(word in outer for word in _COMPOUNDS)
        first = start + 1
        self._is_distinct = pieces[first].text == "distinct"
        if pieces[first].text in ("distinct", "all"):
            first += 1
        last = next((i for i in range(first, len(pieces)) if _ends_columns(pieces, i)), len(pieces))
        self._columns_end = pieces[last - 1].end
        self._columns = [_Column.read(entry) for entry in split_at_commas(pieces[first:last])]
        self.terms = split_at_commas(pieces[order + 2 : limit]) if order is not None else []
        self.offset = _offset(text, pieces[limit + 1 :] if limit is not None else [])
        rest = (i for i in range(last + 1, len(pieces)) if _ends_columns(pieces, i))
        self.has_ordered_subquery = _has_ordered_subquery(pieces[last : next(rest, len(pieces))])

    @classmethod
    def read(cls, text: str) -> _Select | None:
        """Returns None where the text is no SELECT."""
        pieces = tokens(text)
        if not pieces or pieces[0].text not in ("select", "with"):
            return None
        verbs = ("select", "insert", "replace", "update", "delete", "values")
        start = next(
            (
                i
                for i, t in enumerate(pieces)
                if not t.depth and t.kind == "word" and t.text in verbs
            ),
            None,
        )
        if start is None or start + 1 == len(pieces) or pieces[start].text != "select":
            return None
        return cls(text, pieces, start)

    def column_of(self, key: Sequence[Token], names: Sequence[str]) -> int | None:
        """Returns the column of the result that a key is, if it is one."""
        if len(key) == 1 and key[0].kind == "number" and key[0].text.isdigit():
            place = int(key[0].text) - 1
            return place if place < len(names) else None
        by_alias = [
            i for i, c in enumerate(self._columns) if c.alias and _is_name(key, unquoted(c.alias))
        ]
        said = normal_form(key)
        by_text = [i for i, c in enumerate(self._columns) if normal_form(c.expression) == said]
        for entry in by_alias or by_text:
            if (column := self._place(entry, len(names))) is not None:
                return column
        if self._is_compound or self._is_distinct:
            by_name = [i for i, name in enumerate(names) if _is_name(key[-1:], name.lower())]
            if len(by_name) == 1 and (len(key) == 1 or (len(key) == 3 and key[1].text == ".")):
                return by_name[0]
        return None

    def expression(self, key: Sequence[Token], with_aliases: bool) -> str | None:
        """Returns a key as one more column, None where there can be none.

        Args:
            key: The key.
            with_aliases: Whether names are first looked for among the aliases of the result.
        """
        if self._is_compound or self._is_distinct:
            return None
        aliases = {unquoted(c.alias): c.expression for c in self._columns if c.alias}
        said, end = "", key[0].start
        for i, token in enumerate(key):
            is_part = (i and key[i - 1].text == ".") or (
                i + 1 < len(key) and key[i + 1].text in (".", "(")
            )
            if token.kind not in ("word", "name") or is_part or unquoted(token) not in aliases:
                continue
            if with_aliases:
                meant = aliases[unquoted(token)]
                said += self._text[end : token.start]
                said += f"({self._text[meant[0].start : meant[-1].end]})"
                end = token.end
            elif token.kind == "name":
                # What is no column would be a text there, because it is in quotes.
                return None
        return f"({said}{self._text[end : key[-1].end]})"

    def rewritten(
        self, names: list[str], added: list[str], terms: list[_Term], keys: list[int]
    ) -> str:
        """Returns the SQL of a `TieQuery`."""
        head = self._text[: self._columns_end]
        for expression in added:
            head += f", {expression}"
        # The new line ends a comment that the text may end in.
        body = head + self._text[self._columns_end : self._end] + "\n"
        if not terms:
            return body
        names = names + [f"k{i}" for i in range(len(added))]
        order = ", ".join(
            f"{names[key]} {term.direction}" for term, key in zip(terms, keys, strict=True)
        )
        return (
            f'WITH "all rows"({", ".join(names)}) AS (\n{body}) SELECT *, '
            f'DENSE_RANK() OVER (ORDER BY {order}) FROM "all rows" ORDER BY {len(names) + 1}'
        )

    def _place(self, entry: int, width: int) -> int | None:
        """Returns the column that an entry of the list is; `*` before it may be several."""
        before, after = self._columns[:entry], self._columns[entry + 1 :]
        if self._columns[entry].is_star:
            return None
        if not any(column.is_star for column in before):
            return entry
        if not any(column.is_star for column in after):
            return width - 1 - len(after)
        return None


def _has_ordered_subquery(pieces: Sequence[Token]) -> bool:
    """Tells whether a SELECT in parentheses ends in ORDER BY."""
    selects: set[int] = set()
    for token in pieces:
        if token.text == ")":
            selects.discard(token.depth + 1)
        elif token.kind == "word" and token.text == "select":
            selects.add(token.depth)
        elif token.kind == "word" and token.text == "order" and token.depth in selects:
            return token.depth > 0
    return False


def _ends_columns(pieces: list[Token], i: int) -> bool:
    token = pieces[i]
    if token.depth or token.kind != "word" or token.text not in _AFTER_COLUMNS:
        return False
    # `a IS NOT DISTINCT FROM b`
    return not (token.text == "from" and pieces[i - 1].text == "distinct")


def _is_name(key: Sequence[Token], name: str) -> bool:
    return len(key) == 1 and key[0].kind in ("word", "name") and unquoted(key[0]) == name


def _offset(text: str, limit: Sequence[Token]) -> str:
    """Returns what `LIMIT a OFFSET b` and `LIMIT b, a` leave out, as SQL."""
    parts = split_at_commas(limit)
    if len(parts) > 1:
        piece: Sequence[Token] = parts[0]
    else:
        words = [token.text for token in limit]
        piece = limit[words.index("offset") + 1 :] if "offset" in words else []
    return text[piece[0].start : piece[-1].end] if piece else "0"

"""When two SQL texts are one statement: their pieces are the same but for spelling.

What does not count: the case of keywords and names, white space, comments, quotes around names,
semicolons around the text, optional words (`AS`, `INNER`, `OUTER`, `ASC`), the names of table
aliases, qualifiers where there is one table, the names of result columns, `!=` for `<>` and `INT`
for `INTEGER` where no key depends on it. What counts: everything else, the order of columns,
conditions and tables included; two statements that only mean the same are for
`trainables.sql.execution` to tell.

Equal means: whoever reads both texts, in whatever dialect, gets the same results, as long as the
reference is a statement that runs. So a normal form is made of the text's own pieces
(`trainables.sql.pieces.lexical`), and a tree by sqlglot only says which of them are optional
(`trainables.sql.pieces.edits`). Where sqlglot parses neither text, or not within its bounds
(`trainables.sql.parsing.bounded_parser`), no piece is optional: white space, comments, semicolons
around the text and the case of words do not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from sqlglot import exp

from trainables.sql.parsing.bounded_parser import LONGEST_STATEMENT, NotParsed, parse
from trainables.sql.pieces.edits import Edits, Misaligned, name_of
from trainables.sql.pieces.lexical import pieces, plain
from trainables.sql.pieces.quotes import is_of_another_dialect, unquote_names
from trainables.sql.pieces.result_names import drop_result_names
from trainables.sql.pieces.sources import is_surely_alias, name_by_place

__all__ = ["DIALECTS", "LONGEST_STATEMENT", "normal_form", "same_statement", "text_form"]

DIALECTS = ("sqlite", "mysql", "postgres")
"""Tried in turn until one parses both texts."""

_MOST_CACHED = 1_000
"""Characters of a statement whose normal form is kept; references come again at each evaluation."""

_SIDES = ("left", "right", "full")
_BEFORE_INNER = (*_SIDES, "outer", "cross", "natural")
_WORDS_AFTER_ORDERED = """
    , ) ; limit offset fetch for nulls rows range groups union intersect except separator
"""
_AFTER_ORDERED = frozenset(_WORDS_AFTER_ORDERED.split())


def same_statement(reference: str, prediction: str, schema: str | None = None) -> bool:
    """Tells whether two texts are one statement but for its spelling.

    Args:
        reference: SQL, or any text.
        prediction: Any text.
        schema: SQL that defines the database, if it is known: then it is certain which words in
            double quotes are names.

    Returns:
        True if they are. Never raises.
    """
    if reference == prediction or text_form(reference) == text_form(prediction):
        return True
    if '"' not in reference + prediction:
        if _literals(reference) != _literals(prediction):
            return False
        if "having" not in reference.lower():
            # Nothing else depends on it.
            schema = None
    for dialect in DIALECTS:
        ours = _kept_form(reference, dialect, schema)
        if ours is None:
            continue
        theirs = _kept_form(prediction, dialect, schema)
        if theirs is not None:
            return ours == theirs
    return False


def text_form(sql: str) -> tuple[str, ...]:
    """Returns a text's pieces as they count where nothing more is known."""
    return tuple(plain(piece) for piece in pieces(sql))


def normal_form(sql: str, dialect: str, schema: str | None = None) -> tuple[str, ...] | None:
    """Returns what counts of a text of one or more statements; None where it is not parsed.

    Args:
        sql: Any text.
        dialect: A dialect of sqlglot.
        schema: SQL that defines the database, or None.
    """
    try:
        trees = parse(sql, dialect)
        if any(tree.find(exp.Command) for tree in trees):
            return None
        edits = Edits(pieces(sql))
        names = {edits.place(name) for name in _names(trees)}
        edits.of_another_dialect = is_of_another_dialect(edits, names)
        words = None if schema is None else _words(schema)
        for tree in trees:
            if not edits.of_another_dialect:
                unquote_names(tree, edits, words)
            _drop_as(tree, edits)
            name_by_place(tree, edits)
            if isinstance(tree, exp.Select):
                drop_result_names(tree, edits, words)
        _drop_optional_words(edits, names)
        return edits.result()
    except (NotParsed, Misaligned, RecursionError):
        return None
    except (AttributeError, LookupError, TypeError, ValueError):
        # A tree of another shape than these modules expect, of which sqlglot makes some from texts
        # that no system reads: nothing is known of its spellings.
        return None


@lru_cache(maxsize=16_384)
def _cached_form(sql: str, dialect: str, schema: str | None) -> tuple[str, ...] | None:
    return normal_form(sql, dialect, schema)


def _kept_form(sql: str, dialect: str, schema: str | None) -> tuple[str, ...] | None:
    make = _cached_form if len(sql) + len(schema or "") <= _MOST_CACHED else normal_form
    return make(sql, dialect, schema)


@lru_cache(maxsize=1_024)
def _words(schema: str) -> frozenset[str]:
    return frozenset(name for piece in pieces(schema) if (name := name_of(piece)) is not None)


def _literals(sql: str) -> frozenset[str]:
    """Returns the literals and numbers, which no spelling changes but double quotes."""
    return frozenset(p.text for p in pieces(sql) if p.kind in ("literal", "number"))


def _names(trees: list[exp.Expr]) -> Iterator[exp.Expr]:
    for tree in trees:
        for identifier in tree.find_all(exp.Identifier):
            if "start" in identifier.meta:
                yield identifier


def _drop_as(tree: exp.Expr, edits: Edits) -> None:
    for node in tree.find_all(exp.Alias, exp.TableAlias):
        alias = node.args.get("alias") if isinstance(node, exp.Alias) else node.this
        if not isinstance(alias, exp.Identifier) or "start" not in alias.meta:
            continue
        place = edits.place(alias)
        has_as = edits.word(place - 1) == "as"
        if has_as and is_surely_alias(edits, place, also_without_as=True):
            edits.drop(place - 1)


def _drop_optional_words(edits: Edits, names: set[int]) -> None:
    """Lets INNER, OUTER and ASC not count where they change nothing, and INT count as INTEGER."""
    sorts = [False]  # for each open parenthesis: whether its last BY was that of ORDER BY
    for place in range(len(edits)):
        word, before, after = (edits.word(place + step) for step in (0, -1, 1))
        if word == "(":
            sorts.append(False)
        elif word == ")" and len(sorts) > 1:
            sorts.pop()
        elif word in ("by", ";"):
            sorts[-1] = before == "order"
        elif place in names:
            continue
        elif word == "int" and after not in ("(", ".") and not edits.words["primary"]:
            edits.replace(place, "integer")
        elif (
            (word == "inner" and after == "join" and before not in _BEFORE_INNER)
            or (word == "outer" and after == "join" and before in _SIDES)
            or (word == "asc" and sorts[-1] and _ends_term(edits, place))
        ):
            edits.drop(place)


def _ends_term(edits: Edits, place: int) -> bool:
    """Tells whether a word is the last of a term of ORDER BY, and not all of it."""
    is_last = place + 1 == len(edits) or edits.word(place + 1) in _AFTER_ORDERED
    return is_last and edits.word(place - 1) not in ("by", ",")

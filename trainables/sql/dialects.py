"""Which dialects a text may be of, and what it says in SQLite in each of them.

Texts are parsed in the parsing process (`trainables.sql.parsing`); nothing is run here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from trainables.sql.parsing import process as parsing
from trainables.sql.sandbox.statements import split_statements
from trainables.sql.translation import DIALECTS

__all__ = [
    "DIALECTS",
    "Meaning",
    "NotTranslated",
    "counts_up",
    "has_foreign_signs",
    "is_foreign",
    "meanings",
    "translations",
    "without_decorations",
    "without_quotes_around_names",
]

_SIGN = re.compile(
    r"""
      (?P<sign>
          ` | \[[A-Za-z_][\w ]*\]                                # quotes of MySQL and T-SQL
        | '(?:[^']|'')*'\s*\+ (?!\s*[\d.]) | \+\s*N?'             # + that joins texts
        | \bSELECT\s+ [A-Za-z_]\w*\s*=(?!=)                     # T-SQL's alias = value
        | \bFORMAT\s*\(\s*(?!')                                   # SQLite's is printf
        # SQLite has these since 3.43 to 3.48, each as one dialect of several has it.
        | \b(?:CONCAT|CONCAT_WS|STRING_AGG|TIMEDIFF|IF|OCTET_LENGTH)\s*\(
        | \bLIKE\s*'[^'\\]*\\                                    # an escape in two of the four
        | \bROUND\s*\([^;]*?,\s*-\s*\d                           # SQLite's knows no tens
        # Nor these types; and it cuts no text at the length of its type.
        | \bAS\s+(?:DATE|DATETIME|TIME|TIMESTAMP|SIGNED|DECIMAL|NUMERIC|CHAR|NCHAR|BOOL|BOOLEAN
                  |STRING|BIT|JSON|UUID|YEAR)\b\s*[()]
        | \bAS\s+(?:N?VARCHAR|CHARACTER(?:\s+VARYING)?|CHARACTER)\s*\(
        | \b(?:DATE|TIMESTAMP)\s*' | \bCURRENT_(?:DATE|TIMESTAMP)\s*[-+]
        | \b(?: (?:BIG|SMALL)?SERIAL | IDENTITY | AUTO_INCREMENT | UNSIGNED | ZEROFILL
              | ENGINE\s*= | N?VARCHAR2 | NVARCHAR | NUMBER\s*[(,)] | CLOB | DATETIME2
              | SMALLDATETIME | MONEY | BYTEA | JSONB | TIMESTAMPTZ | (?:MEDIUM|LONG|TINY)TEXT
              | MEDIUMINT | UNIQUEIDENTIFIER | BPCHAR | ENUM\s*\( | ROWNUM | SYSDATE | GETDATE
              | DATEADD | DATEDIFF | DATEPART | TIMESTAMPDIFF | INTERVAL | DUAL | generate_series
              | TOP\s*\(?\s*\d | dbo\. | public\. ) (?:\b|(?<=\W))
      )
      | '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/    # neither texts nor comments count
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)

_COUNTER = re.compile(r"(?:BIG|SMALL)?SERIAL|IDENTITY|AUTO_INCREMENT", re.IGNORECASE)

_WORDS_OF_SIGNS = (
    *("`", "[", "'+", "' +", "+'", "+ '", "+n'", "+ n'", "format", "round", "date'", "date '"),
    *("timestamp'", "timestamp '", "current_date", "current_timestamp", "serial", "identity"),
    *("auto_increment", "unsigned", "zerofill", "engine", "varchar2", "nvarchar", "number", "clob"),
    *("datetime2", "money", "bytea", "jsonb", "timestamptz", "mediumtext", "longtext", "tinytext"),
    *("mediumint", "uniqueidentifier", "bpchar", "enum", "rownum", "sysdate", "getdate"),
    *("dateadd", "datediff", "datepart", "timestampdiff", "interval", "dual", "generate_series"),
    *("top", "dbo.", "public.", "smalldatetime", "as date", "as timestamp", "as signed"),
    *("as decimal", "as numeric", "as char", "as nchar", "as varchar", "as time", "as bool"),
    *("as string", "as bit", "as json", "as uuid", "as year"),
    *("like", "concat", "string_agg", "timediff", "if(", "if (", "octet_length"),
)
"""One of these stands in every text that has a sign, but for those of the next pattern."""
_ALIAS_FIRST = re.compile(r"\bselect\s+[a-z_]\w*\s*=(?!=)")

_QUOTED_NAME = re.compile(
    r"""
      (?P<before>\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+)"(?P<table>[A-Za-z_]\w*)"
    | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | `(?P<ticks>[A-Za-z_]\w*)`
    | (?<![\w\])])\[(?P<brackets>[A-Za-z_]\w*)\]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_COLUMN_OF_DATES = re.compile(r"(\w+)\s+(?:DATE|DATETIME|TIMESTAMP)\b", re.IGNORECASE)
_ROUNDED = re.compile(r"\b(?:TRUNC|ROUND|CEIL|FLOOR)\s*\(\s*([A-Za-z_][\w.]*)", re.IGNORECASE)
_SUM = re.compile(r"([A-Za-z_][\w.]*)\s*[-+](?![->])|(?<!-)[-+]\s*([A-Za-z_][\w.]*)")
_CHOSEN = r"\b(?:MIN|MAX|COALESCE|IFNULL|LAG|LEAD|FIRST_VALUE|LAST_VALUE)\s*\(\s*([A-Za-z_][\w.]*)"
_SUM_OF_CHOSEN = re.compile(
    rf"{_CHOSEN}[^()]*\)[)\s]*[-+](?![->])|(?<!-)[-+][(\s]*(?:SELECT\s+)?{_CHOSEN}", re.IGNORECASE
)
_MIDNIGHT = re.compile(r"'\d{4}-\d\d-\d\d[ T]00:00(?::00(?:\.0+)?)?'")
_COLUMN_WITH_TIME = re.compile(r"(\w+)\s+(?:DATETIME|TIMESTAMP)\b", re.IGNORECASE)
_LONE_DATE = re.compile(r"'\d{4}-\d\d-\d\d'")
_TYPE_OF_MOMENTS = re.compile(r"\b(?:DATE|DATETIME|TIMESTAMP)\b", re.IGNORECASE)
_OTHER_SPELLING = re.compile(
    r"""
      '\d{4}-(?:\d-\d\d?|\d\d-\d)(?:[ T][\d:.]+)?' | '(?:19|20)\d\d[01]\d[0-3]\d'
    | '\d{4}-\d\d-\d\d(?:T[\d:.]+|[ ]\d\d:\d\d)Z?'
    """,
    re.VERBOSE,
)
_OTHER_SPELLING_IN_CONTEXT = re.compile(
    r"'\d{4}-(?:\d-\d\d?|\d\d-\d)(?:[ T][\d:.]+)?'|'\d{4}-\d\d-\d\dT[\d:.]+Z?'"
)

_TRUTH = re.compile(r"\bBOOL(?:EAN)?\b", re.IGNORECASE)
_TEXT_OF_TRUTH = re.compile(r"'(?:t|f|true|false)'", re.IGNORECASE)
_COMPARED_WITH_TRUTH = re.compile(r"(?:=|!=|<>)\s*'(?:t|f|true|false)'", re.IGNORECASE)

_PRAGMA = re.compile(r"PRAGMA\s+(\w+)", re.IGNORECASE)
_HARMLESS_PRAGMAS = frozenset(
    {
        *(
            "analysis_limit",
            "auto_vacuum",
            "automatic_index",
            "cache_size",
            "encoding",
            "journal_mode",
        ),
        *(
            "journal_size_limit",
            "locking_mode",
            "mmap_size",
            "optimize",
            "page_size",
            "synchronous",
            "temp_store",
        ),
        *("user_version", "application_id", "wal_autocheckpoint"),
    }
)
_OF_SQLITE_ITSELF = re.compile(
    r"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?[\"'`\[]?sqlite_(?:sequence|stat[134])\b"
    r"|ANALYZE\s+[\"'`\[]?sqlite_(?:master|schema)\b",
    re.IGNORECASE,
)


class NotTranslated(Exception):  # noqa: N818  # what happened, not what is wrong with this program
    """The parsing process twice reached its limits of time or memory."""


@dataclass(frozen=True)
class Meaning:
    """What a text says in SQLite if it is of one dialect.

    Attributes:
        dialect: The dialect.
        sql: Statements of SQLite; None where no translation is known to keep the meaning.
        functions: What they call beyond SQLite's own functions.
        reason: Why there is no translation.
        is_past_limit: Whether that is so because the text is too long or too deep to be read.
    """

    dialect: str
    sql: str | None
    functions: tuple[str, ...] = ()
    reason: str = ""
    is_past_limit: bool = False


def has_foreign_signs(text: str) -> bool:
    """Tells whether a text shows signs of another dialect, which SQLite may run all the same."""
    lowered = text.lower()
    # Most texts have none of these; the others are looked at piece by piece.
    if not any(word in lowered for word in _WORDS_OF_SIGNS) and not _ALIAS_FIRST.search(lowered):
        return False
    return any(found.lastgroup == "sign" for found in _SIGN.finditer(text))


def counts_up(context: str) -> bool:
    """Tells whether a context shows a column that counts up in another dialect than SQLite's."""
    return any(
        found.lastgroup == "sign" and _COUNTER.fullmatch(found[0])
        for found in _SIGN.finditer(context)
    )


def is_foreign(context: str, reference: str) -> bool:
    """Tells whether a row shows signs of another dialect than SQLite's."""
    return (
        has_foreign_signs(reference)
        or has_foreign_signs(context)
        or _calculates_with_dates(context, reference)
        or _spells_moments_in_other_ways(context, reference)
        or _says_truth_in_texts(context, reference)
    )


def _spells_moments_in_other_ways(context: str, reference: str) -> bool:
    """Tells whether one moment may be spelled in two ways, which to SQLite are two texts.

    Those are a day and its midnight, 2024-1-5, 20240105, 2024-01-05T10:30 and times without
    seconds, where the context has a column of such a type.
    """
    if not _TYPE_OF_MOMENTS.search(context):
        return False
    if _OTHER_SPELLING.search(reference) or _OTHER_SPELLING_IN_CONTEXT.search(context):
        return True
    if not (_LONE_DATE.search(reference) and _MIDNIGHT.search(context)):
        return False
    names = {found[1].lower() for found in _COLUMN_WITH_TIME.finditer(context)}
    return not names.isdisjoint(re.findall(r"\w+", reference.lower()))


def _says_truth_in_texts(context: str, reference: str) -> bool:
    """Tells whether a column of truth values is given as texts, or compared with one.

    SQLite takes them for texts.
    """
    if not _TRUTH.search(context):
        return False
    if _COMPARED_WITH_TRUTH.search(reference):
        return True
    given = len(_TEXT_OF_TRUTH.findall(context))
    return bool(given) and any(
        said.sql is not None and len(_TEXT_OF_TRUTH.findall(said.sql)) < given
        for said in meanings(None, context, dialects=["postgres"])
    )


def _calculates_with_dates(context: str, reference: str) -> bool:
    """Tells whether a column of dates is added, subtracted or rounded: SQLite takes the year."""
    operands = [
        operand
        for pattern in (_SUM, _SUM_OF_CHOSEN, _ROUNDED)
        for found in pattern.finditer(reference)
        for operand in found.groups()
        if operand
    ]
    if not operands:
        return False
    names = {found[1].lower() for found in _COLUMN_OF_DATES.finditer(context)}
    return any(operand.rpartition(".")[2].lower() in names for operand in operands)


def translations(
    text: str | None, context: str, context_binds: bool, dialects: Sequence[str]
) -> list[dict[str, Any]]:
    """Returns `meanings` as dictionaries, for a parsing process to call.

    Args:
        text: Any text; None: the context itself.
        context: What builds its database.
        context_binds: Whether a text is of no dialect that the context is not of.
        dialects: Those to be tried.
    """
    # sqlglot and the rules: 0.3 CPU s that the parsing process alone has a use for.
    from trainables.sql.translation.translate import translate

    found = (translate(d, context, text, known_tables=context_binds) for d in dialects)
    return [
        {
            "dialect": dialect,
            "sql": said.get("sql"),
            "functions": said.get("functions", []),
            "reason": said.get("reason", ""),
            "is_past_limit": said.get("refused") == "limit",
        }
        for dialect, said in zip(dialects, found, strict=True)
        if said.get("refused") != "not spoken"
    ]


def meanings(
    text: str | None,
    context: str = "",
    *,
    context_binds: bool = True,
    dialects: Sequence[str] = DIALECTS,
    heartbeat: Callable[[], None] | None = None,
) -> list[Meaning]:
    """Returns what a text means in each dialect that it may be of.

    Args:
        text: Any text; None: the context itself.
        context: What builds its database.
        context_binds: Whether a text is of no dialect that the context is not of.
        dialects: Those to be tried.
        heartbeat: Called about twice a second while this waits for the parsing process.

    Returns:
        One meaning for each dialect that has all that the text says; none for a text that is of
        none.

    Raises:
        NotTranslated: The parsing process twice reached its limits of time or memory.
        ParserUnavailable: There is no parsing process.
    """
    arguments = (text, context, context_binds, list(dialects))
    [found] = parsing.shared().map(translations, [arguments], heartbeat)
    if found is None:
        raise NotTranslated
    return [Meaning(**{**said, "functions": tuple(said["functions"])}) for said in found]


def without_quotes_around_names(text: str) -> str:
    """Returns a text without backticks and brackets around plain names.

    Names of tables lose double quotes, too.
    """

    def plain(found: re.Match[str]) -> str:
        if found["table"]:
            return f"{found['before']}{found['table']}"
        return found["ticks"] or found["brackets"] or found[0]

    return _QUOTED_NAME.sub(plain, text) if re.search(r'[`\["]', text) else text


def without_decorations(context: str) -> str:
    """Returns a context of SQLite without what its dumps hold and no statement may do.

    The tables that SQLite keeps for itself and PRAGMAs that change no meaning are left out.
    """
    if "sqlite_" not in context.lower() and "pragma" not in context.lower():
        return context
    kept = []
    for statement in split_statements(context):
        pragma = _PRAGMA.match(statement)
        if pragma is not None and pragma[1].lower() in _HARMLESS_PRAGMAS:
            continue
        if not _OF_SQLITE_ITSELF.match(statement):
            kept.append(statement)
    return ";\n".join(kept)

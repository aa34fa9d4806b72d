"""Words that are no plain names: where one stands, nothing is taken for an optional name."""

from __future__ import annotations

from sqlglot.tokens import Tokenizer

_RESERVED_WORDS = """
    add all alter and as autoincrement between case check collate commit constraint create cross
    current_date current_time current_timestamp default deferrable delete distinct drop else end
    escape except exists false filter foreign from full glob group having in index indexed inner
    insert intersect into is isnull join left like limit natural not nothing notnull null offset on
    or order outer over partition primary references regexp returning right rowid select set table
    then to transaction true union unique update user using values when where window with
"""
RESERVED = frozenset(_RESERVED_WORDS.split())
"""What SQLite, or an engine beside it, takes for something else than a name, quoted or not.

Source: https://www.sqlite.org/lang_keywords.html, without the words that may be names there.
"""

_RESERVED_ELSEWHERE_WORDS = """
    access analyse analyze array asymmetric audit authorization backup before both break browse bulk
    call cascade change checkpoint close cluster clustered coalesce collation column compress
    compute concurrently condition contains continue convert cube cume_dist current current_role
    current_user cursor database databases dbcc deallocate declare delayed dense_rank deny desc
    describe deterministic disk distinctrow distributed div double dual dump each elseif empty
    enclosed errlvl escaped exec execute exit explain external fetch file fillfactor first_value
    float for freetext freeze fulltext function generated get goto grant grouping groups having
    holdlock identified identity if ilike immediate increment infile initial initially inout
    insensitive int integer interval iterate kill lag last_value lead leading leave level lineno
    linear lines load localtime localtimestamp long loop maxextents mediumint merge minus mod mode
    modify national nocheck noaudit nowait nth_value ntile number numeric of off offline offsets
    online open optimize option optionally out outfile overlaps pctfree percent percent_rank placing
    plan precision print prior privileges proc procedure public purge raiserror range rank raw read
    real reconfigure recursive release rename repeat replace replication require resignal resource
    restore restrict return revert revoke rlike row row_number rownum rows rule save schema schemas
    separator session session_user share show shutdown signal similar size smallint spatial specific
    sql sqlexception ssl start starting statistics stored successful symmetric synonym sysdate
    system system_user terminated textsize top trailing tran trigger truncate try_convert tsequal
    uid undo unlock unsigned usage validate varchar varchar2 variadic varying verbose view virtual
    waitfor while within write writetext xor zerofill key keys index indexes
"""
RESERVED_ELSEWHERE = frozenset(_RESERVED_ELSEWHERE_WORDS.split())
"""What MySQL, PostgreSQL, T-SQL or Oracle reserve and SQLite does not."""

_OF_A_DIALECT_WORDS = """
    anti any apply array asof columns connect distinctrow final first force global high_priority
    ignore last lateral lock low_priority match_recognize minus nolock only options pivot prewhere
    prior qualify sample semi settings sharelock skip some sql_big_result sql_buffer_result
    sql_cache sql_calc_found_rows sql_no_cache sql_small_result start straight_join tablesample ties
    top unnest unpivot updlock use within
"""
OF_A_DIALECT = frozenset(_OF_A_DIALECT_WORDS.split())
"""What another dialect takes for something else than a name, and SQLite does not."""

MEANINGFUL = (
    RESERVED | OF_A_DIALECT | {word.lower() for word in Tokenizer.KEYWORDS if word.isidentifier()}
)
"""What some dialect gives a meaning to: no name without AS is taken for an alias next to it."""

_BEFORE_PARENTHESIS_WORDS = """
    all and as between by case cast check default distinct else end except exists filter from glob
    having in intersect is join key like limit materialized not offset on or over primary raise
    references returning select set then union unique using values when where
    bigint blob boolean char character clob date datetime dec decimal double float int integer nchar
    numeric nvarchar real smallint text time timestamp tinyint varchar
"""
BEFORE_PARENTHESIS = frozenset(_BEFORE_PARENTHESIS_WORDS.split())
"""Words of SQLite that may stand before a parenthesis without being a function there."""

_FUNCTIONS_OF_SQLITE_WORDS = """
    abs avg char coalesce count cume_dist date datetime dense_rank first_value glob group_concat hex
    ifnull instr json json_array json_extract json_object json_valid julianday lag last_value lead
    length like lower ltrim max min nth_value ntile nullif percent_rank printf quote random rank
    replace round row_number rtrim strftime substr substring sum time total trim typeof unicode
    upper
"""
FUNCTIONS_OF_SQLITE = frozenset(_FUNCTIONS_OF_SQLITE_WORDS.split())
"""What every SQLite has; not those that came with 3.38 or later, as CONCAT and STRING_AGG."""

_UNITS_WORDS = """
    d day dayofweek dayofyear days dd dow doy dw dy epoch h hh hour hours isodow m mcs mi
    microsecond millisecond min minute minutes mm month months ms n ns q qq quarter s sec second
    seconds ss w week weekday weeks wk ww y year years yy yyyy
"""
UNITS = frozenset(_UNITS_WORDS.split())
"""Parts of a date, which functions take where a column could stand: `DATEADD(day, 1, d)`."""

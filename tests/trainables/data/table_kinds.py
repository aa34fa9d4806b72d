"""Tables as people have them: what a file holds, and what is to come of it."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

Rows = Sequence[dict[str, str]]

ROWS: Rows = [
    {
        "sql_prompt": f"How many of kind {number}, “é”?",
        "sql_context": "CREATE TABLE t (a INT);",
        "sql": f"SELECT COUNT(*)\nFROM t WHERE a = {number}",
    }
    for number in range(60)
]


def lines(rows: Rows = ROWS) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def separated(separator: str, rows: Rows = ROWS, end: str = "\n") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return out.getvalue()


def parquet(kind: pa.DataType) -> bytes:
    out = io.BytesIO()
    columns = {name: pa.array([row[name] for row in ROWS]).cast(kind) for name in ROWS[0]}
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def _renamed(*names: str) -> Rows:
    return [dict(zip(names, row.values(), strict=True)) for row in ROWS]


_LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n"

READ: dict[str, tuple[str, bytes]] = {
    "objects over several lines": (
        "rows.jsonl",
        "\n".join(json.dumps(row, indent=2) for row in ROWS).encode(),
    ),
    "separated values below lines of blanks": ("rows.csv", b"  \n\t\r\n" + separated(",").encode()),
    "backslashes before quotation marks": (
        "rows.csv",
        separated(",").replace("“é”", r"\"é\"").encode(),
    ),
    "plain lines": ("rows.jsonl", lines().encode()),
    "byte order mark in lines": ("rows.jsonl", lines().encode("utf-8-sig")),
    "leading blank line": ("rows.jsonl", b"\n \n" + lines().encode()),
    "blank lines, CRLF": ("rows.jsonl", lines().replace("\n", "\r\n\r\n").encode()),
    "an array in .jsonl": ("rows.jsonl", json.dumps(ROWS).encode()),
    "an array": ("rows.json", json.dumps(ROWS, indent=2).encode()),
    "lines in .json": ("rows.json", lines().encode()),
    "an object with the array": (
        "rows.json",
        json.dumps({"version": 1, "data": ROWS}, indent=1).encode(),
    ),
    "the same in one line": ("rows.json", json.dumps({"data": ROWS}).encode()),
    "rows by their numbers": (
        "rows.json",
        json.dumps({str(number): row for number, row in enumerate(ROWS)}).encode(),
    ),
    "the same over several lines": (
        "rows.json",
        json.dumps({str(number + 7): row for number, row in enumerate(ROWS)}, indent=1).encode(),
    ),
    "UTF-16 lines": ("rows.jsonl", lines().encode("utf-16")),
    "other ending": ("rows.ndjson", lines().encode()),
    "commas": ("rows.csv", separated(",").encode()),
    "byte order mark in CSV": ("rows.csv", separated(",").encode("utf-8-sig")),
    "semicolons": ("rows.csv", separated(";").encode()),
    "Excel's semicolons": ("rows.csv", separated(";", end="\r\n").encode("utf-8-sig")),
    "separator said": ("rows.csv", b"sep=;\r\n" + separated(";", end="\r\n").encode()),
    "tabs": ("rows.tsv", separated("\t").encode()),
    "Excel's Unicode text": ("rows.csv", separated("\t", end="\r\n").encode("utf-16")),
    "bars": ("rows.csv", separated("|").encode()),
    "old line ends": ("rows.csv", separated(",", end="\r").encode()),
    "leading blank lines in CSV": ("rows.csv", b"\r\n\n" + separated(",").encode()),
    "trailing comma everywhere": (
        "rows.csv",
        separated(",", [{**row, "": ""} for row in ROWS]).encode(),
    ),
    "gzip of lines": ("rows.jsonl.gz", gzip.compress(lines().encode("utf-8-sig"))),
    "gzip of CSV": ("rows.csv.gz", gzip.compress(separated(";").encode())),
    "gzip without its name": ("rows.csv", gzip.compress(separated(",").encode())),
    "gzip of Parquet": ("rows.parquet.gz", gzip.compress(parquet(pa.string()))),
    "large strings": ("rows.parquet", parquet(pa.large_string())),
    "views of strings": ("rows.parquet", parquet(pa.string_view())),
    "dictionaries": ("rows.parquet", parquet(pa.dictionary(pa.int32(), pa.string()))),
    "binary": ("rows.parquet", parquet(pa.binary())),
    "upper case": (
        "rows.csv",
        separated(",", _renamed("SQL_Prompt", "SQL Context", "SQL")).encode(),
    ),
    "sql-create-context": (
        "rows.json",
        json.dumps(_renamed("question", "context", "answer")).encode(),
    ),
    "SQaLe": ("rows.jsonl", lines(_renamed("question", "schema", "query")).encode()),
    "instructions": (
        "rows.json",
        json.dumps(_renamed("instruction", "input", "response")).encode(),
    ),
    "SQL as an object beside its text": (
        "rows.json",
        json.dumps(
            [
                {
                    "question": row["sql_prompt"],
                    "schema": row["sql_context"],
                    "sql": {"select": [1]},
                    "query": row["sql"],
                }
                for row in ROWS
            ]
        ).encode(),
    ),
}
"""Kind -> a file's name and content; each holds `ROWS`, as UTF-8 unless it says so."""


def _with(number: int, **changes: object) -> bytes:
    rows = [dict(row) for row in ROWS]
    rows[number] |= changes  # type: ignore[arg-type]  # what is wrong with it
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _table(**columns: pa.Array) -> bytes:
    out = io.BytesIO()
    given = {name: pa.array([row[name] for row in ROWS]) for name in ROWS[0]}
    pq.write_table(pa.table(given | columns), out)
    return out.getvalue()


_NUMBERS = pa.array(range(60))
_OTHERS = bytes(range(256))

REFUSED: dict[str, tuple[str, bytes, str]] = {
    "a value that goes on after its end": (
        "rows.csv",
        separated(",").replace("“é”", '"é"').encode(),
        "line 2 a value goes on after the quotation mark that ends it",
    ),
    "a pointer of Git LFS": ("rows.jsonl", _LFS, "run `git lfs pull`"),
    "a pointer of Git LFS for Parquet": ("rows.parquet", _LFS, "run `git lfs pull`"),
    "no values that became texts": (
        "rows.csv",
        separated(",", [{**row, "sql": "NaN"} for row in ROWS]).encode(),
        "line 2 has 'NaN' as sql, which stands for no value (and 59 more)",
    ),
    "empty": ("rows.jsonl", b"", "has no rows"),
    "empty CSV": ("rows.csv", b"\n\n", "it is empty"),
    "an empty array": ("rows.json", b"[]", "has no rows"),
    "header only": ("rows.csv", b"sql_prompt,sql_context,sql\n", "no rows to train on"),
    "Parquet without rows": (
        "rows.parquet",
        _table(**{name: pa.array([], pa.string()) for name in ROWS[0]}),
        "no rows to train on",
    ),
    "Latin-1 lines": (
        "rows.jsonl",
        lines().replace("“", "").replace("”", "").encode("latin-1"),
        "line 1 is not UTF-8 (byte 0xe9 at offset",
    ),
    "Latin-1 CSV": (
        "rows.csv",
        b"sql_prompt,sql_context,sql\nq,c,SELECT 1\nn\xe9,c,SELECT 2\n",
        "line 3 is not UTF-8 (byte 0xe9 at offset 41); a file in Latin-1 is converted by `iconv",
    ),
    "UTF-16 without a mark": ("rows.csv", separated(",").encode("utf-16-le"), "-f UTF-16LE -t"),
    "UTF-16, high bytes first": ("rows.csv", separated(",").encode("utf-16-be"), "-f UTF-16BE -t"),
    "half of UTF-16": ("rows.csv", separated(",").encode("utf-16")[:-1], "is not UTF-16"),
    "a gzip file cut short": (
        "rows.csv.gz",
        gzip.compress(separated(",").encode())[:-9],
        "it is cut short: the gzip file has no end; copy or download it again.",
    ),
    "a damaged gzip file": (
        "rows.csv.gz",
        gzip.compress(separated(",").encode())[:-8] + bytes(8),
        "the gzip file is damaged (CRC check failed",
    ),
    "Parquet cut short": (
        "rows.parquet",
        parquet(pa.string())[:-9],
        "it is cut short: the end of the Parquet file is missing; copy or download it again.",
    ),
    "Parquet with a hole": (
        "rows.parquet",
        b"PAR1" + bytes(99) + b"PAR1",
        "copy or download it again.",
    ),
    "an array cut in a text": (
        "rows.json",
        json.dumps(ROWS, indent=0)[:-9].encode(),
        "breaks off, as in a file that is cut short (copy or download it again).",
    ),
    "an array cut between rows": (
        "rows.json",
        json.dumps(ROWS, indent=0)[:-1].encode(),
        "breaks off, as in a file that is cut short (copy or download it again).",
    ),
    "an object cut short": (
        "rows.json",
        json.dumps({"data": ROWS}, indent=1)[:-9].encode(),
        "breaks off, as in a file that is cut short (copy or download it again).",
    ),
    "separated values cut short": (
        "rows.csv",
        separated(",").encode()[:-60],
        "line 120 has 2 values, but the header has 3 columns, as in a file that is cut short (copy",
    ),
    "lines cut short": (
        "rows.jsonl",
        lines().encode()[:-9],
        "1 bad row beside 59 good ones: rows.jsonl, line 60 breaks off, as in a file that is cut",
    ),
    "a list in the first row": (
        "rows.jsonl",
        _with(0, sql=["SELECT 1"]),
        'rows.jsonl, line 1 has a list as sql, not a text: ["SELECT 1"];',
    ),
    "objects by their names": (
        "rows.json",
        json.dumps({f"q{number}": row for number, row in enumerate(ROWS)}).encode(),
        "it is one object with an object under each of 'q0', 'q1', 'q2', ...: where these are rows,"
        " write a list of rows",
    ),
    "names and values apart": (
        "rows.json",
        json.dumps({"columns": [*ROWS[0]], "data": [[*row.values()] for row in ROWS]}).encode(),
        "as pandas writes with `orient='split'`; write a list of rows",
    ),
    "pandas' column without a name": (
        "rows.csv",
        separated(",", [{"": "1", "no": "x", "a, b": "y"} for _ in ROWS]).encode(),
        "it has '' (without a name), no, 'a, b'; name the columns",
    ),
    "a workbook": ("rows.csv", b"PK\x03\x04workbook", "a zip archive, as Excel's workbooks are"),
    "a workbook by its name": ("rows.xlsx", b"PK\x03\x04", "save its sheet as CSV (UTF-8)"),
    "an archive": ("rows.zip", b"PK\x03\x04", "is a .zip, but must be one of"),
    "a compressed table": ("rows.csv.bz2", b"BZh", "bunzip2 --keep"),
    "a table of Arrow": ("rows.feather", b"ARROW1", "write it as Parquet"),
    "a database": ("rows.sqlite", b"SQLite format 3\0", "`databases` names it"),
    "Parquet by another name": (
        "rows.csv",
        parquet(pa.string()),
        "it is a Parquet file; give it a name that ends in .parquet",
    ),
    "Parquet named as lines": (
        "rows.jsonl",
        parquet(pa.string()),
        "it is a Parquet file; give it a name that ends in .parquet",
    ),
    "a text named as Parquet": (
        "rows.parquet",
        separated(",").encode(),
        "it is a text, and no Parquet; give it a name that says its format, such as .csv",
    ),
    "lines named as separated values": (
        "rows.csv",
        lines().encode(),
        "it is JSON; give it a name that ends in .jsonl",
    ),
    "an array named as separated values": (
        "rows.tsv",
        json.dumps(ROWS).encode(),
        "it is JSON; give it a name that ends in .json",
    ),
    "separated values named as lines": (
        "rows.jsonl",
        b"sql_prompt,sql_context,sql\nq,c,SELECT 1\n",
        "it is no JSON but looks like separated values; give it a name that ends in .csv",
    ),
    "separated values named as an array": (
        "rows.json",
        b"question;context;sql\r\nq;c;SELECT 1\r\n",
        "looks like separated values; give it a name that ends in .csv",
    ),
    "a database by another name": (
        "rows.csv",
        b"SQLite format 3\0" + bytes(100),
        "it is an SQLite database; it has no questions",
    ),
    "an old workbook": (
        "rows.csv",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99),
        "it is an old workbook of Excel; save its sheet as CSV (UTF-8)",
    ),
    "compressed otherwise": ("rows.jsonl", b"\x28\xb5\x2f\xfd" + _OTHERS, "with `unzstd`"),
    "compressed twice": (
        "rows.csv.gz",
        gzip.compress(gzip.compress(separated(",").encode())),
        "compressed once more; unpack it with `gunzip`",
    ),
    "an archive by another name": (
        "rows.csv",
        b"rows.csv".ljust(257, b"\0") + b"ustar" + bytes(250),
        "it is an archive of tar; unpack it with `tar -xf`",
    ),
    "a pickle": ("rows.json", b"\x80\x04\x95" + bytes(99), "it is a pickle; it is not read"),
    "a web page instead of the file": (
        "rows.csv",
        b"\n<!DOCTYPE html>\n<html><body>404</body></html>",
        "it is a web page, as a download leaves that did not get its file",
    ),
    "values in single quotes": (
        "rows.csv",
        b"'sql_prompt','sql_context','sql'\n'q','c','SELECT 1'\n",
        "its values stand in single quotes, which would be part of them",
    ),
    "a key twice": (
        "rows.jsonl",
        lines().encode() + b'{"sql_prompt": "q", "sql_context": "c", "sql": "a", "sql": "b"}\n',
        "1 bad row beside 60 good ones: rows.jsonl, line 61 has the key 'sql' twice",
    ),
    "a key twice in an array": (
        "rows.json",
        b'[\n{"sql_prompt": "q", "sql_context": "c", "sql": "a", "sql": "b"}]',
        "the object that begins on line 2 has the key 'sql' twice",
    ),
    "one good row": (
        "rows.jsonl",
        lines(ROWS[:1]).encode() + b"{}\n",
        "1 bad row beside 1 good one: rows.jsonl, line 2",
    ),
    "bytes that are no text in Parquet": (
        "rows.parquet",
        _table(sql=pa.array([b"\xff" if n == 6 else b"SELECT 1" for n in range(60)])),
        "its column 'sql' has bytes that are not UTF-8 in row 7",
    ),
    "a text": ("rows.txt", lines().encode(), "is a .txt, but must be one of"),
    "no header": (
        "rows.csv",
        f'"How many\nof {"kind " * 99}?",CREATE TABLE t (a INT),SELECT 1\n'.encode(),
        "it has How many of kind kind kind kind kind ..., CREATE TABLE t (a INT), SELECT 1; name",
    ),
    "no Parquet": ("rows.parquet", lines().encode(), "cannot be read"),
    "a column twice": (
        "rows.csv",
        b"sql_prompt,sql_context,sql,sql\nq,c,s,s\n",
        "has the column 'sql' twice",
    ),
    "columns of objects": (
        "rows.json",
        json.dumps({name: {"0": "x"} for name in ROWS[0]}).encode(),
        "one object of columns; write a list of rows",
    ),
    "a page of HTML": ("rows.json", b"<html>\n<body>", "it is a web page"),
    "a text of YAML": ("rows.json", b"- sql: x\n  context: y\n", "line 1 is not JSON"),
    "two candidates": (
        "rows.jsonl",
        _with(0, answer="SELECT 1", query="SELECT 2").replace(b'"sql":', b'"statement":'),
        "2 columns that may be the SQL: answer, query; say which one, e.g. with"
        " `--set columns.sql=answer`",
    ),
    "only an object": (
        "rows.jsonl",
        b'{"question": "q", "schema": "c", "sql": {"sel": 1}}\n',
        "lacks sql: it has question, schema, sql (sql holds objects or lists, not text)",
    ),
    "a null": (
        "rows.jsonl",
        _with(6, sql=None),
        "1 bad row beside 59 good ones: rows.jsonl, line 7 has no sql;",
    ),
    "an absent key": (
        "rows.jsonl",
        _with(6).replace(b'"sql": "SELECT COUNT(*)\\nFROM t WHERE a = 6"', b'"note": 1'),
        "line 7 has no sql;",
    ),
    "blanks": ("rows.jsonl", _with(6, sql_prompt=" \n"), "line 7 has no sql_prompt;"),
    "a number": ("rows.jsonl", _with(6, sql=6), "line 7 has a number as sql, not a text: 6;"),
    "a list": (
        "rows.jsonl",
        _with(6, sql=["SELECT"]),
        'has a list as sql, not a text: ["SELECT"];',
    ),
    "a context that is none": (
        "rows.jsonl",
        _with(6, sql_context=6),
        "line 7 has a number as sql_context",
    ),
    "half of a character": ("rows.jsonl", _with(6, sql="\ud800"), "line 7 has half of a character"),
    "a NUL character": (
        "rows.jsonl",
        _with(6, sql="a\0b"),
        "line 7 has a NUL character in its sql;",
    ),
    "a broken line": (
        "rows.jsonl",
        _with(6).replace(b'{"sql_prompt": "How many of kind 6,', b'"sql_prompt": "How many 6,'),
        "line 7 is not JSON (Extra data at column 13)",
    ),
    "a broken first line": ("rows.jsonl", b'{"sql\n' + lines().encode(), "line 1 is not JSON"),
    "a line that is no object": (
        "rows.jsonl",
        lines().encode() + b"[]\n",
        "line 61 is a list, not",
    ),
    "a value too few": (
        "rows.csv",
        b'sql_prompt,sql_context,sql\n"a\nb",c,SELECT 1\n\nq,SELECT 2\nq,c,SELECT 3\n',
        "line 5 has 2 values, but the header has 3 columns",
    ),
    "an empty value": (
        "rows.csv",
        b'sql_prompt,sql_context,sql\r\n"a\r\nb",c,SELECT 1\r\nq,c,\r\nq,c,SELECT 3\r\n',
        "line 4 has no sql;",
    ),
    "a quote that does not end": (
        "rows.csv",
        b'sql_prompt,sql_context,sql\nq,c,SELECT 0\n"q,c,SELECT 1\nq,c,SELECT 2\n',
        "line 3 has 1 value, but",
    ),
    "numbers": (
        "rows.parquet",
        _table(sql=_NUMBERS),
        "60 bad rows beside 0 good ones: rows.parquet, row 1 has a number as sql, not a text: 0",
    ),
    "a null in Parquet": (
        "rows.parquet",
        _table(sql=pa.array([None if n == 6 else "SELECT 1" for n in range(60)])),
        "rows.parquet, row 7 has no sql;",
    ),
    "lists": (
        "rows.parquet",
        _table(sql=pa.array([["SELECT"]] * 60)),
        "lacks sql: it has sql_prompt, sql_context, sql (sql holds objects or lists, not text)",
    ),
}
"""Kind -> a file's name and content, and what is said of it."""


def write(folder: Path, name: str, content: bytes) -> Path:
    """Writes a file of one of the kinds and returns its path."""
    path = folder / name
    path.write_bytes(content)
    return path


def saved_to_disk(folder: Path, *, of_splits: bool) -> None:
    """Writes what `datasets` leaves behind by `save_to_disk`; the library is not loaded for it."""
    folder.mkdir()
    if of_splits:
        (folder / "dataset_dict.json").write_text('{"splits": ["train"]}')
        folder /= "train"
        folder.mkdir()
    for name in ("state.json", "dataset_info.json", "data-00000-of-00001.arrow"):
        (folder / name).write_text("{}")

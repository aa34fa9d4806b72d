"""What a file is that is no text of a table, by how it begins, and what makes a table of it."""

from __future__ import annotations

from trainables.runtime.stand_ins import web_page

_UNPACK = "unpack it with `{}` and give what was in it"
_NOT_READ = "it is not read, since it may run code; write its rows as Parquet"

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"PK\x03\x04",
        "a zip archive, as Excel's workbooks are too",
        "unpack it, or save it as CSV (UTF-8)",
    ),
    (b"PAR1", "a Parquet file", "give it a name that ends in .parquet"),
    (b"\x1f\x8b", "compressed once more", _UNPACK.format("gunzip")),
    (b"BZh", "compressed by bzip2", _UNPACK.format("bunzip2")),
    (b"\xfd7zXZ\0", "compressed by xz", _UNPACK.format("unxz")),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", _UNPACK.format("unzstd")),
    (b"7z\xbc\xaf\x27\x1c", "an archive of 7-Zip", _UNPACK.format("7z x")),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old workbook of Excel",
        "save its sheet as CSV (UTF-8)",
    ),
    (
        b"SQLite format 3\0",
        "an SQLite database",
        "it has no questions: give the table of these, and `databases` names it",
    ),
    (
        b"ARROW1\0\0",
        "a table of Arrow",
        "write it as Parquet, e.g. with pyarrow.parquet.write_table",
    ),
    (b"%PDF-", "a PDF", "give the table itself"),
    *((bytes((0x80, version)), "a pickle", _NOT_READ) for version in (2, 3, 4, 5)),
)
_TAR = b"ustar"
_TAR_AT = 257


def other_format(content: bytes) -> str | None:
    """Returns what a file is instead of a text, and what to do about it; None for what may be one.

    Args:
        content: What it holds, decompressed; the beginning will do.
    """
    for beginning, what, remedy in _BEGINNINGS:
        if content.startswith(beginning):
            return f"it is {what}; {remedy}"
    if content.startswith(_TAR, _TAR_AT):
        return f"it is an archive of tar; {_UNPACK.format('tar -xf')}"
    return web_page(content)

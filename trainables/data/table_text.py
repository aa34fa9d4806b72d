"""The text of a table file, whatever it is compressed and encoded with.

UTF-8, with or without a byte order mark, and UTF-16 with one, as spreadsheets save it. Nothing is
guessed: other encodings are refused, with the place and what converts them.
"""

from __future__ import annotations

import codecs
import gzip
import shlex
import zlib
from pathlib import Path

from trainables.data.errors import DatasetError
from trainables.data.file_formats import other_format
from trainables.runtime.stand_ins import lfs_pointer

AGAIN = "copy or download it again"
"""What is to be done about a file that is cut short or damaged."""

_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as the mark of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_bytes(path: Path) -> bytes:
    """Returns what a file holds, decompressed where it is a gzip file, whatever its name.

    Raises:
        DatasetError: It cannot be read, or is damaged.
    """
    try:
        content = path.read_bytes()
        check_no_pointer(path, content)
        return gzip.decompress(content) if content.startswith(_GZIP) else content
    except EOFError as error:
        why = f"it is cut short: the gzip file has no end; {AGAIN}"
        raise DatasetError(f"The table {str(path)!r} cannot be read: {why}.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        why = f"the gzip file is damaged ({error}); {AGAIN}"
        raise DatasetError(f"The table {str(path)!r} cannot be read: {why}.") from error
    except OSError as error:
        raise DatasetError(f"The table {str(path)!r} cannot be read: {error}") from error


def check_no_pointer(path: Path, head: bytes) -> None:
    """Refuses a pointer of Git LFS, which stands in for a file that was not downloaded.

    Args:
        path: Of the file.
        head: Its first bytes.

    Raises:
        DatasetError: It is one; names what downloads the file.
    """
    if (pointer := lfs_pointer(head)) is not None:
        raise DatasetError(f"The table {str(path)!r} cannot be read: {pointer}.")


def read_text(path: Path) -> str:
    """Returns the text of a file, without its byte order mark.

    Raises:
        DatasetError: It cannot be read, or is not UTF-8; names the first byte that is not.
    """
    content = read_bytes(path)
    if (other := other_format(content)) is not None:
        raise DatasetError(f"The table {str(path)!r} cannot be read: {other}.")
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    head = content[:64]
    if encoding == "utf-8" and head.count(0) * 3 > len(head):
        order = "BE" if head[::2].count(0) > head[1::2].count(0) else "LE"
        raise DatasetError(
            f"The table {str(path)!r} cannot be read: it is full of NUL characters, as a text in"
            f" UTF-16 without a byte order mark is; {_convert(path, f'UTF-16{order}')}."
        )
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DatasetError(_not_decoded(path, content, error)) from None


def _not_decoded(path: Path, content: bytes, error: UnicodeDecodeError) -> str:
    line = content.count(b"\n", 0, error.start) + 1
    what = f"The table {str(path)!r} cannot be read: line {line}"
    if not error.encoding.startswith("utf-8"):
        return f"{what} is not {error.encoding.upper()}; {_convert(path, 'UTF-16')}."
    return (
        f"{what} is not UTF-8 (byte 0x{content[error.start]:02x} at offset {error.start:,}); a file"
        f" in Latin-1 is converted by `iconv -f WINDOWS-1252 -t UTF-8 {_quoted(path)} > UTF8_FILE`."
    )


def _convert(path: Path, encoding: str) -> str:
    return f"convert it with `iconv -f {encoding} -t UTF-8 {_quoted(path)} > UTF8_FILE`"


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))

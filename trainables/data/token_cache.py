"""Token ids on disk, so that a data set is tokenised once on a node and not once a trial.

    $FINETUNE_SWEEP_CACHE/tokens/<SHA-256>.arrow    one block of rows; lists `source` and `target`,
                                                and how long these were before they were cut

The folder is by default `finetune-sweep` in `$XDG_CACHE_HOME`, or in `~/.cache`. A file's name is
the digest of all that its content follows from: the texts of its rows, the tokenizer, the code that
writes SQL for it, and the limits. So it never goes stale, sweeps with the same rows share it, and a
smaller data size is the beginning of a larger one's blocks. Trials map it into memory and copy
nothing. It is written to a temporary name and renamed, so two processes at once do the work twice
and harm nothing; a file that is cut, changed or another's is written anew. The folder may be
deleted at any time. Beyond `LARGEST` bytes the files that were used longest ago go. Where it cannot
be written, or the variable is empty, everything works without it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tokenizers
import transformers

from trainables.data import spelling
from trainables.families import framing as framing_module
from trainables.families.framing import Framing, TokenIds
from trainables.runtime.cache_folder import cache_folder

LARGEST = 4 << 30
"""Bytes in the folder, about ten million rows of 100 tokens."""

_DIGEST = b"key"
_CHECKSUM = b"crc32"
_SIDES = ("source", "target")


@dataclass(frozen=True)
class Column:
    """Lists of token ids, one a row, end to end.

    Attributes:
        starts: [rows + 1]; row i is `values[starts[i]:starts[i + 1]]`.
        values: The ids of all rows.
        whole: [rows]; how many ids each had before it was cut.
    """

    starts: npt.NDArray[np.int32]
    values: TokenIds
    whole: npt.NDArray[np.int32]

    def row(self, number: int) -> TokenIds:
        """Returns the token ids of a row; they are not to be written to."""
        return self.values[self.starts[number] : self.starts[number + 1]]

    def length(self, number: int) -> int:
        """Returns the number of tokens of a row."""
        return int(self.starts[number + 1] - self.starts[number])

    @classmethod
    def of(cls, rows: Sequence[TokenIds], whole: Sequence[int]) -> Column:
        """Puts rows end to end.

        Args:
            rows: Their token ids.
            whole: How many each had before it was cut.
        """
        starts = np.zeros(len(rows) + 1, dtype=np.int32)
        np.cumsum([len(row) for row in rows], out=starts[1:])
        values = np.concatenate(rows) if len(rows) else np.zeros(0, dtype=np.int32)
        return cls(starts, values.astype(np.int32, copy=False), np.asarray(whole, dtype=np.int32))


@dataclass(frozen=True)
class Block:
    """The token ids of some rows.

    Attributes:
        source: Of their prompts.
        target: Of their SQL.
    """

    source: Column
    target: Column


def folder() -> Path | None:
    """Returns where blocks are kept, or None where they are not to be."""
    return cache_folder("tokens")


def key(
    tokenizer: Any,
    framing: Framing,
    prompts: Sequence[str],
    statements: Sequence[str],
    *limits: object,
) -> str:
    """Returns the digest of what a block follows from.

    Args:
        tokenizer: Of `transformers`.
        framing: What stands around the texts.
        prompts: As they are tokenised.
        statements: The SQL beside them.
        limits: What cuts them.
    """
    digest = hashlib.sha256(_tokenizer_digest(tokenizer))
    digest.update(f"{framing}\0{limits}\0{len(prompts)}\0".encode())
    for text in (*prompts, *statements):
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def load(name: str, rows: int) -> Block | None:
    """Returns the block of this key, mapped from its file; None if there is none or it is damaged.

    Args:
        name: From `key`.
        rows: How many it must have.
    """
    home = folder()
    if home is None:
        return None
    path = home / f"{name}.arrow"
    try:
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_file(file).read_all()
        table.validate(full=True)  # lengths in a damaged file may point anywhere in memory
        metadata = table.schema.metadata or {}
        if metadata.get(_DIGEST) != name.encode() or table.num_rows != rows:
            return None
        block = Block(*(_column(table[side], table[_whole(side)]) for side in _SIDES))
        if metadata.get(_CHECKSUM) != _checksum(block):
            return None
    except (OSError, pa.ArrowException, KeyError, AttributeError, ValueError):
        return None
    with suppress(OSError):
        os.utime(path)  # in use: the last to go
    return block


def store(name: str, block: Block) -> None:
    """Keeps a block, if that is possible here.

    Args:
        name: From `key`.
        block: Its content.
    """
    home = folder()
    if home is None:
        return
    columns: dict[str, pa.Array] = {}
    for side, column in zip(_SIDES, (block.source, block.target), strict=True):
        columns[side] = pa.ListArray.from_arrays(pa.array(column.starts), pa.array(column.values))
        columns[_whole(side)] = pa.array(column.whole)
    table = pa.table(columns)
    table = table.replace_schema_metadata({_DIGEST: name.encode(), _CHECKSUM: _checksum(block)})
    try:
        home.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f"{name}.", suffix=".tmp", dir=home)
        try:
            with os.fdopen(handle, "wb") as file:
                with pa.ipc.new_file(file, table.schema) as writer:
                    writer.write_table(table)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(home / f"{name}.arrow")
        finally:
            Path(temporary).unlink(missing_ok=True)
        _prune(home)
    except OSError:
        return  # a full disk or a folder of someone else's: the next trial tokenises again


def _prune(home: Path) -> None:
    """Deletes what was used longest ago until the rest is small enough; maps of it stay valid."""
    found = []
    for path in home.iterdir():
        with suppress(FileNotFoundError):  # another process prunes too
            status = path.stat()
            found.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= LARGEST:
            return
        path.unlink(missing_ok=True)
        total -= size


def _whole(side: str) -> str:
    """Returns the name of the column of the lengths before the cut."""
    return f"{side}_whole"


def _column(lists: pa.ChunkedArray, lengths: pa.ChunkedArray) -> Column:
    (array,), (whole,) = lists.chunks, lengths.chunks
    starts, values, whole = array.offsets.to_numpy(), array.values.to_numpy(), whole.to_numpy()
    ordered = len(starts) and starts[0] == 0 and bool(np.all(np.diff(starts) >= 0))
    if values.dtype != np.int32 or not ordered or starts[-1] != len(values):
        raise ValueError("not lists of token ids")
    if whole.dtype != np.int32:
        raise ValueError("not lengths of lists of token ids")
    return Column(starts, values, whole)


def _checksum(block: Block) -> bytes:
    total = 0
    for column in (block.source, block.target):
        total = zlib.crc32(np.ascontiguousarray(column.starts).data, total)
        total = zlib.crc32(np.ascontiguousarray(column.values).data, total)
        total = zlib.crc32(np.ascontiguousarray(column.whole).data, total)
    return str(total).encode()


@lru_cache(maxsize=2)
def _tokenizer_digest(tokenizer: Any) -> bytes:
    """Identifies a tokenizer and what is around it: rules, libraries, our way to write SQL."""
    digest = hashlib.sha256()
    for part in (
        _rules(tokenizer),
        str(sorted(tokenizer.get_added_vocab().items())),
        str(sorted(tokenizer.special_tokens_map.items())),
        f"{tokenizers.__version__} {transformers.__version__}",
        Path(spelling.__file__).read_text(encoding="utf-8"),
        Path(framing_module.__file__).read_text(encoding="utf-8"),
    ):
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.digest()


def _rules(tokenizer: Any) -> str:
    """Returns what decides the tokens of a text; of a tokenizer in Python class and words."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        return str(backend.to_str())
    return f"{type(tokenizer).__qualname__} {sorted(tokenizer.get_vocab().items())}"

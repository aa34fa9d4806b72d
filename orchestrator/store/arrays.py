"""Arrow arrays of Python values for readers, made without `pyarrow.array`.

`pyarrow.array` and `pyarrow.scalar` ask whether they are given something of pandas, and import it
for that where it is installed: as long as reading 10,000 final rows takes.
"""

from __future__ import annotations

import array
from collections.abc import Iterable
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc


def integers(values: Iterable[int]) -> pa.Array:
    """Returns an int64 array."""
    data = array.array("q", values)
    return pa.Array.from_buffers(pa.int64(), len(data), [None, pa.py_buffer(data)])


def texts(values: Iterable[str]) -> pa.Array:
    """Returns a string array; its texts together have less than 2 GiB."""
    encoded = [value.encode() for value in values]
    ends = array.array("i", accumulate(map(len, encoded), initial=0))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def having(content: pa.Table, column: str, values: Iterable[str]) -> pa.Table:
    """Returns the rows whose text in a column is one of the values."""
    return content.filter(pc.is_in(content[column], texts(values)))


def empty(schema: pa.Schema) -> pa.Table:
    """Returns a table without rows."""
    return pa.Table.from_batches([], schema)

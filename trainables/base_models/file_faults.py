"""What is wrong with a file of a checkpoint, told by the file alone; standard library only.

Weights are told by header and size, for which none of their values is read: a file of safetensors
begins with the length of its header (8 bytes, little endian) and the header, a JSON object that
says of each tensor where in the rest of the file it lies.
"""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from typing import Any

from trainables.contract.json_values import kind
from trainables.runtime.stand_ins import stand_in

_LENGTH = 8
_LONGEST_HEADER = 100_000_000
"""Bytes; the library of safetensors reads no longer one."""
_BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("BOOL", "I8", "U8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
}
"""By type; of others the size of a tensor is not compared with its shape."""


def fault_of_weights(path: Path, remedy: str) -> str | None:
    """Returns what is wrong with a file of safetensors, None where its header fits its size.

    Args:
        path: The file.
        remedy: What to do about it, where the fault itself does not say that.

    Returns:
        "it is ...; ...", to end a sentence.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512)
            if not head:
                return f"it is empty; {remedy}"
            if (other := stand_in(head)) is not None:
                return other
            length = int.from_bytes(head[:_LENGTH], "little")
            if size < _LENGTH or length > _LONGEST_HEADER or head[_LENGTH : _LENGTH + 1] != b"{":
                return f"it is no file of safetensors; {remedy}"
            file.seek(_LENGTH)
            text = file.read(length)
    except OSError as error:
        return f"{error.strerror or error}; {remedy}"
    if len(text) < length:
        return f"it is cut within its header, at {size:,} bytes; {remedy}"
    try:
        whole = _LENGTH + length + _bytes_of_tensors(json.loads(text))
    except (ValueError, RecursionError) as error:
        return f"its header is damaged ({error}); {remedy}"
    if size != whole:
        what = "it is cut" if size < whole else "it is longer than its header says"
        return f"{what}: {size:,} bytes of {whole:,}; {remedy}"
    return None


def read_object(path: Path, remedy: str) -> dict[str, Any]:
    """Returns the JSON object in a file of a checkpoint.

    Args:
        path: The file.
        remedy: What to do about a file that holds none, where the fault itself does not say that.

    Raises:
        ValueError: It holds none: "it is ...; ...", to end a sentence.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{error.strerror or error}; {remedy}") from error
    if not content.strip():
        raise ValueError(f"it is empty; {remedy}")
    if (other := stand_in(content)) is not None:
        raise ValueError(other)
    try:
        value = json.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start + 1:,}); {remedy}") from error
    except json.JSONDecodeError as error:
        where = f"{error.msg} at line {error.lineno} column {error.colno}"
        raise ValueError(f"it is not JSON ({where}); {remedy}") from error
    except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
        raise ValueError(f"it is not JSON that can be read; {remedy}") from error
    if not isinstance(value, dict):
        raise ValueError(f"it is {kind(value)}, not an object; {remedy}")
    return value


def _bytes_of_tensors(header: Any) -> int:
    """Returns how many bytes the tensors of a header have.

    Raises:
        ValueError: It does not say so.
    """
    if not isinstance(header, dict):
        raise ValueError(f"{kind(header)}, not an object")
    spans = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            bits = _BITS.get(dtype)
            fits = bits is None or (end - begin) * 8 == bits * prod(shape)
        except (LookupError, TypeError, ValueError):
            raise ValueError(f"of {name!r}") from None
        if not fits:
            raise ValueError(f"{name!r} has another size than its shape")
        spans.append((begin, end))
    at = 0
    for begin, end in sorted(spans):
        if begin != at:
            raise ValueError(
                f"nothing says what bytes {min(begin, at):,} to {max(begin, at):,} are"
            )
        at = end
    return at

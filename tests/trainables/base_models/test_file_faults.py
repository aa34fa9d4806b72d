"""What is said of a damaged file of a checkpoint: what it is, and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from trainables.base_models.file_faults import fault_of_weights, read_object

AGAIN = "copy it again"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n"
PAGE = b"\n<!DOCTYPE html><html><body>404</body></html>"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    tensors = {
        "a": torch.zeros(3, 5),
        "b": torch.zeros(4, dtype=torch.bfloat16),
        "none": torch.zeros(0),
        "scalar": torch.tensor(1),
        "truth": torch.tensor([True]),
    }
    save_file(tensors, path, metadata={"format": "pt"})
    return path


@pytest.mark.parametrize("dtype", ["float64", "float16", "float8_e4m3fn", "int8", "complex64"])
def test_whole_weights_of_every_type_pass(weights: Path, dtype: str) -> None:
    assert fault_of_weights(weights, AGAIN) is None
    save_file({"a": torch.zeros(3, 5).to(getattr(torch, dtype))}, weights)
    assert fault_of_weights(weights, AGAIN) is None


def test_weights_cut_anywhere_are_told(weights: Path) -> None:
    whole = weights.read_bytes()
    for size in range(len(whole)):
        weights.write_bytes(whole[:size])
        fault = fault_of_weights(weights, AGAIN)
        assert fault is not None
        assert fault.endswith(f"; {AGAIN}")
        if size > 9:
            assert "is cut" in fault


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", f"it is empty; {AGAIN}"),
        (POINTER, "it is a pointer of Git LFS .*run `git lfs pull`"),
        (PAGE, "it is a web page"),
        (b"PK\x03\x04" * 9, f"it is no file of safetensors; {AGAIN}"),
        (b"\x80\x02ctorch", "it is no file of safetensors"),
        (b"\x03" + bytes(7) + b"{x}", "its header is damaged"),
        (b"\xff" * 100, "it is no file of safetensors"),
    ],
)
def test_what_is_no_file_of_weights_is_told(weights: Path, content: bytes, said: str) -> None:
    weights.write_bytes(content)
    with pytest.raises(AssertionError, match=said):
        assert fault_of_weights(weights, AGAIN) is None, fault_of_weights(weights, AGAIN)


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"a": 3},
        {"a": {"dtype": "F32", "shape": [1]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": ["x"], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}},
        {"a": {"dtype": {}, "shape": [1], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": ["0", "4"]}},
    ],
)
def test_a_damaged_header_is_told(weights: Path, header: Any) -> None:
    text = json.dumps(header).encode()
    weights.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    fault = fault_of_weights(weights, AGAIN)
    assert fault is not None
    assert fault.endswith(f"; {AGAIN}")


def test_more_than_the_header_says_is_told(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes() + b"\0")
    assert "longer than its header says" in str(fault_of_weights(weights, AGAIN))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", f"^it is empty; {AGAIN}$"),
        (b" \n", "it is empty"),
        (POINTER, "it is a pointer of Git LFS"),
        (PAGE, "it is a web page"),
        (b"{", r"it is not JSON \(.* at line 1 column 2\)"),
        (b"[]", "it is a list, not an object"),
        (b"null", "it is null, not an object"),
        (b'{"a": "\xff"}', r"it is not UTF-8 \(byte 8\)"),
        (b"[" * 100_000, "it is not JSON that can be read"),
        (b'{"a": ' + b"9" * 5000 + b"}", "it is not JSON that can be read"),
    ],
)
def test_what_is_no_object_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=said):
        read_object(path, AGAIN)


def test_an_object_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"a": [1]}')
    assert read_object(path, AGAIN) == {"a": [1]}
    with pytest.raises(ValueError, match=f"No such file or directory; {AGAIN}"):
        read_object(path.with_name("other"), AGAIN)

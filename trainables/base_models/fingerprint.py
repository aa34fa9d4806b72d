"""Says which base model it is by what its files hold, whatever its name or folder.

The weights are every byte of the safetensors files: names, shapes and types, and their values. An
adapter is never put on others. The settings are the files of configuration and tokenizer, which
decide as well what a trial's numbers are.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from trainables.base_models.file_digests import sha256_of
from trainables.base_models.locations import WEIGHTS, Location, locate

SETTINGS = (
    "added_tokens.json",
    "additional_chat_templates/default.jinja",
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "special_tokens_map.json",
    "spiece.model",
    "tekken.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
"""The files from which transformers makes configurations and tokenizers, sorted."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def fingerprint(name: str, revision: str | None = None) -> str | None:
    """Returns the SHA-256 of a base model's weights, as `sha256sum` prints it for the file.

    Of several files (shards) it is that of what `sha256sum` prints for all of them. Large files
    from the hub are not read: its cache names them by their SHA-256.

    Args:
        name: "embedded", a checkpoint folder, or an identifier of the hub.
        revision: Git revision on the hub.

    Returns:
        64 hexadecimal digits; None where the weights are not on this machine.
    """
    location = locate(name, revision)
    weights = location.weights()
    if not weights:
        return None
    if weights == (WEIGHTS,):
        return _digest_of(location, WEIGHTS)
    total = hashlib.sha256()
    for shard in weights:
        digest = _digest_of(location, shard)
        if digest is None:
            return None
        total.update(f"{digest}  {shard}\n".encode())
    return total.hexdigest()


def settings_fingerprint(name: str, revision: str | None = None) -> str | None:
    """Returns the SHA-256 of what `sha256sum` prints for those of `SETTINGS` that there are.

    Args:
        name: "embedded", a checkpoint folder, or an identifier of the hub.
        revision: Git revision on the hub.

    Returns:
        64 hexadecimal digits; None where the model's configuration is not on this machine.
    """
    location = locate(name, revision)
    if location.file("config.json") is None:
        return None
    total = hashlib.sha256()
    for file in SETTINGS:
        digest = _digest_of(location, file)
        if digest is not None:
            total.update(f"{digest}  {file}\n".encode())
    return total.hexdigest()


def base_fingerprint(name: str, revision: str | None = None) -> str | None:
    """Returns 16 hexadecimal digits that say which base model it is, weights and settings.

    Arguments and None as of `fingerprint`.
    """
    parts = fingerprint(name, revision), settings_fingerprint(name, revision)
    return None if None in parts else joined_fingerprint(*map(str, parts))


def joined_fingerprint(weights: str, settings: str) -> str:
    """Returns the base model's fingerprint, from that of its weights and that of its settings."""
    return hashlib.sha256(f"{weights}\0{settings}".encode()).hexdigest()[:16]


def _digest_of(location: Location, file: str) -> str | None:
    path = location.file(file)
    return None if path is None else _digest(path)


def _digest(path: Path) -> str:
    real = path.resolve()
    if _SHA256.fullmatch(real.name):  # a blob of the hub's cache
        return real.name
    return sha256_of(real)

"""What every machine must have in common with the driver's, for trials to compare."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.nodes.sources import sources_digest
from orchestrator.search.content import Content
from orchestrator.search_space import Sweep
from orchestrator.state.node_marker import NodeMarker
from orchestrator.state.stored_sweep import StoredSweep
from trainables.base_models.file_digests import sha256_of
from trainables.data.databases import Databases
from trainables.data.locations import split_files

PACKAGES = ("torch", "transformers", "peft", "tokenizers", "nltk", "rouge-score", "sqlglot")
"""Packages whose version changes how a trial is trained, or how it is scored."""


@dataclass(frozen=True)
class Demands:
    """What a machine is asked for; plain values, which cross to machines of other versions.

    Attributes:
        root: Folder of the experiment store.
        marker: Key of the driver's marker in it.
        sources: Digest of this package.
        packages: Versions of `PACKAGES`.
        base_model: Its name; "" where it is not asked for.
        revision: Of the base model, on the hub.
        weights: SHA-256 of its weights.
        settings: SHA-256 of its configuration and tokenizer.
        tables: SHA-256 of each file of rows and of databases, by path.
    """

    root: str
    marker: str
    sources: str
    packages: Mapping[str, str]
    base_model: str
    revision: str | None
    weights: str | None
    settings: str | None
    tables: Mapping[str, str]

    @classmethod
    def of(cls, stored: StoredSweep, content: Content, marker: NodeMarker) -> Demands:
        """Returns what trials of a sweep demand of their machines.

        Args:
            stored: The sweep; its base model and data set can be had here.
            content: What its runs depend on.
            marker: Lies in its root.
        """
        base = content.base
        known = base is not None and base.weights is not None
        return cls(
            marker.root,
            marker.key,
            sources_digest(),
            installed(),
            stored.sweep.base_model if known else "",
            stored.sweep.base_model_revision,
            None if base is None else base.weights,
            None if base is None else base.settings,
            {str(path): sha256_of(path) for path in _tables(stored.sweep)},
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns it as values that JSON has."""
        return asdict(self)


def installed() -> dict[str, str]:
    """Returns the versions of those of `PACKAGES` that are installed.

    A build for another kind of device ("2.13.0+cu130") is the same version.
    """
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _tables(sweep: Sweep) -> Iterator[Path]:
    for files in (split_files(sweep.dataset) or {}).values():
        yield from files
    if sweep.databases is not None:
        yield from Databases(sweep.databases).files

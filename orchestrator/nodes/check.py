"""A machine's answer to what trials demand of it, given on that machine."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.nodes.demands import Demands, installed
from orchestrator.nodes.sources import sources_digest
from orchestrator.state.node_marker import NodeMarker
from trainables.base_models.file_digests import sha256_of
from trainables.base_models.fingerprint import fingerprint, settings_fingerprint
from trainables.base_models.locations import locate

DEVICE = "trainables.runtime.device"
_SECONDS = 300


def check(asked: Mapping[str, Any], node_id: str, accelerators: float) -> dict[str, Any]:
    """Returns what this machine is and what it lacks, as plain values.

    Args:
        asked: From `Demands.to_dict`.
        node_id: Of this machine, in the cluster.
        accelerators: How many the cluster counts on it.

    Returns:
        `kind` ("cuda", "mps" or "cpu"), `system` ("Linux" or "Darwin"), `faults`: what is wrong, a
        predicate each, and `clock`: the time here at the end, in seconds since 1970.
    """
    kind, system = "cpu", platform.system()
    if accelerators:
        kind = "mps" if system == "Darwin" else "cuda"
    faults = list(_faults(asked, node_id, kind))
    return {"kind": kind, "system": system, "faults": faults, "clock": time.time()}


def _faults(asked: Mapping[str, Any], node_id: str, kind: str) -> Iterator[str]:
    if asked["sources"] != sources_digest():
        yield (
            f"has other sources of this package in {Path(__file__).parents[2]} (digest"
            f" {sources_digest()}, here {asked['sources']}); install the same there"
        )
        return  # what else is asked may not be understood
    demands = Demands(**asked)
    yield from _packages(demands)
    marker = NodeMarker(demands.root, demands.marker)
    unseen = marker.unseen() or marker.answer(node_id)
    if unseen is not None:
        yield unseen
    for path, digest in demands.tables.items():
        yield from _table(Path(path), digest)
    yield from _base_model(demands)
    if kind != "cpu":
        yield from _device(kind)


def _packages(demands: Demands) -> Iterator[str]:
    here = installed()
    others = [
        f"{name} {here.get(name, 'not at all')} (here {version})"
        for name, version in demands.packages.items()
        if here.get(name) != version
    ]
    if others:
        yield f"has other versions installed: {', '.join(others)}; install the same there"


def _table(path: Path, digest: str) -> Iterator[str]:
    try:
        if sha256_of(path) != digest:
            yield f"has another content in {path}"
    except OSError as error:
        yield f"cannot read {path}: {error.strerror or error}"


def _base_model(demands: Demands) -> Iterator[str]:
    if not demands.base_model:
        return
    name, revision = demands.base_model, demands.revision
    try:
        found = fingerprint(name, revision), settings_fingerprint(name, revision)
    except (OSError, ValueError) as error:
        yield f"cannot read the base model {name}: {error}"
        return
    if None in found:
        if not locate(name, revision).is_on_hub:  # from which a trial fetches it
            yield f"has no base model in {name}"
    elif found != (demands.weights, demands.settings):
        yield f"has another base model in {name}"


def _device(kind: str) -> Iterator[str]:
    """Asks a process of its own: torch takes seconds and memory, and this one is Ray's."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", DEVICE, kind],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield f"does not say whether torch can use its {kind} device: {error}"
        return
    if done.returncode:
        said = (done.stdout.strip() or done.stderr.strip()).splitlines()
        yield f"has a device that is of no use: {said[-1] if said else done.returncode}"

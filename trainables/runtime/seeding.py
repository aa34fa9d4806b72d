"""Random numbers that belong to one trial, though torch draws them from a process-wide state.

Dropout has no generator argument. So the state is put aside on entry and put back on exit, and
seeded anew before every forward pass from what that pass is (trial seed, step, ...). A trial then
neither sees nor leaves a trace of another one in its process, and continuing from a checkpoint
needs no state of a generator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def isolated(device: torch.device) -> Iterator[None]:
    """Puts the random state of the CPU and of `device` back as it was, whatever happens inside."""
    on_cpu = torch.get_rng_state()
    on_device = _device_state(device)
    try:
        yield
    finally:
        torch.set_rng_state(on_cpu)
        if on_device is not None and device.type == "cuda":
            torch.cuda.set_rng_state(on_device, device)
        elif on_device is not None:
            torch.mps.set_rng_state(on_device)


def seed_torch(device: torch.device, *key: int | str) -> None:
    """Seeds the CPU's generator and the device's from `key`, the same on every run and platform."""
    seed = seed_of(*key)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def seed_of(*key: int | str) -> int:
    """Returns a number below 2**63 that depends on every part of `key`."""
    digest = hashlib.sha256("\0".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _device_state(device: torch.device) -> torch.Tensor | None:
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    if device.type == "mps":
        return torch.mps.get_rng_state()
    return None

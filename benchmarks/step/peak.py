"""How many operations a second a device can do at most."""

from __future__ import annotations

import statistics
import time

import torch

from trainables.base_models.loading import compute_dtype
from trainables.runtime.device import device_name

DATA_SHEET = {"H100 NVL": 835e12, "H100 PCIe": 756e12, "H200": 989e12, "H100": 989e12}
"""Dense bfloat16 operations a second by NVIDIA's data sheets, without sparsity; the first name that
is part of the device's name counts (an H100 with no addition is the SXM one)."""
REACHABLE = 790e12
"""What the target of 35 % on an H200 is a share of: 80 % of the data sheet's 989e12, which assumes
the boost clock, while under large matrix products the power limit keeps the clock below it. A
convention, so that figures compare; `measured` says what the device at hand reaches."""


def data_sheet(device: torch.device) -> float | None:
    """Returns the data sheet's dense bfloat16 operations a second, None for unknown devices."""
    name = device_name(device)
    return next((peak for part, peak in DATA_SHEET.items() if part in name), None)


def measured(device: torch.device, seconds: float = 2.0) -> float:
    """Measures operations a second of a large matrix product in the type that trials compute in.

    Args:
        device: Where; on a CPU with the threads that torch has.
        seconds: How long to measure, after a warm-up.
    """
    size = {"cuda": 8192, "mps": 4096}.get(device.type, 768)
    left, right = (
        torch.randn(size, size, device=device, dtype=compute_dtype(device)) for _ in range(2)
    )
    _product(left, right, device)
    rates: list[float] = []
    end = time.perf_counter() + seconds
    while not rates or time.perf_counter() < end:
        started = time.perf_counter()
        _product(left, right, device)
        rates.append(2 * size**3 * _REPEATS / (time.perf_counter() - started))
    return statistics.median(rates)


_REPEATS = 4


def _product(left: torch.Tensor, right: torch.Tensor, device: torch.device) -> None:
    for _ in range(_REPEATS):
        torch.matmul(left, right)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()

from __future__ import annotations

from types import SimpleNamespace
from unittest import mock

import pytest
import torch

from trainables.runtime.device import DeviceUnavailable, PeakMemory, choose_device

CPU = torch.device("cpu")


def test_auto_takes_cuda_before_metal_before_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    found = []
    for cuda, metal in ((True, True), (False, True), (False, False)):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda metal=metal: metal)
        found.append(choose_device("auto"))
    assert found == [torch.device("cuda", 3), torch.device("mps"), CPU]


def _too_old() -> None:
    raise RuntimeError("The NVIDIA driver on your system is too old (found version 12040).\nSee")


@pytest.mark.parametrize(
    ("device", "built_for", "reason"),
    [
        ("cuda", None, "built without CUDA; install"),
        ("cuda", "13.0", "is too old \\(found version 12040\\).$"),
        ("mps", None, "built without Metal; install"),
    ],
)
def test_a_device_that_torch_cannot_use_is_refused_with_the_reason(
    device: str, built_for: str | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "current_device", _too_old)
    monkeypatch.setattr(torch.version, "cuda", built_for)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: False)
    with pytest.raises(DeviceUnavailable, match=f"The device is {device}, but torch .*{reason}"):
        choose_device(device)


def test_the_peak_of_a_cuda_device_counts_from_the_construction() -> None:
    allocated = {"now": 5, "peak": 9}
    statistics = SimpleNamespace(
        reset_peak_memory_stats=lambda device: allocated.update(peak=allocated["now"]),
        max_memory_allocated=lambda device: allocated["peak"],
    )
    with mock.patch.multiple(torch.cuda, **vars(statistics)):
        memory = PeakMemory(torch.device("cuda", 0))
        assert memory.peak_bytes == 5
        allocated["peak"] = 7
        assert memory.peak_bytes == 7
        memory.include(8)  # of before an interruption
        assert memory.peak_bytes == 8

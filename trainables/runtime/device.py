"""Which device a trial runs on, and how much of its memory the trial needed at most.

`python -m trainables.runtime.device KIND` says whether torch can use a device of the kind.
"""

from __future__ import annotations

import os
import platform
import sys

import psutil
import torch

from trainables.contract.errors import SharedError


class DeviceUnavailable(SharedError):  # noqa: N818 - a state of the world, as in its name
    """This installation of torch cannot use the device that it is to use."""


class PeakMemory:
    """Watches memory from its construction on.

    To be made when the model is there: what loading it took besides, and what an earlier trial of
    the process had left, then do not count. CUDA: the allocator's own peak for this process. MPS:
    the largest of the samples of what the driver has allocated. CPU: the largest sample of this
    process's resident memory, which includes the libraries and whatever earlier trials of the
    process left; `resource.ru_maxrss` would be the peak of the process's whole life.

    Args:
        device: Where the trial runs.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._process = psutil.Process()
        self._peak = 0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        self.sample()

    def sample(self) -> None:
        """Looks at the memory in use now; called after each step."""
        if self._device.type == "mps":
            self._peak = max(self._peak, torch.mps.driver_allocated_memory())
        elif self._device.type == "cpu":
            self._peak = max(self._peak, self._process.memory_info().rss)

    @property
    def peak_bytes(self) -> int:
        """The most that was seen."""
        if self._device.type == "cuda":
            self._peak = max(self._peak, torch.cuda.max_memory_allocated(self._device))
        return self._peak

    def include(self, peak_bytes: int) -> None:
        """Takes into account the peak before an interruption."""
        self._peak = max(self._peak, peak_bytes)


def choose_device(device: torch.device | str) -> torch.device:
    """Returns the device itself, or for "auto" CUDA, else Apple silicon's, else the CPU.

    Raises:
        DeviceUnavailable: torch cannot use the device.
    """
    if device != "auto":
        chosen = torch.device(device)
    elif torch.cuda.is_available():
        chosen = torch.device("cuda")
    elif torch.backends.mps.is_available():
        chosen = torch.device("mps")
    else:
        chosen = torch.device("cpu")
    if (obstacle := _obstacle(chosen)) is not None:
        raise DeviceUnavailable(
            f"The device is {chosen.type}, but torch {torch.__version__} cannot use it on"
            f" {platform.node()}: {obstacle}"
        )
    if chosen.type == "cuda" and chosen.index is None:
        chosen = torch.device("cuda", torch.cuda.current_device())
    return chosen


def _obstacle(device: torch.device) -> str | None:
    """Returns why torch cannot use a device and what to do, None if it can."""
    if device.type == "mps" and not torch.backends.mps.is_available():
        if torch.backends.mps.is_built():
            return "this macOS or its GPU is too old for torch's Metal backend; update macOS."
        return "it was built without Metal; install the arm64 build of torch and Python."
    if device.type != "cuda" or torch.cuda.is_available():
        return None
    if torch.version.cuda is None and torch.version.hip is None:
        return "it was built without CUDA; install a build of torch with it."
    try:
        torch.cuda.current_device()
    except (RuntimeError, AssertionError) as error:
        return str(error).strip().splitlines()[0]
    return "it finds no device; look at `nvidia-smi` and CUDA_VISIBLE_DEVICES."


def device_name(device: torch.device) -> str:
    """Returns a name to tell one kind of accelerator from another by."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return {"mps": "Apple silicon"}.get(device.type, "CPU")


def total_memory(device: torch.device) -> int:
    """Returns the bytes of a CUDA device's memory, all of it, whoever else uses it."""
    return int(torch.cuda.get_device_properties(device).total_memory)


def release_memory(device: torch.device) -> None:
    """Hands the allocator's unused memory back, for a process that shares the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def main() -> int:
    """Returns 0 where torch can use a device of the kind that is given; else says why not.

    Whoever asks may have been given no device of those that there are, as a task of Ray's is.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        del os.environ["CUDA_VISIBLE_DEVICES"]
    try:
        choose_device(sys.argv[1])
    except DeviceUnavailable as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What kind of failure an error is: the trial's own, a lack of memory, or the machine's."""

from __future__ import annotations

from orchestrator.state.attempts import MACHINE
from orchestrator.store import StoreError

_OF_THE_MACHINE = ("BaseModelUnavailable", "DatasetError", "DeviceUnavailable")
"""The learner's errors that all trials share: they stop the sweep and fail no trial."""
_LACK_OF_MEMORY = (
    "out of memory",  # CUDA's allocator and driver, MPS
    "cublas_status_alloc_failed",  # cuBLAS allocates outside torch's allocator
    "cudnn_status_alloc_failed",
    "invalid buffer size",  # MPS: larger than any single buffer may be
)
"""How a lack of device memory reads where it is a plain `RuntimeError`, in small letters."""


def failure_kind(error: BaseException | None) -> str:
    """Returns "out_of_memory", `MACHINE` or "failed", for an error or what caused it."""
    while error is not None:
        # By name where the class is torch's or the learner's, which this package does not import.
        name = type(error).__name__
        if (
            isinstance(error, MemoryError)
            or name == "OutOfMemoryError"
            or (isinstance(error, RuntimeError) and _lacks_memory(str(error).lower()))
        ):
            return "out_of_memory"
        if isinstance(error, StoreError | OSError) or name in _OF_THE_MACHINE:
            return MACHINE
        error = error.__cause__
    return "failed"


def _lacks_memory(message: str) -> bool:
    return any(text in message for text in _LACK_OF_MEMORY)

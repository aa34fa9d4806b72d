"""Several processes that train one model together, through `torch.distributed`.

Every worker holds the whole model and takes its share of each batch; gradients are summed. The loss
of a row is divided by the tokens of the whole batch before, so the sum is the gradient of one
process with that batch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn

from trainables.contract.errors import PeerLostError

_BUCKET = 8 << 20
"""Gradient values that are sent together: few messages, and little memory for the copy."""
_PATIENCE = timedelta(days=7)
"""How long the others wait while the first worker evaluates and reports; a worker that dies ends
the wait."""

_LOST = re.compile(r"gloo|connection (closed|reset)|broken pipe|timed out", re.IGNORECASE)
"""How gloo says that it has lost another worker."""


class WorkerGroup:
    """This process's place among the workers of its trial.

    It is the only one, or one of `torch.distributed`'s.

    Attributes:
        rank: Number of this worker, from 0; the first one evaluates, reports and saves.
        size: Number of workers.
    """

    def __init__(self) -> None:
        together = dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
        self.rank = dist.get_rank() if together else 0
        self.size = dist.get_world_size() if together else 1
        # A group of its own: nccl's patience ends after ten minutes, and the process with it.
        self._waiting = dist.new_group(backend="gloo", timeout=_PATIENCE) if together else None
        self._through_cpu = together and dist.get_backend() == "gloo"

    def share(self, rows: Sequence[int]) -> list[int]:
        """Returns this worker's rows of a batch: every `size`-th, so that lengths are alike."""
        return list(rows[self.rank :: self.size])

    def sum_gradients(self, parameters: Sequence[nn.Parameter], loss: torch.Tensor) -> torch.Tensor:
        """Sums gradients over the workers, in place, and returns the sum of their losses.

        Args:
            parameters: The trained ones; one without a gradient counts as zero.
            loss: This worker's part of the loss, a scalar.

        Raises:
            PeerLostError: One of the workers is gone.
        """
        if self.size == 1:
            return loss
        gradients = []
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        total = loss.detach().clone().reshape(1)
        for bucket in _buckets([total, *gradients]):
            flat = torch.cat([tensor.reshape(-1).float() for tensor in bucket])
            flat = self._sum(flat)
            parts = torch.split(flat, [tensor.numel() for tensor in bucket])
            for tensor, part in zip(bucket, parts, strict=True):
                tensor.copy_(part.view_as(tensor))
        return total.squeeze(0)

    def wait(self) -> None:
        """Returns when every worker is here.

        Raises:
            PeerLostError: One of them is gone.
        """
        if self._waiting is not None:
            with _peers():
                dist.barrier(group=self._waiting)

    def _sum(self, flat: torch.Tensor) -> torch.Tensor:
        with _peers():
            return self._summed(flat)

    def _summed(self, flat: torch.Tensor) -> torch.Tensor:
        if self._through_cpu and flat.device.type != "cpu":  # gloo has no Apple-silicon tensors
            on_cpu = flat.cpu()
            dist.all_reduce(on_cpu)
            return on_cpu.to(flat.device)
        dist.all_reduce(flat)
        return flat


@contextmanager
def _peers() -> Iterator[None]:
    """Raises `PeerLostError` where an operation fails because another worker is gone."""
    try:
        yield
    except dist.DistError as error:  # nccl's, and where the store is gone
        raise PeerLostError(f"a worker of the group is gone: {error}") from error
    except RuntimeError as error:  # gloo's
        if isinstance(error, torch.OutOfMemoryError) or not _LOST.search(str(error)):
            raise
        raise PeerLostError(f"a worker of the group is gone: {error}") from error


def _buckets(tensors: Sequence[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    bucket: list[torch.Tensor] = []
    for tensor in tensors:
        if bucket and sum(t.numel() for t in bucket) + tensor.numel() > _BUCKET:
            yield bucket
            bucket = []
        bucket.append(tensor)
    yield bucket

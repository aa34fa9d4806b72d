"""How Ray Train sets a worker group up: as `TorchConfig` does, on one address alone.

Ray Train (2.60) has torch make the store by which workers meet, which then listens on every
address of its machine; `trainables.runtime.rendezvous` makes one that does not. What is imported
from inside of Ray Train sets the workers' environment as it does.

Importing this module imports torch, by way of Ray Train; only the trials of worker groups do.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ray
from ray.train.torch import TorchConfig
from ray.train.torch.config import _set_torch_distributed_env_vars, _TorchBackend

from orchestrator.trial.termination import THIS_PROCESS
from trainables.runtime import rendezvous


class GroupConfig(TorchConfig):
    """`TorchConfig` with the backend of this module."""

    @property
    def backend_cls(self) -> type[GroupBackend]:
        """The class that sets the group up."""
        return GroupBackend


class GroupBackend(_TorchBackend):
    """Lets the workers meet at a store that listens on the first one's address only."""

    def on_start(self, worker_group: Any, backend_config: GroupConfig) -> None:
        """Is called by Ray Train when the group's processes are there."""
        address, port = worker_group.execute_single(0, _host)
        worker_group.execute(_set_torch_distributed_env_vars)
        size = len(worker_group)
        how = (backend_config.backend, timedelta(seconds=backend_config.timeout_s))
        joining = [
            worker_group.execute_single_async(rank, _join, (address, port, rank, size), *how)
            for rank in range(size)
        ]
        ray.get(joining)


def _join(meeting: tuple[str, int, int, int], *how: Any) -> None:
    # In the process's main thread, to which handlers belong.
    THIS_PROCESS.install()
    own = ray.util.get_node_ip_address()
    rendezvous.join(rendezvous.Place(*meeting, own), *how)


def _host() -> tuple[str, int]:
    address = ray.util.get_node_ip_address()
    return address, rendezvous.host(address)

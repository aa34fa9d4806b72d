"""Where the workers of a group meet: a store that listens on one address of the first worker's.

`torch.distributed` makes this store itself if it is given an address, but then it listens on every
address of the machine, for whoever connects.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from datetime import timedelta
from typing import Any

import torch.distributed as dist

_store: Any = dist.TCPStore  # type: ignore[attr-defined]
_hosted: list[Any] = []
"""Keeps the first worker's store alive as long as its process."""


def host(address: str) -> int:
    """Starts the store in this process, the first worker's.

    Args:
        address: The IP address to listen on.

    Returns:
        The port.
    """
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    with socket.socket(family) as listening:
        listening.bind((address, 0))
        listening.listen()
        port = int(listening.getsockname()[1])
        _hosted.append(
            _store(
                address,
                port,
                is_master=True,
                wait_for_workers=False,
                # The store closes its own.
                master_listen_fd=os.dup(listening.fileno()),
            )
        )
    return port


def join(address: str, port: int, rank: int, size: int, backend: str, timeout: timedelta) -> None:
    """Makes this process one of the group's workers; returns when all of them are here.

    Args:
        address: The address of the first worker's store.
        port: Its port.
        rank: Number of this worker, from 0.
        size: Number of workers.
        backend: "nccl" or "gloo".
        timeout: How long an operation of the group may take.
    """
    if ipaddress.ip_address(address).is_loopback:
        # Else the two libraries listen on an interface of their own choice.
        loopback = "lo0" if sys.platform == "darwin" else "lo"
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
        os.environ.setdefault("NCCL_SOCKET_IFNAME", loopback)
    store = _hosted[-1] if rank == 0 else _store(address, port, is_master=False)
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=timeout)

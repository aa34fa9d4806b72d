"""Where the workers of a group meet: a store that listens on one address of the first worker's.

`torch.distributed` makes this store itself if it is given an address, but then it listens on every
address of the machine, for whoever connects.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psutil
import torch.distributed as dist

from trainables.contract.errors import SharedError

_store: Any = dist.TCPStore  # type: ignore[attr-defined]
_PATIENCE = timedelta(minutes=2)
"""How long a worker looks for the first one's store, which is there before any is sent to it."""
_hosted: list[Any] = []
"""Keeps the first worker's store alive as long as its process."""


class RendezvousError(SharedError):
    """The workers of a group do not come together: nodes that do not reach each other."""


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


@dataclass(frozen=True)
class Place:
    """Where a group meets, and which of its workers this process is.

    Attributes:
        address: The address of the first worker's store.
        port: Its port.
        rank: Number of this worker, from 0.
        size: Number of workers.
        own: This worker's address, on which the others reach it.
    """

    address: str
    port: int
    rank: int
    size: int
    own: str


def join(place: Place, backend: str, timeout: timedelta) -> None:
    """Makes this process one of the group's workers; returns when all of them are here.

    Args:
        place: Where they meet.
        backend: "nccl" or "gloo".
        timeout: How long an operation of the group may take.

    Raises:
        RendezvousError: They do not come together; names the addresses.
    """
    # Else the two libraries listen where the machine's name leads: to 127.0.0.1 on many, where
    # they would connect to themselves.
    if (interface := interface_of(place.own)) is not None:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", interface)
        os.environ.setdefault("NCCL_SOCKET_IFNAME", interface)
    try:
        store = (
            _hosted[-1]
            if place.rank == 0
            else _store(place.address, place.port, is_master=False, timeout=min(_PATIENCE, timeout))
        )
        dist.init_process_group(
            backend, store=store, rank=place.rank, world_size=place.size, timeout=timeout
        )
    except (RuntimeError, ValueError) as error:
        raise RendezvousError(_told(place, error)) from error


def interface_of(address: str) -> str | None:
    """Returns the name of this machine's network interface with an IP address; None for none."""
    wanted = ipaddress.ip_address(address)
    for name, addresses in psutil.net_if_addrs().items():
        for each in addresses:
            if each.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            if ipaddress.ip_address(each.address.partition("%")[0]) == wanted:
                return name
    return None


def _told(place: Place, error: Exception) -> str:
    interface = os.environ.get("GLOO_SOCKET_IFNAME", "none")
    why = str(error).strip().partition("\n")[0]
    return (
        f"Worker {place.rank} of {place.size}, at {place.own} (interface {interface}), did not meet"
        f" the others at {place.address} port {place.port}: {why}. Do the nodes of the group reach"
        " each other there on every port? If another network is meant, set GLOO_SOCKET_IFNAME and"
        " NCCL_SOCKET_IFNAME to its interface where Ray is started."
    )

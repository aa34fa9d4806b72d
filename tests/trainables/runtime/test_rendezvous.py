"""Workers meet at a store that nobody else reaches."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from datetime import timedelta

import psutil
import pytest

from trainables.runtime.rendezvous import Place, RendezvousError, interface_of, join

_WORKER = """
import json, sys
from datetime import timedelta
import psutil, torch, torch.distributed as dist
from trainables.runtime import rendezvous
rank = int(sys.argv[1])
if rank == 0:
    print(rendezvous.host("127.0.0.1"), flush=True)
port = int(sys.stdin.readline())
place = rendezvous.Place("127.0.0.1", port, rank, 2, "127.0.0.1")
rendezvous.join(place, "gloo", timedelta(minutes=2))
total = torch.ones(1) * (rank + 1)
dist.all_reduce(total)
sockets = psutil.Process().net_connections(kind="inet")
print(json.dumps([total.item(), [s.laddr.ip for s in sockets if s.status == "LISTEN"]]))
dist.barrier()
dist.destroy_process_group()
"""


def test_two_workers_meet_on_loopback_only() -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(rank)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    assert workers[0].stdout is not None
    port = workers[0].stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(port)
        worker.stdin.close()
        worker.stdin = None
    answers = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
    assert [total for total, _ in answers] == [3.0, 3.0]
    listening = {address for _, addresses in answers for address in addresses}
    assert listening == {"127.0.0.1"}


def test_an_address_leads_to_the_interface_that_has_it() -> None:
    loopback = interface_of("127.0.0.1")
    assert loopback is not None
    assert "127.0.0.1" in {each.address for each in psutil.net_if_addrs()[loopback]}
    assert interface_of("203.0.113.7") is None


def test_workers_that_do_not_meet_say_where_they_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "eth7")  # the user's own goes before what is found
    monkeypatch.setenv("NCCL_SOCKET_IFNAME", "eth7")
    with socket.socket() as unanswered:
        unanswered.bind(("127.0.0.1", 0))
        port = unanswered.getsockname()[1]
        with pytest.raises(RendezvousError) as raised:
            join(Place("127.0.0.1", port, 1, 2, "127.0.0.1"), "gloo", timedelta(seconds=1))
    said = str(raised.value)
    assert said.startswith("Worker 1 of 2, at 127.0.0.1 (interface eth7), did not meet the others")
    assert f"at 127.0.0.1 port {port}: " in said

"""Workers meet at a store that nobody else reaches."""

from __future__ import annotations

import json
import subprocess
import sys

_WORKER = """
import json, sys
from datetime import timedelta
import psutil, torch, torch.distributed as dist
from trainables.runtime import rendezvous
rank = int(sys.argv[1])
if rank == 0:
    print(rendezvous.host("127.0.0.1"), flush=True)
port = int(sys.stdin.readline())
rendezvous.join("127.0.0.1", port, rank, 2, "gloo", timedelta(minutes=2))
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

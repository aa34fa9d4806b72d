"""The toy learner in a worker group: the first worker reports, the others follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import ray
import torch.distributed

from tests.orchestrator import toy
from trainables.contract.configuration import TrialConfiguration


def finetune(
    configuration: TrialConfiguration,
    rungs: Sequence[int],
    report: Any,
    *,
    resume_from: Path | None = None,
    device: str = "cpu",
    heartbeat: Callable[[int], None] | None = None,
    interruption: Any = None,
) -> None:
    """Runs `toy.finetune` in the first worker, and waits for it in the others."""
    assert torch.distributed.get_world_size() == 2
    # The group is on the address of its node: on loopback where the cluster is on this machine,
    # and there nothing of Ray's listens elsewhere either.
    own = ray.util.get_node_ip_address()
    sockets = psutil.Process().net_connections(kind="inet")
    listening = {each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN}
    assert listening & {own, f"::ffff:{own}"}, listening
    assert own != "127.0.0.1" or listening <= {own, f"::ffff:{own}"}, listening
    passed = int((resume_from / "examples").read_text()) if resume_from else -1
    # As the real learner, whose first step takes all workers: the first one removes the checkpoint
    # after its next rung.
    torch.distributed.barrier()
    if torch.distributed.get_rank() == 0:
        toy.finetune(configuration, rungs, report, resume_from=resume_from, device=device)
    else:
        for index, rung in enumerate(rungs):
            if rung > passed:
                report.follow(index)
    torch.distributed.barrier()

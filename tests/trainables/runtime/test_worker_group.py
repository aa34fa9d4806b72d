"""Two processes that train together, against one that trains alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch.distributed as dist

from tests.trainables.loop_base import configuration, write_loop_base
from trainables.contract.errors import PeerLostError
from trainables.contract.reports import Metrics, RungReport
from trainables.finetune import finetune
from trainables.runtime.worker_group import WorkerGroup

RUNGS = (20, 40)


class Recorder:
    """Keeps what a worker reports, and that it followed."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def rung(self, report: RungReport) -> None:
        self.seen.append({"rung": report.rung, "step": report.step, **report.metrics})

    def test(self, predictions: list[dict[str, Any]], metrics: Metrics, protocol: str) -> None:
        self.seen.append({"test": [row["prediction"] for row in predictions], **metrics})

    def follow(self, rung: int) -> None:
        self.seen.append({"follows": rung})


def train(base: str) -> list[dict[str, Any]]:
    recorder = Recorder()
    # Batches of 8 and a last one of 4, in forward passes of 3: uneven shares and uneven parts.
    finetune(configuration(base, dropout=0.0, micro_batch_size=3), RUNGS, recorder, device="cpu")
    return recorder.seen


def worker(base: str, rank: int, rendezvous: str, result: str) -> None:
    """What each process of the group runs."""
    dist.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=2)
    Path(result).write_text(json.dumps(train(base)))
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_workers_give_the_numbers_of_one(tmp_path: Path) -> None:
    base = write_loop_base(tmp_path / "base", dropout=0.0)
    results = [tmp_path / f"{rank}.json" for rank in (0, 1)]
    call = "import sys; from tests.trainables.runtime.test_worker_group import worker as w; "
    workers = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                call + f"w({base!r}, {rank}, {str(tmp_path / 'meet')!r}, {str(result)!r})",
            ],
            cwd=Path(__file__).resolve().parents[3],
        )
        for rank, result in enumerate(results)
    ]
    assert [process.wait(timeout=240) for process in workers] == [0, 0]
    together, follower = (json.loads(result.read_text()) for result in results)
    assert follower == [{"follows": 0}, {"follows": 1}]
    alone = train(base)
    assert len(together) == len(alone) == 3
    for a, b in zip(together, alone, strict=True):
        for name in ("rung", "step", "examples_seen", "test"):
            assert a.get(name) == b.get(name)
        for name in {"train_loss", "eval_loss"} & set(b):
            assert a[name] == pytest.approx(b[name], rel=1e-4)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [::1]"), None),
        (RuntimeError("[pair.cc] Connection reset by peer"), None),
        (dist.DistNetworkError("failed to recv, got 0 bytes"), None),
        (RuntimeError("The size of tensor a (3) must match"), RuntimeError),
        (ValueError("no"), ValueError),
    ],
)
def test_that_another_worker_is_gone_is_told_from_an_error_of_this_one(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception] | None
) -> None:
    def barrier(**_: object) -> None:
        raise error

    group = WorkerGroup()
    monkeypatch.setattr(group, "_waiting", "a group")
    monkeypatch.setattr(dist, "barrier", barrier)
    with pytest.raises(kind or PeerLostError) as raised:
        group.wait()
    assert type(raised.value) is (kind or PeerLostError)

"""The sweep command in this process, from its options to its result, with a stand-in for Ray."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestrator.search_space import Sweep
from orchestrator.store import rows
from orchestrator.store.place import Root
from orchestrator.store.schema import Table
from orchestrator.sweep.preflight import StartOptions
from orchestrator.sweep.run import run
from orchestrator.terminal.plain_console import PlainConsole
from orchestrator.trial.attempt import TrialJob
from tests.orchestrator.stand_in import LEARNER, Tuner


def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has sweeps run their trials one at a time in this process, where Ray would be started."""

    @contextmanager
    def cluster(*_: Any) -> Iterator[dict[str, Any]]:
        yield {"resources": {"CPU": 1.0}, "dashboard": None}

    def tune_function(job: TrialJob, board: str | None = None) -> None:
        # What a trial's process gets is a copy.
        monkeypatch.setattr(Tuner, "stored", pickle.loads(pickle.dumps(job.stored)), raising=False)

    monkeypatch.setattr("orchestrator.ray_tune.cluster.cluster", cluster)
    monkeypatch.setattr("orchestrator.ray_tune.tuner.tune_function", tune_function)
    alive = [{"Alive": True}]
    monkeypatch.setattr("ray.nodes", lambda: alive)
    monkeypatch.setattr("ray.tune.Tuner", Tuner)
    monkeypatch.setattr("ray.tune.register_trainable", lambda *_: None)
    monkeypatch.setattr("ray.tune.with_resources", lambda function, _: function)


def decode_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has files with a content that was decoded before not decoded again: half of a sweep's time.

    Over some hundred runs of one sweep there are thousands of files, few of which differ.
    """
    decoded: dict[tuple[Any, ...], pa.Table] = {}
    decode = rows.decode_unchecked

    def remembered(
        table: Table, source: Any, name: str, columns: Sequence[str] | None = None
    ) -> pa.Table:
        data = Path(source).read_bytes() if isinstance(source, str) else source.to_pybytes()
        key = (table.name, data, columns if columns is None else tuple(columns))
        if key not in decoded:
            decoded[key] = decode(table, pa.py_buffer(data), name, columns)
        return decoded[key]

    monkeypatch.setattr(rows, "decode_unchecked", remembered)


def start(sweep: Sweep, root: Root, *, with_result: bool = True) -> str:
    """Runs or continues a sweep as the command does, and returns the result that it prints.

    Args:
        sweep: The resolved search space file.
        root: Of the experiment store.
        with_result: Whether that is made, which takes a good part of the time of a small sweep.
    """
    printed = io.StringIO()
    out = PlainConsole(file=printed, width=1000)
    out.quiet = True  # until the result
    with pytest.MonkeyPatch.context() as patched:
        if not with_result:
            patched.setattr("orchestrator.sweep.run.show_result", lambda *_: None)
        run(sweep, root, out, StartOptions(dashboard=False, learner=LEARNER))
    return printed.getvalue()

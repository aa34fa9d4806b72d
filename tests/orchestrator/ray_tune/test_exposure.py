"""What a running sweep shows to others, and what it does with files that others wrote.

One sweep, continued in a store full of planted pickles and with secrets in its environment, is held
in its middle and looked at from outside; then it runs to its end, with a trial that raises and one
that is killed.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from orchestrator.search.identity import trial_id
from orchestrator.search.proposals import Proposal
from orchestrator.state.content_log import ContentLog
from orchestrator.state.proposal_log import ProposalLog
from orchestrator.state.stored_sweep import latest
from orchestrator.store import Store, reader
from orchestrator.sweep.content import content_of
from orchestrator.trial.attempt import TrialJob, run
from tests.orchestrator import sweeps, toy
from tests.planted import PICKLES, Planted

TOP = Path(__file__).resolve().parents[3]
SECRETS = ("HF_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
CANARY = "canary-7f3a91"
ENDPOINTS = (
    "/api/version",
    "/api/jobs/",
    "/api/v0/actors?detail=1",
    "/api/v0/workers?detail=1",
    "/api/v0/runtime_envs?detail=1",
    "/api/v0/tasks?detail=1",
    "/api/v0/nodes?detail=1",
    "/api/v0/placement_groups?detail=1",
    "/logical/actors",
    "/api/cluster_status",
    "/events",
)
RAY_RECORDS = (
    "tuner.pkl",
    "trainable.pkl",
    "experiment_state-2026-01-01_00-00-00.json",
    "search_gen_state-2026-01-01_00-00-00.json",
    "searcher-state-2026-01-01_00-00-00.pkl",
)

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class _Seen:
    """What was seen of the sweep from outside.

    Attributes:
        listening: (process, address) of every socket, while it was held.
        answers: Status by endpoint and token (absent, wrong, right), while it was held.
        texts: Everything that could be read, by where it was: answers, files, streams.
        inherited: The values of `SECRETS` in the environment of a trial's process.
        token: The file of Ray's token.
    """

    root: Path
    identifier: str
    listening: list[tuple[str, str]]
    answers: dict[str, tuple[int, int, int]]
    texts: dict[str, str]
    inherited: list[str | None]
    token: Path
    planted: Planted
    trained: Counter[str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> _Seen:
    folder = tmp_path_factory.mktemp("exposure")
    root, gate, log, home = (folder / name for name in ("store", "gate", "log", "home"))
    home.mkdir()
    points = [
        {"technique": "lora", "data_size": 100, "learning_rate": rate}
        for rate in (0.5, 8.0, 6.0, 0.4)
    ]
    alone = {"baseline": None, "space": None, "trials": None, "limits": {"max_concurrent": 1}}
    changes = {**alone, "stopping": None}  # none waits for the others
    file = sweeps.write(folder, points=points, **changes)
    identifier = _interrupted(folder, root, **changes, points=points)
    planted = Planted(folder / "mark")
    _plant(planted, root, identifier)
    os.mkfifo(gate)
    told = {"TOY_LOG": str(log), "TOY_GATE": str(gate), "TOY_GATE_AFTER": "4"}
    secrets = {name: f"{CANARY}-{name}" for name in SECRETS}
    others = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.orchestrator.drive", str(file), str(root)],
        cwd=TOP,
        env={**others, **told, **secrets, "HOME": str(home), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = _await_starts(process, len(points))
        url = said.partition("dashboard at ")[2].split()[0]
        driver = psutil.Process(process.pid)
        processes = [driver, *driver.children(recursive=True)]
        listening = [found for p in processes for found in _addresses(p)]
        session = _session(processes)
        inherited = [value for p in processes for value in _inherited(p)]
        token = home / ".ray" / "auth_token"
        answers, texts = _ask(url, token.read_text())
        for place in Path(tempfile.gettempdir()).glob(f"{identifier}-*"):
            texts |= _files(place)
        toy.open_gate(gate)
        out, err = process.communicate(timeout=500)
        assert process.returncode == 0, err
    finally:
        process.kill()
        process.wait()
    texts |= {"standard output": said + out, "standard error": err}
    texts |= _files(root) | _files(session)
    trained = Counter(line.split(" ", 1)[1] for line in log.read_text().splitlines())
    return _Seen(root, identifier, listening, answers, texts, inherited, token, planted, trained)


def _interrupted(folder: Path, root: Path, **changes: object) -> str:
    """Makes a store in which the first trial was interrupted at its first rung."""
    sweep = sweeps.toy(folder, **changes)
    stored = latest(sweep, Store(root))
    ContentLog(stored.files).begin(content_of(sweep, None))
    proposal = ProposalLog(stored.files).write(Proposal(0, 0, 0, dict(sweep.points[0])))
    job = TrialJob(stored, "cpu", 1, "tests.orchestrator.toy:finetune")

    def interrupt(row: dict[str, object]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(job, proposal, interrupt)
    return stored.id


def _plant(planted: Planted, root: Path, identifier: str) -> None:
    for ray in (f"ray/{identifier}", f"ray/{trial_id(identifier, 0)}"):
        folder = root / "state" / f"sweep={identifier}" / ray
        planted.pickles(folder, *RAY_RECORDS)
        for number in range(4):
            trial = folder / trial_id(identifier, number)
            planted.pickles(trial, "error.pkl", "params.pkl", "checkpoint_000000/checkpoint.pkl")
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        planted.pickles(folder, *PICKLES)


def _await_starts(process: subprocess.Popen[str], count: int) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        count -= " starts: " in line
        if not count:
            return said
    assert process.stderr is not None
    raise AssertionError(said + process.stderr.read())


def _addresses(process: psutil.Process) -> list[tuple[str, str]]:
    """The addresses at which a process can be reached over a network, each with its name."""
    with contextlib.suppress(psutil.NoSuchProcess):  # Ray ends some that have nothing to do
        name = process.name()
        return [
            (name, each.laddr.ip)
            for each in process.net_connections(kind="inet")
            if each.status == psutil.CONN_LISTEN or each.type == socket.SOCK_DGRAM
        ]
    return []


def _inherited(process: psutil.Process) -> list[str | None]:
    """The values of `SECRETS` in the environment of a process, if a trial is trained in it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        if "ImplicitFunc" in process.name():
            environment = process.environ()
            return [environment.get(name) for name in SECRETS]
    return []


def _session(processes: list[psutil.Process]) -> Path:
    (logs,) = {logs for process in processes for logs in _log_folders(process)}
    return Path(logs).parent


def _log_folders(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.NoSuchProcess):
        if process.name() == "gcs_server":
            given = [word.partition("=") for word in process.cmdline()]
            return [value for name, _, value in given if name == "--log_dir"]
    return []


def _ask(url: str, token: str) -> tuple[dict[str, tuple[int, int, int]], dict[str, str]]:
    answers, texts = {}, {}
    for endpoint in ENDPOINTS:
        without, _ = _get(url + endpoint, None)
        wrong, _ = _get(url + endpoint, "0" * len(token))
        right, texts[endpoint] = _get(url + endpoint, token)
        answers[endpoint] = (without, wrong, right)
    return answers, texts


def _get(url: str, token: str | None) -> tuple[int, str]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def _files(folder: Path) -> dict[str, str]:
    return {str(path): _text(path) for path in folder.rglob("*") if path.is_file()}


def _text(path: Path) -> str:
    if path.suffix == ".parquet":  # compressed
        return str(pq.read_table(path, partitioning=None).to_pylist())
    return path.read_bytes().decode(errors="replace")


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def test_every_socket_listens_on_loopback_only(seen: _Seen) -> None:
    assert {"gcs_server", "raylet"} <= {name for name, _ in seen.listening}
    assert [each for each in seen.listening if not _is_loopback(each[1])] == []


def test_ray_starts_no_process_that_cannot_become_a_trial_s(seen: _Seen) -> None:
    names = [Path(place).name for place in seen.texts]
    jobs = {name.split("-")[2] for name in names if name.startswith("worker-")}
    assert jobs == {"01000000"}  # one that is started ahead is of no job: ffffffff


def test_rays_api_asks_for_the_token(seen: _Seen) -> None:
    assert seen.answers == dict.fromkeys(ENDPOINTS, (401, 403, 200))
    assert stat.S_IMODE(seen.token.stat().st_mode) == 0o600


def test_no_secret_is_in_any_answer_log_or_file(seen: _Seen) -> None:
    # The trials have them, and have raised and died with them.
    assert seen.inherited == [f"{CANARY}-{name}" for name in SECRETS]
    outcomes = [row["outcome"] for row in reader.trials(seen.root).to_pylist()]
    assert sorted(outcomes) == ["completed", "completed", "failed", "failed"]
    assert any("told to fail" in text for place, text in seen.texts.items() if "/state/" in place)
    assert any(place.endswith("raylet.out") for place in seen.texts)
    assert [place for place, text in seen.texts.items() if CANARY in text] == []


def test_no_planted_pickle_is_loaded_when_a_sweep_is_continued(seen: _Seen) -> None:
    first, *_ = sorted(
        reader.trials(seen.root).to_pylist(), key=lambda row: int(row["trial_number"])
    )
    assert (first["outcome"], first["attempts"]) == ("completed", 2)
    assert set(seen.trained.values()) == {1}
    assert seen.planted.asleep()

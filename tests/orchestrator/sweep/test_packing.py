"""How many trials share a device where the file leaves it to a measurement."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import UserError
from orchestrator.price.packing import Packing
from orchestrator.ray_tune.placement import Slots
from orchestrator.search.identity import sweep_id
from orchestrator.search_space import Sweep
from orchestrator.state.start_log import StartLog
from orchestrator.state.stored_sweep import StoredSweep, latest
from orchestrator.store import Store
from orchestrator.sweep import packing
from orchestrator.sweep.pack_meter import NotMeasuredError
from orchestrator.sweep.preflight import StartOptions, check_options
from orchestrator.sweep.run import run
from orchestrator.terminal.plain_console import PlainConsole
from tests.orchestrator import in_process, sweeps
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.pack_cost import PackCost, Ready
from trainables.techniques.registry import TECHNIQUES

GIB = 2**30
LORA: dict[str, Any] = {
    "technique": {
        "lora": {"rank": {"choice": [2, 64]}, "learning_rate": {"loguniform": [0.01, 1.0]}}
    },
    "data_size": {"choice": [100, 200]},
}
FULL: dict[str, Any] = {"technique": "full", "data_size": 100, "epochs": 9}
MANY: dict[str, Any] = {"trials": 64, "budget": {"examples": 10_000}}


class Meter:
    """Measures nothing: packs take what a table says.

    Attributes:
        asked: Places of trials that were asked for together.
        trials: That there were to measure.
    """

    def __init__(self, times: dict[int, float], ready: Ready) -> None:
        self._times = times
        self._ready = ready
        self.asked: list[list[int]] = []
        self.trials: Sequence[TrialConfiguration] = ()

    def ready(self) -> Ready:
        return self._ready

    def measure(self, numbers: Sequence[int]) -> PackCost | None:
        self.asked.append(list(numbers))
        members = len(numbers)
        if members > 1 and members not in self._times:
            return None
        seconds = members * self._times.get(members, 1.0)
        memory = (members + 1) * GIB
        return PackCost((seconds,) * 3, 16 * members, seconds / 10, seconds / 5, GIB, memory)


@pytest.fixture
def out() -> PlainConsole:
    return PlainConsole(file=io.StringIO(), width=300)


def _said(out: PlainConsole) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def _metered(
    monkeypatch: pytest.MonkeyPatch,
    times: dict[int, float],
    *,
    shares: bool = True,
    room: int = 64 * GIB,
    trials: int = 2,
) -> Meter:
    """Has packs measured by a table, on a machine with so many CPUs."""
    meter = Meter(times, Ready(8.0, shares, room))

    @contextmanager
    def measuring(
        place: Slots, trials: Sequence[TrialConfiguration], *, online: bool
    ) -> Iterator[Meter]:
        meter.trials = trials
        yield meter

    monkeypatch.setattr(packing, "pack_meter", measuring)
    monkeypatch.setattr(packing, "asking_seconds", lambda: 3.0)
    monkeypatch.setattr("orchestrator.ray_tune.placement.psutil.cpu_count", lambda: trials)
    monkeypatch.setattr("orchestrator.ray_tune.placement.local_accelerators", lambda: 0)
    return meter


def auto(folder: Path, **changes: Any) -> Sweep:
    resources = {"pack": "auto"} | changes.pop("resources", {})
    asked = {"space": LORA, "search": {"method": "random"}, **MANY} | changes
    return sweeps.toy(folder, resources=resources, **asked)


def choose(sweep: Sweep, out: PlainConsole) -> Packing:
    return packing.choose(sweep, None, None, out, online=False)


def test_the_pack_that_pays_is_taken_and_said_with_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    meter = _metered(monkeypatch, {2: 0.85, 4: 0.76, 8: 0.75})
    found = choose(auto(tmp_path), out)
    assert found.members == 4
    assert found.words == (
        "4, measured here: 1.31 times the trials an hour of one at a time (2: 1.17, 8: 1.32)"
    )
    # Each trial alone, once; then the packs, as long as doubling pays.
    assert [each for each in meter.asked if len(each) == 1] == [[n] for n in range(8)]
    assert [len(each) for each in meter.asked if len(each) > 1] == [2, 4, 8]
    assert len({str(each.parameters["rank"]) for each in meter.trials}) == 2
    assert "Measuring packs of 4: ten steps of each trial" in _said(out)


def test_where_no_pack_pays_trials_run_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    meter = _metered(monkeypatch, {2: 0.98, 4: 0.5})
    found = choose(auto(tmp_path), out)
    words = (
        "1, measured here: no pack saves 5 % (2: 1.02 times the trials an hour of one at a time)"
    )
    assert (found.members, found.words) == (1, words)
    assert [0, 1, 2, 3] not in meter.asked


def test_the_processes_that_ask_are_worth_it_in_long_trials_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    # Two seconds of a CPU each against three to start its process.
    _metered(monkeypatch, {2: 0.8, 4: 0.7, 8: 0.65})
    short = {"budget": {"examples": 32}, "trials": 16, "stopping": None}
    short["evaluation"] = {"validation_rows": 1, "test_rows": 1}
    assert choose(auto(tmp_path, **short), out).members == 1
    assert choose(auto(tmp_path), out).members == 8


def test_a_lack_of_memory_ends_the_doubling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    _metered(monkeypatch, {2: 0.8})
    found = choose(auto(tmp_path), out)
    assert found.members == 2
    assert found.words.endswith("of one at a time; there was not memory enough for 4")
    # Five are 6 GiB and their own processes.
    meter = _metered(monkeypatch, {2: 0.8, 4: 0.6}, room=5 * GIB)
    found = choose(auto(tmp_path), out)
    assert found.words.endswith("of one at a time; 2 took 3.5 GiB of 5.0 GiB of memory")
    assert [0, 1, 2, 3] not in meter.asked


@pytest.mark.parametrize(
    ("changes", "largest"),
    [
        ({"limits": {"max_concurrent": 7}, "resources": {"cpus": 2}}, 4),
        ({"trials": 4, "resources": {"cpus": 2}}, 4),
        ({"search": {"method": "tpe"}, "trials": 24}, 2),
    ],
)
def test_no_pack_is_measured_that_could_never_be_full(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    out: PlainConsole,
    changes: dict[str, Any],
    largest: int,
) -> None:
    meter = _metered(monkeypatch, {2: 0.6, 4: 0.4, 8: 0.3, 16: 0.2, 32: 0.1, 64: 0.05})
    choose(auto(tmp_path, **changes), out)
    assert max(map(len, meter.asked)) == largest


@pytest.mark.parametrize(
    ("changes", "address", "words"),
    [
        ({"space": None, "points": [FULL], "stopping": None}, None, "here it is full on cpu"),
        ({"space": {**LORA, "technique": {"full": {}}}}, None, "it is full on cpu"),
        ({"resources": {"accelerators": 2}}, None, "one device, and resources.accelerators is 2"),
        ({}, "auto", "packs run on this machine alone, and --address is auto"),
        ({"limits": {"max_concurrent": 2}}, None, "not more than one trial at a time on each of 2"),
    ],
)
def test_where_nothing_can_be_packed_nothing_is_measured(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    out: PlainConsole,
    changes: dict[str, Any],
    address: str | None,
    words: str,
) -> None:
    meter = _metered(monkeypatch, {2: 0.1}, trials=4 if "resources" in changes else 2)
    sweep = auto(tmp_path, **({"trials": 0} if "points" in changes else {}), **changes)
    if address is not None:
        check_options(sweep, StartOptions(address=address))
    found = packing.choose(sweep, address, None, out, online=False)
    assert found.members == 1
    assert found.words.startswith("1: ")
    assert words in found.words
    assert not meter.trials
    assert not _said(out)


def test_on_a_device_where_trials_share_no_passes_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    meter = _metered(monkeypatch, {2: 0.1})
    monkeypatch.setattr("orchestrator.ray_tune.placement.local_accelerators", lambda: 1)
    for technique in ("lora", "prefix"):
        monkeypatch.setattr(type(TECHNIQUES[technique]), "shares_passes_on", ("cpu",))
    found = choose(auto(tmp_path), out)
    sharing = "trials of lora, qlora, prefix on cpu share passes"
    assert found.words == f"1: {sharing}, and here it is lora on cuda"
    assert not meter.trials


def test_few_configurations_are_measured_under_further_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    meter = _metered(monkeypatch, {2: 0.6})
    point = {**FULL, "technique": "lora", "epochs": 90}
    alone = {"space": None, "trials": 0, "budget": None, "stopping": None}
    choose(auto(tmp_path, points=[point], replicates=4, **alone), out)
    assert [each.seed for each in meter.trials] == [0, 1]


def test_a_base_of_which_trials_share_no_passes_is_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    meter = _metered(monkeypatch, {2: 0.1}, shares=False)
    found = choose(auto(tmp_path), out)
    assert found.words == "1: no trial shares passes with this base model on this device"
    assert not meter.asked


def test_what_cannot_be_measured_ends_no_sweep_but_wrong_rows_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    meter = _metered(monkeypatch, {})

    def fails(numbers: Sequence[int]) -> PackCost | None:
        raise NotMeasuredError("ValueError: no such layer")

    monkeypatch.setattr(meter, "measure", fails)
    found = choose(auto(tmp_path), out)
    assert found.words == "1: packs could not be measured here (ValueError: no such layer)"

    def refuses() -> Ready:
        raise UserError("there are no rows")

    monkeypatch.setattr(meter, "ready", refuses)
    with pytest.raises(UserError, match="there are no rows"):
        choose(auto(tmp_path), out)


def test_a_start_settles_the_pack_and_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    _metered(monkeypatch, {2: 0.5, 4: 0.5})
    stored = latest(auto(tmp_path), Store(tmp_path / "store"))
    settled = packing.settled(stored, None, None, out)
    assert settled.sweep.resources.pack == 2
    assert "\npack: 2, measured here: 1.99 times the trials an hour of one" in _said(out)
    assert packing.settled(settled, None, None, out) is settled
    # A start may settle it otherwise than the one before: it is the same sweep.
    assert sweep_id(settled.sweep) == stored.id == sweep_id(auto(tmp_path, resources={"pack": 1}))


def test_a_sweep_runs_with_what_was_settled_and_its_file_says_auto(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    class ReadyError(Exception):
        """The sweep would now run."""

    def room_for(stored: StoredSweep, *_: object) -> None:
        raise ReadyError(stored.sweep.resources.pack)

    in_process.without_ray(monkeypatch)
    _metered(monkeypatch, {2: 0.5})
    monkeypatch.setattr("orchestrator.sweep.run.room_for", room_for)
    sweep = auto(tmp_path)
    with pytest.raises(ReadyError, match="2"):
        run(sweep, tmp_path / "store", out, StartOptions(dashboard=False))
    said = _said(out)
    assert said.index("pack: 2, measured here") < said.index("Starting Ray")
    begun = StartLog(latest(sweep, Store(tmp_path / "store")).files).latest()
    assert begun is not None
    assert begun.search_space["resources"] == {"pack": "auto"}


def test_a_plan_without_a_measurement_prices_one_trial_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    meter = _metered(monkeypatch, {2: 0.5})
    sweep, found = packing.planned(auto(tmp_path), None, None, out, measured=False)
    assert sweep.resources.pack == 1
    assert found is not None
    assert found.words.startswith("auto: measured at each start; the rest here is of one trial")
    assert not meter.trials
    _, found = packing.planned(auto(tmp_path), "auto", None, out, measured=False)
    assert found is not None
    assert found.words.startswith("1: packs run on this machine alone")


def test_a_measured_plan_is_that_of_the_pack_that_would_be_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    _metered(monkeypatch, {2: 0.5, 4: 0.5})
    sweep, found = packing.planned(auto(tmp_path), None, None, out, measured=True)
    assert found is not None
    assert sweep.resources.pack == found.members == 2


def test_a_measured_plan_of_a_pack_measures_that_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: PlainConsole
) -> None:
    meter = _metered(monkeypatch, {3: 0.8})
    asked = auto(tmp_path, resources={"pack": 3})
    assert packing.planned(asked, None, None, out, measured=False) == (asked, None)
    sweep, found = packing.planned(asked, None, None, out, measured=True)
    assert sweep is asked
    assert meter.asked == [[0], [1], [2], [0, 1, 2]]
    assert found is not None
    assert found.members == 3
    assert found.words == "3, measured now: 1.23 times the trials an hour of one at a time"
    _metered(monkeypatch, {})
    _, found = packing.planned(asked, None, None, out, measured=True)
    assert found is not None
    assert found.words == "3, for which there is not memory enough here"
    assert found.members == 1

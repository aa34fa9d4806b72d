"""How many trials of a sweep share a device: what the file says, or what pays here (`auto`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from orchestrator.price.packing import LEAST_SAVED, Pack, Packing, Terms, chosen, next_members
from orchestrator.price.work import expected_work
from orchestrator.ray_tune.placement import NoRoomError, Slots, local_slots
from orchestrator.search.proposals import Proposal, confirming_runs, trial_configuration
from orchestrator.search.strata_study import study_of
from orchestrator.search_space import Sweep
from orchestrator.search_space.value_types import AUTO, LARGEST_PACK
from orchestrator.state.stored_sweep import StoredSweep
from orchestrator.sweep.pack_meter import NotMeasuredError, PackMeter, asking_seconds, pack_meter
from orchestrator.sweep.pricing import tested_rows
from orchestrator.terminal.plain_console import shown
from orchestrator.terminal.values import storage
from trainables.contract.configuration import TrialConfiguration
from trainables.contract.pack_cost import PackCost, Ready
from trainables.data.survey import Survey
from trainables.techniques.registry import TECHNIQUES, is_untuned

_TIMES = "times the trials an hour of one at a time"
_AT_THE_START = (
    "auto: measured at each start; the rest here is of one trial at a time on a device (--plan"
    " --measure measures packs now)"
)


def packed(sweep: Sweep, members: int) -> Sweep:
    """Returns a sweep of which so many trials share a device."""
    resources = sweep.resources.model_copy(update={"pack": members})
    return sweep.model_copy(update={"resources": resources})


def unpacked(sweep: Sweep, address: str | None) -> Packing | None:
    """Returns why trials run one at a time where that needs no measurement; None otherwise.

    Args:
        sweep: The resolved search space file.
        address: Of the cluster that is joined; None for this machine.

    Raises:
        NoRoomError: Not even one trial fits on this machine.
    """
    if address is not None:
        return Packing(1, f"1: packs run on this machine alone, and --address is {address}")
    if sweep.resources.workers > 1:
        accelerators = f"{sweep.resources.accelerators:g}"
        return Packing(1, f"1: a pack has one device, and resources.accelerators is {accelerators}")
    place = local_slots(packed(sweep, 1))
    tried = _techniques(sweep)
    if not any(place.kind in TECHNIQUES[name].shares_passes_on for name in tried):
        here = f"{' and '.join(tried) or 'nothing is trained'} on {place.kind}"
        return Packing(1, f"1: trials of {_sharing()} share passes, and here it is {here}")
    if _most(sweep, place) < 2:
        devices = "1 device" if place.trials == 1 else f"{place.trials} devices"
        return Packing(1, f"1: not more than one trial at a time on each of {devices}")
    return None


def _sharing() -> str:
    """Returns the techniques whose trials share passes, and on what."""
    names: dict[str, list[str]] = {}
    for name, technique in TECHNIQUES.items():
        if technique.shares_passes_on:
            names.setdefault(" or ".join(technique.shares_passes_on), []).append(name)
    return " and of ".join(f"{', '.join(alike)} on {kinds}" for kinds, alike in names.items())


def choose(
    sweep: Sweep, address: str | None, survey: Survey | None, out: Console, *, online: bool
) -> Packing:
    """Returns how many trials are to share a device, measured on this machine.

    Args:
        sweep: The resolved search space file.
        address: Of the cluster that is joined; None for this machine.
        survey: Its rows, as far as they are known.
        out: Is told what is measured.
        online: Whether what is not on this machine may be downloaded.

    Raises:
        UserError: Rows or base model will not do; what a trial would say of them.
        NoRoomError: Not even one trial fits.
    """
    if (alone := unpacked(sweep, address)) is not None:
        return alone
    place = local_slots(packed(sweep, 1))
    trials = _sample(sweep, _most(sweep, place))
    try:
        with pack_meter(place, trials, online=online) as meter:
            out.print("Measuring whether trials that share a device and a process are faster.")
            asking = asking_seconds() if place.kind == "cpu" else 0.0
            ready = meter.ready()
            if not ready.shares:
                return Packing(1, "1: no trial shares passes with this base model on this device")
            terms = _terms(sweep, place, survey, ready, asking)
            return _doubled(terms, meter, len(trials), out)
    except NotMeasuredError as error:
        return Packing(1, f"1: packs could not be measured here ({error})")


def measure(sweep: Sweep, survey: Survey | None, out: Console) -> Packing:
    """Returns what packs take of as many trials as the file asks for; arguments as of `choose`.

    Raises:
        UserError: As `choose`, NoRoomError too.
    """
    place = local_slots(sweep)
    trials = _sample(sweep, min(place.members, _runs(sweep) // place.trials))
    if len(trials) < 2:
        return Packing(1, f"{place.pack}, of which one trains at a time")
    try:
        with pack_meter(place, trials, online=False) as meter:
            asking = asking_seconds() if place.kind == "cpu" else 0.0
            terms = _terms(sweep, place, survey, meter.ready(), asking)
            pack = _measured(meter, [], len(trials), out)
    except NotMeasuredError as error:
        return Packing(1, f"{place.pack}, which could not be measured here ({error})")
    if pack is None:
        return Packing(1, f"{place.pack}, for which there is not memory enough here")
    packs = [_first(pack), pack]
    of = f" of {pack.members} trials at a time" if pack.members != place.pack else ""
    words = f"{place.pack}, measured now{of}: {_times(terms, packs, pack)} {_TIMES}"
    return Packing(pack.members, words, terms, pack)


def settled(
    stored: StoredSweep, address: str | None, survey: Survey | None, out: Console
) -> StoredSweep:
    """Returns a sweep of which it is settled how many trials share a device, and says it if asked.

    Args:
        stored: The sweep; its file may leave it to a measurement (`resources: {pack: auto}`).
        address: As of `choose`.
        survey: The same.
        out: The same.

    Raises:
        UserError: As `choose`, NoRoomError too.
    """
    if stored.sweep.resources.pack != AUTO:
        return stored
    found = choose(stored.sweep, address, survey, out, online=True)
    out.print(shown(f"pack: {found.words}."))
    return replace(stored, sweep=packed(stored.sweep, found.members))


def planned(
    sweep: Sweep, address: str | None, survey: Survey | None, out: Console, *, measured: bool
) -> tuple[Sweep, Packing | None]:
    """Returns a sweep as it would run, and what there is to say of packs; None where there is not.

    Args:
        sweep: The resolved search space file.
        address: As of `choose`.
        survey: The same.
        out: The same.
        measured: Whether packs are measured now.

    Raises:
        UserError: As `choose`.
    """
    asked = sweep.resources.pack
    try:
        if asked != AUTO:
            return sweep, measure(sweep, survey, out) if measured and asked != 1 else None
        if measured:
            found = choose(sweep, address, survey, out, online=False)
        else:
            found = unpacked(sweep, address) or Packing(1, _AT_THE_START)
    except NoRoomError:
        return packed(sweep, sweep.resources.members), None
    return packed(sweep, found.members), found


def _doubled(terms: Terms, meter: PackMeter, most: int, out: Console) -> Packing:
    """Returns the best packing, measured in packs of 1, 2, 4, ... for as long as that pays."""
    alone: list[PackCost] = []
    packs: list[Pack] = []
    members: int | None = 1
    while members is not None:
        pack = _measured(meter, alone, members, out)
        if pack is None:
            break
        packs.append(pack)
        members = next_members(terms, packs, most)
    if not packs:
        return Packing(1, "1: there was not memory enough to measure a trial")
    best, last = chosen(terms, packs), packs[-1]
    others = ", ".join(
        f"{pack.members}: {_times(terms, packs, pack)}" for pack in packs[1:] if pack is not best
    )
    if best.members > 1:
        others = f" ({others})" if others else ""
        words = f"{best.members}, measured here: {_times(terms, packs, best)} {_TIMES}{others}"
    elif others:
        words = f"1, measured here: no pack saves {100 * LEAST_SAVED:g} % ({others} {_TIMES})"
    else:
        words = "1, measured here"
    if members is not None:
        words += f"; there was not memory enough for {members}"
    elif not terms.fits(last) or (best is last and 2 * last.members <= most):
        took = f"{storage(terms.bytes(last))} of {storage(terms.room)}"
        words += f"; {last.members} took {took} of memory"
    return Packing(best.members, words, terms, best)


def _measured(meter: PackMeter, alone: list[PackCost], members: int, out: Console) -> Pack | None:
    """Returns what so many trials take, alone and together.

    Args:
        meter: What measures.
        alone: What the first of them take alone, as far as it is known; the others are added.
        members: How many.
        out: Is told what is measured.

    Returns:
        None where there is not memory enough.
    """
    what = "a trial alone" if members == 1 else f"packs of {members}"
    out.print(f"Measuring {what}: ten steps of each trial, and an evaluation.")
    for number in range(len(alone), members):
        if (cost := meter.measure([number])) is None:
            return None
        alone.append(cost)
    together = alone[0] if members == 1 else meter.measure(range(members))
    return None if together is None else Pack(tuple(alone), together)


def _first(pack: Pack) -> Pack:
    """Returns the first trial of a pack, by itself."""
    return Pack(pack.alone[:1], pack.alone[0])


def _times(terms: Terms, packs: Sequence[Pack], pack: Pack) -> str:
    return f"{terms.seconds(packs, 1) / terms.seconds(packs, pack.members):.2f}"


def _terms(sweep: Sweep, place: Slots, survey: Survey | None, ready: Ready, asking: float) -> Terms:
    work = expected_work(sweep, tested_rows(sweep, survey))
    trained = [part for part in work if TECHNIQUES[part.technique].trains]
    return Terms.of(trained, place.trials, place.kind, ready.start, asking, ready.room_bytes)


def _most(sweep: Sweep, place: Slots) -> int:
    """Returns how many trials each pack has at the most if all have as many."""
    at_a_time = local_slots(packed(sweep, LARGEST_PACK)).at_a_time
    return max(1, min(at_a_time, _runs(sweep)) // place.trials)


def _runs(sweep: Sweep) -> int:
    """Returns how many runs there are of which any may run at the same time."""
    return max(sweep.runs, confirming_runs(sweep))


def _techniques(sweep: Sweep) -> list[str]:
    """Returns what the search tries, or the points if there is none."""
    if sweep.space is not None:
        return list(sweep.space.technique)
    names = dict.fromkeys(str(point["technique"]) for point in sweep.points)
    return [name for name in names if TECHNIQUES[name].trains]


def _sample(sweep: Sweep, count: int) -> list[TrialConfiguration]:
    """Returns the first trials that the search proposes, or the points if there is none.

    Where there are fewer configurations they are taken again, under further seeds.
    """
    if sweep.space is None:
        found = [dict(point) for point in sweep.points if not is_untuned(point)]
    else:
        study = study_of(sweep.model_copy(update={"points": ()}))
        found = [each for each in map(study.propose, range(count)) if each is not None]
    return [
        trial_configuration(
            sweep, Proposal(number, number, number // len(found), found[number % len(found)])
        )
        for number in range(count if found else 0)
    ]

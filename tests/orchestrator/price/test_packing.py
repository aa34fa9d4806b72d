"""Which pack is taken, by what packs were measured to take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.price.packing import (
    LEAST_SAVED,
    Pack,
    Packing,
    Terms,
    chosen,
    next_members,
)
from orchestrator.price.speed import Range, Speed
from orchestrator.price.work import CONFIRMING, TUNING, Work
from trainables.contract.pack_cost import PackCost

GIB = 2**30
TRIAL = PackCost((0.5, 1.0, 2.0), 16, 0.1, 0.2, 2 * GIB, 3 * GIB)
ROOM = 64 * GIB


def pack(members: int, times: float, grows: int = GIB) -> Pack:
    """Trials alike that take together so many times what they take alone."""
    seconds = members * times
    together = PackCost(
        tuple(seconds * each for each in TRIAL.steps),
        members * TRIAL.examples,
        seconds * TRIAL.loss_row,
        seconds * TRIAL.scored_row,
        2 * GIB,
        2 * GIB + members * grows,
    )
    return Pack((TRIAL,) * members, together)


def work(runs: float = 32.0, phase: str = TUNING) -> Work:
    return Work(phase, "lora", runs, 1600 * runs, 100 * runs, 50 * runs)


def terms(
    *parts: Work, slots: int = 1, start: float = 0.0, asking: float = 0.0, room: int = ROOM
) -> Terms:
    return Terms(parts or (work(),), slots, start, asking, room, 0, 0)


packs = st.lists(st.floats(0.2, 1.5), min_size=1, max_size=5).map(
    lambda times: [pack(1, 1.0), *(pack(2 ** (n + 1), each) for n, each in enumerate(times))]
)
conditions = st.builds(
    terms,
    st.builds(work, st.integers(1, 100)),
    slots=st.integers(1, 4),
    start=st.floats(0, 20),
    asking=st.floats(0, 20),
    room=st.integers(0, 80 * GIB),
)


@given(conditions, packs)
def test_what_is_taken_fits_and_saves(terms: Terms, packs: list[Pack]) -> None:
    taken = chosen(terms, packs)
    if taken.members == 1:
        return
    assert terms.fits(taken)
    seconds = terms.seconds(packs, taken.members)
    for smaller in packs:
        if smaller.members < taken.members:
            least = terms.seconds(packs, smaller.members)
            assert seconds <= (1 - LEAST_SAVED) * least * (1 + 1e-9)


@given(conditions, packs)
def test_a_larger_one_is_left_for_a_reason(terms: Terms, packs: list[Pack]) -> None:
    taken = chosen(terms, packs)
    for other in packs:
        if other.members > taken.members and terms.fits(other):
            seconds = terms.seconds(packs, other.members)
            smaller = [each.members for each in packs if each.members < other.members]
            least = min(terms.seconds(packs, members) for members in smaller)
            assert seconds > (1 - LEAST_SAVED) * least * (1 - 1e-9)


@given(conditions, packs, st.integers(1, 64))
def test_no_pack_is_measured_that_cannot_be_taken(
    terms: Terms, packs: list[Pack], most: int
) -> None:
    members = next_members(terms, packs, most)
    if members is not None:
        assert members == 2 * packs[-1].members <= most
        assert chosen(terms, packs) is packs[-1]


@given(st.floats(0.2, 0.9), st.integers(1, 4), st.floats(0, 3), st.floats(0, 3))
def test_the_longer_processes_take_to_ask_the_smaller_the_pack(
    times: float, slots: int, asking: float, more: float
) -> None:
    measured = [pack(1, 1.0), pack(2, (1 + times) / 2), pack(4, times)]
    few = chosen(terms(slots=slots, asking=asking), measured).members
    assert chosen(terms(slots=slots, asking=asking + more), measured).members <= few


@given(st.integers(1, 4).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, 4 * n - 1))))
def test_a_pack_that_trials_cannot_fill_saves_nothing(too_few: tuple[int, int]) -> None:
    slots, runs = too_few
    own = terms(work(runs), slots=slots)
    measured = [pack(1, 1.0), pack(2, 0.8), pack(4, 0.5)]
    assert own.seconds(measured, 4) == pytest.approx(own.seconds(measured, 2))
    assert chosen(own, measured).members == (2 if runs >= 2 * slots else 1)


def test_runs_of_techniques_that_are_drawn_fill_packs_together() -> None:
    measured = [pack(1, 1.0), pack(2, 0.5)]
    parts = [work(0.1) for _ in range(20)]  # whose sum is a hair off two
    assert terms(*parts).seconds(measured, 2) == pytest.approx(terms(work(2)).seconds(measured, 2))


def test_a_step_in_which_the_machine_did_something_else_changes_nothing() -> None:
    together = PackCost((1.0, 90.0, 4.0), 32, 0.2, 0.4, GIB, GIB)
    assert Pack((TRIAL, TRIAL), together).example == pytest.approx(1.0)


def test_doubling_goes_on_for_as_long_as_it_pays() -> None:
    own, measured = terms(), [pack(1, 1.0), pack(2, 0.85), pack(4, 0.76), pack(8, 0.75)]
    assert [next_members(own, measured[:n], 64) for n in (1, 2, 3, 4)] == [2, 4, 8, None]
    assert chosen(own, measured).members == 4
    assert own.seconds(measured, 1) / own.seconds(measured, 4) == pytest.approx(1 / 0.76)
    assert next_members(own, measured[:2], 3) is None


def test_what_may_not_fit_is_not_tried() -> None:
    measured = [pack(1, 1.0), pack(2, 0.5)]
    # Two trials take 4 GiB, half of which is theirs: four would take 6.
    assert next_members(terms(room=6 * GIB), measured, 64) == 4
    assert next_members(terms(room=6 * GIB - 1), measured, 64) is None
    assert chosen(terms(room=4 * GIB - 1), measured).members == 1


def test_on_a_cpu_the_processes_of_each_phase_count() -> None:
    parts = [work(), work(3, CONFIRMING)]
    own = Terms.of(parts, 2, "cpu", 8.0, 3.0, ROOM)
    assert own.starts(1) == (2 + 2) * 8
    # An engine a slot; then eight trials at a time that ask, and three.
    assert own.starts(4) == 2 * 8 + (8 + 3) * 3
    assert own.bytes(pack(4, 0.5)) > own.bytes(pack(1, 1.0)) + 3 * GIB
    beside_a_gpu = Terms.of(parts, 2, "cuda", 8.0, 3.0, ROOM)
    assert beside_a_gpu.starts(1) == beside_a_gpu.starts(4) == 0
    assert beside_a_gpu.bytes(pack(4, 0.5)) == 6 * GIB


def test_trials_go_at_the_speed_of_their_pack() -> None:
    second = Range(0.5, 1.0, 2.0)
    alone = Speed(second, second, None, second, 0, GIB, 10.0, second)
    own = terms(work(), work(4, CONFIRMING), start=8.0, asking=1.0)
    found = Packing(4, "", own, pack(4, 0.5)).speed(alone)
    assert (found.example, found.loss_row, found.scored_row) == (second * 0.5, second * 0.5, None)
    assert (found.run, found.memory_bytes) == (second, 6 * GIB)
    # The engine's start and four that ask in each phase.
    assert found.start == Range(8.0, 8.0, 8.0)
    assert Packing(1, "").speed(alone) is alone

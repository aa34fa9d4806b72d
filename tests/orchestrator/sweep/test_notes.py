"""How far running trials are, by notes that are not read again at every event."""

from __future__ import annotations

from orchestrator.sweep.notes import SECONDS_BETWEEN, Notes


def test_the_note_of_a_trial_is_read_once_in_a_few_seconds_however_often_it_is_asked_for() -> None:
    read: list[int] = []
    now = [0.0]

    def note(number: int) -> int:
        read.append(number)
        return round(now[0]) + number

    seen = Notes(note, lambda: now[0])
    for _ in range(50):
        assert [seen(number) for number in range(3)] == [0, 1, 2]
    assert read == [0, 1, 2]
    now[0] = SECONDS_BETWEEN - 1
    assert seen(3) == round(now[0]) + 3
    assert seen(0) == 0
    now[0] = SECONDS_BETWEEN
    assert seen(0) == SECONDS_BETWEEN
    assert read == [0, 1, 2, 3, 0]

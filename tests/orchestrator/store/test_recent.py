"""What was read lately is at hand, and takes no more room than it may."""

from __future__ import annotations

from orchestrator.store.recent import Recent


def test_the_latest_are_kept_that_there_is_room_for() -> None:
    recent = Recent(100, 40)
    for name in ("a", "b"):
        recent.put(name, name.encode() * 40)
    assert recent.get("a") == b"a" * 40
    recent.put("c", b"c" * 40)
    assert recent.get("b") is None
    assert recent.get("a") == b"a" * 40
    assert recent.get("c") == b"c" * 40


def test_what_is_put_again_takes_its_room_once() -> None:
    recent = Recent(100, 40)
    for _ in range(5):
        recent.put("a", b"a" * 40)
    recent.put("b", b"b" * 40)
    assert recent.get("a") is not None
    recent.put("a", b"x")
    assert recent.get("a") == b"x"
    assert recent.get("b") is not None


def test_what_is_large_is_not_kept() -> None:
    recent = Recent(100, 40)
    recent.put("a", b"a" * 41)
    assert recent.get("a") is None

"""How many answers are written at a time."""

from __future__ import annotations

import time

import pytest

from searchsite.answers import slots


def test_a_slot_is_given_back_once():
    first = slots.take(1, most=1)
    first.free()
    second = slots.take(2, most=1)
    first.free()
    with pytest.raises(slots.TooMany):
        slots.take(3, most=1)
    second.free()


def test_ones_own_answer_is_asked_to_stop_and_waited_for():
    first = slots.take(1, most=4)
    start = time.monotonic()
    with pytest.raises(slots.TooMany):
        slots.take(1, most=4)
    assert first.revoked.is_set() and time.monotonic() - start < slots.HAND_OVER_SECONDS + 5
    first.free()


def test_a_slot_that_was_never_given_back_is_taken_again():
    lost = slots.take(1, most=1)
    lost.since -= slots.LONGEST_SECONDS
    slots.take(1, most=1).free()

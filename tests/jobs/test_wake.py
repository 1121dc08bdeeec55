"""Wake-ups are few, and none is left out."""

from __future__ import annotations

import time

import pytest
from django.db import transaction

from searchsite.celery import app
from searchsite.jobs import wake

QUEUE = "bell"


def waiting() -> int:
    with app.connection_for_write() as connection, connection.channel() as channel:
        return int(channel.queue_declare(QUEUE).message_count)


@pytest.mark.django_db(transaction=True)
def test_many_wake_ups_in_a_row_are_one_at_once_and_one_after_the_last():
    with app.connection_for_write() as connection, connection.channel() as channel:
        channel.queue_purge(QUEUE)
    began = time.monotonic()
    for _ in range(20):
        with transaction.atomic():
            wake.wake_on_commit([QUEUE])
    # On a machine that is busy elsewhere the row takes longer than the silence after a wake-up.
    more = int((time.monotonic() - began) / wake.EVERY_SECONDS)
    assert 1 <= waiting() <= 1 + more + 1
    time.sleep(3 * wake.EVERY_SECONDS)
    rung = waiting()
    assert 2 <= rung <= 2 + more
    wake.wake_on_commit([QUEUE])
    assert waiting() == rung + 1

"""Two people change spaces at the same time, or while somebody reads for long: nobody sees an error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connections, transaction

from searchsite import config
from searchsite.indexing import fingerprints, provider, spaces
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.library.models import Item
from tests import made

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def build(inbox, fake, monkeypatch) -> Callable[[str], Space]:
    """Begin a space of another embedder, beside the one that answers."""
    made.note(inbox, "Tulips want sun.")
    made.work_through_everything()

    def begin(embedder: str) -> Space:
        fake.embedder = embedder
        monkeypatch.setenv("EMBEDDER", embedder)
        config.load.cache_clear()
        provider.forget()
        fingerprints.forget()
        return spaces.build()

    return begin


def test_of_two_activations_at_once_the_later_one_counts(build, fake):
    chosen = [build("one"), build("two")]
    together = threading.Barrier(2)

    def activate(space: Space) -> None:
        together.wait()
        try:
            spaces.activate(space, force=True)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(activate, chosen))
    assert made.active_space() in chosen
    assert spaces.previous() in chosen
    assert Space.objects.filter(status=SpaceStatus.ACTIVE).count() == 1


def test_a_space_that_is_cancelled_while_items_are_read_goes_later(build, fake):
    building = build("one")
    with _reading_items():
        spaces.cancel(building)
    assert Space.objects.get(pk=building.pk).status == SpaceStatus.DROPPED
    spaces.sweep_dropped()
    assert not Space.objects.filter(pk=building.pk).exists()


@contextmanager
def _reading_items() -> Iterator[None]:
    """Somebody reads items in a long transaction, as a backup does."""
    begun, end = threading.Event(), threading.Event()

    def read() -> None:
        with transaction.atomic():
            Item.objects.count()
            begun.set()
            end.wait(30)
        connections.close_all()

    reader = threading.Thread(target=read)
    reader.start()
    begun.wait(30)
    try:
        yield
    finally:
        end.set()
        reader.join()

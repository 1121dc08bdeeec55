"""Tables of vectors are made and dropped beside uploads, and none of these is ended by it."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connections, transaction

from searchsite.indexing import spaces, tables, yielding
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference.errors import Overloaded
from searchsite.library.models import Channel, Item, Part, PartRole
from tests import made
from tests.served import fake

__all__ = ["fake"]
pytestmark = pytest.mark.django_db(transaction=True)


class Upload(threading.Thread):
    """Writes an item, and its part a moment later, in one transaction."""

    def __init__(self, note: Item, seconds: float = 1.5) -> None:
        super().__init__()
        self.note, self.seconds, self.begun, self.error = note, seconds, threading.Event(), ""

    def run(self) -> None:
        try:
            with transaction.atomic():
                Item.objects.filter(pk=self.note.pk).update(title="changed")
                self.begun.set()
                time.sleep(self.seconds)
                Part.objects.create(item=self.note, channel=Channel.TEXT, role=PartRole.CAPTION, text="late", ordinal=7)
        except Exception as error:  # noqa: BLE001  # shown by the test
            self.error = str(error)
        finally:
            connections.close_all()


@pytest.fixture
def note(fake) -> Item:
    alice = made.person("alice")
    return made.note(made.place(alice, made.team_of(alice)), "a note")


def beside(upload: Upload) -> Upload:
    upload.start()
    assert upload.begun.wait(10)
    return upload


def test_an_upload_goes_before_the_table_that_is_made(note):
    upload = beside(Upload(note))
    space = spaces.ensure_active()
    upload.join()
    assert upload.error == "" and note.parts.filter(text="late").exists()
    made.work_through_everything()
    assert len(tables.hashes(space.pk, [note.pk])) == 2


def test_a_table_in_use_is_dropped_another_time(note):
    space = spaces.ensure_active()
    Space.objects.filter(pk=space.pk).update(status=SpaceStatus.DROPPED)
    upload = beside(Upload(note))
    spaces.sweep_dropped()
    assert Space.objects.filter(pk=space.pk).exists()
    upload.join()
    spaces.sweep_dropped()
    assert upload.error == "" and not Space.objects.filter(pk=space.pk).exists()


def test_it_does_not_wait_for_ever(note, monkeypatch):
    monkeypatch.setattr(yielding, "MOST_ATTEMPTS", 2)
    upload = beside(Upload(note, 4))
    with pytest.raises(Overloaded) as caught:
        spaces.ensure_active()
    assert caught.value.shared
    upload.join()
    assert upload.error == "" and spaces.ensure_active()

"""Uploads that arrive in pieces."""

from __future__ import annotations

import fcntl
import io
import os
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from searchsite.config import Config
from searchsite.library import files, uploads
from searchsite.library.models import Item, Upload
from searchsite.library.refusals import Refusal
from searchsite.library.scope import scope_for
from tests.library import drawn
from tests.library.conftest import place


@pytest.fixture
def photo() -> bytes:
    return drawn.jpeg(7)


@pytest.fixture
def begun(alice, team, photo) -> Upload:
    return uploads.create("meadow.jpg", len(photo), into=place(alice, team))


class Broken(io.BytesIO):
    """A connection that ends in the middle of a piece."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Give what there is; then break."""
        data = super().read(size)
        if not data:
            raise ConnectionResetError
        return data


def test_pieces_become_an_item_like_any_other(begun, photo):
    uploads.append(begun, io.BytesIO(photo[:100]), at=0)
    uploads.append(begun, io.BytesIO(photo[100:]), at=100)
    added = uploads.finish(begun)
    assert added.created and added.item.title == "meadow" and not uploads.path_of(begun).exists()
    assert files.original_path(added.item.blob).read_bytes() == photo


def test_a_broken_connection_keeps_what_arrived(begun, photo):
    with pytest.raises(ConnectionResetError):
        uploads.append(begun, Broken(photo[:1000]), at=0)
    again = Upload.objects.get()
    uploads.resume(again)
    assert again.offset == begun.offset == 1000
    uploads.append(again, io.BytesIO(photo[1000:]), at=1000)
    assert files.original_path(uploads.finish(again).item.blob).read_bytes() == photo


def test_the_end_may_be_asked_for_again(begun, photo):
    uploads.append(begun, io.BytesIO(photo), at=0)
    first = uploads.finish(begun)
    second = uploads.finish(Upload.objects.get())
    assert first == second and Item.objects.count() == 1


def test_the_same_bytes_again_name_the_item_that_has_them(alice, team, begun, photo):
    uploads.append(begun, io.BytesIO(photo), at=0)
    first = uploads.finish(begun)
    twin = uploads.create("other.jpg", len(photo), into=place(alice, team))
    uploads.append(twin, io.BytesIO(photo), at=0)
    assert uploads.finish(twin) == uploads.finish(Upload.objects.get(pk=twin.pk))
    assert not uploads.finish(twin).created and uploads.finish(twin).item == first.item


def test_a_piece_in_the_wrong_place_is_refused(begun):
    with pytest.raises(Refusal, match="goes on at byte 0") as refusal:
        uploads.append(begun, io.BytesIO(b"x"), at=5)
    assert refusal.value.status == 409


def test_two_do_not_write_at_once(begun):
    with uploads.path_of(begun).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for what in (lambda: uploads.append(begun, io.BytesIO(b"x"), at=0), lambda: uploads.cancel(begun)):
            with pytest.raises(Refusal) as refusal:
                what()
            assert refusal.value.status == 423
    uploads.append(begun, io.BytesIO(b"x"), at=0)
    assert begun.offset == 1


def test_what_a_killed_server_wrote_last_is_sent_again(begun):
    uploads.append(begun, io.BytesIO(b"abc"), at=0)
    with uploads.path_of(begun).open("ab") as file:
        file.write(b"not durable")
    uploads.resume(begun)
    assert begun.offset == 3 and uploads.path_of(begun).read_bytes() == b"abc"


def test_a_disk_that_was_put_back_goes_on_from_what_it_holds(begun):
    uploads.append(begun, io.BytesIO(b"abcdef"), at=0)
    os.truncate(uploads.path_of(begun), 2)
    uploads.resume(begun)
    assert begun.offset == 2 == Upload.objects.get().offset


def test_a_lost_file_begins_anew(begun):
    uploads.path_of(begun).unlink()
    with pytest.raises(Refusal) as refusal:
        uploads.resume(begun)
    assert refusal.value.status == 410 and not Upload.objects.exists()


def test_nothing_is_written_beyond_the_end(begun, photo):
    uploads.append(begun, io.BytesIO(photo + b"more"), at=0)
    assert begun.offset == len(photo)


def test_of_a_refused_file_nothing_is_left(alice, team):
    bad = uploads.create("page.png", 6, into=place(alice, team))
    uploads.append(bad, io.BytesIO(b"<html>"), at=0)
    with pytest.raises(Refusal):
        uploads.finish(bad)
    assert not Upload.objects.exists() and not uploads.path_of(bad).exists()


def test_an_incomplete_file_is_not_taken(begun):
    with pytest.raises(Refusal) as refusal:
        uploads.finish(begun)
    assert refusal.value.status == 409 and Upload.objects.exists()


def test_rights_count_when_it_is_complete(begun, photo, team, alice):
    uploads.append(begun, io.BytesIO(photo), at=0)
    team.memberships.filter(user=alice).delete()
    with pytest.raises(Refusal) as refusal:
        uploads.finish(begun)
    assert refusal.value.status == 403 and not Item.objects.exists()


def test_too_large_and_too_many_are_refused_at_the_start(alice, team, settings, begun):
    with pytest.raises(Refusal) as refusal:
        uploads.create("a.jpg", settings.CONFIG.max_file_bytes + 1, into=place(alice, team))
    assert refusal.value.status == 413
    more = [uploads.create(f"{number}.jpg", 1, into=place(alice, team)) for number in range(uploads.OPEN_AT_ONCE - 1)]
    with pytest.raises(Refusal, match="100 unfinished") as refusal:
        uploads.create("a.jpg", 1, into=place(alice, team))
    assert refusal.value.status == 429
    uploads.cancel(more[0])
    uploads.create("a.jpg", 1, into=place(alice, team))


def test_what_does_not_fit_on_the_disk_is_refused_at_the_start(alice, team, settings):
    settings.CONFIG = Config(max_file_bytes=1 << 60)
    with pytest.raises(Refusal, match="disk is full") as refusal, transaction.atomic():
        uploads.create("a.jpg", 1 << 59, into=place(alice, team))
    assert refusal.value.status == 507 and not Upload.objects.exists()


@pytest.mark.parametrize(
    "name", ["../../etc/a.jpg", "x" * 5000 + ".jpg", "a\x00b.jpg", "", "\u202egpj.jpg", "C:\\a.jpg"]
)
def test_every_name_is_kept_as_something(alice, team, photo, name):
    upload = uploads.create(name, len(photo), into=place(alice, team))
    uploads.append(upload, io.BytesIO(photo), at=0)
    assert uploads.finish(upload).item.title and "/" not in upload.name and len(upload.name) <= 255


def test_only_its_owner_finds_an_upload(alice, bob, begun):
    assert uploads.find(begun.public_id, alice) == begun
    assert uploads.find(begun.public_id, bob) is None and uploads.find(uuid4(), alice) is None


def test_time_over_removes_it(alice, team, begun, media):
    other = media / "partial" / "0123"
    other.write_bytes(b"left behind")
    os.utime(other, (time.time() - 2 * files.STALE_AFTER,) * 2)
    os.utime(uploads.path_of(begun), (time.time() - 2 * files.STALE_AFTER,) * 2)
    assert uploads.purge_expired() == 0 and uploads.path_of(begun).exists() and not other.exists()
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert uploads.find(begun.public_id, alice) is None and not uploads.unfinished(scope_for(alice, team))
    assert uploads.purge_expired() == 1 and not uploads.path_of(begun).exists()


def test_what_somebody_writes_to_outlives_its_time(begun):
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with uploads.path_of(begun).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert uploads.purge_expired() == 0 and Upload.objects.exists() and uploads.path_of(begun).exists()
    assert uploads.purge_expired() == 1 and not Upload.objects.exists()


def test_what_lost_its_file_or_became_an_item_is_purged_too(alice, team, begun, photo):
    uploads.append(begun, io.BytesIO(photo), at=0)
    uploads.finish(begun)
    uploads.path_of(uploads.create("b.jpg", 9, into=place(alice, team))).unlink()
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert uploads.purge_expired() == 2 and not Upload.objects.exists() and Item.objects.count() == 1


def test_a_file_that_goes_while_they_are_counted_is_passed_over(begun, media):
    (media / "partial" / "gone").symlink_to("nowhere")
    assert uploads.purge_expired() == 0 and uploads.path_of(begun).exists()

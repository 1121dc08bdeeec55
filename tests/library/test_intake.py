"""The only way in."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now

from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.jobs.models import Job, Lane
from searchsite.library import collections, files, intake, sniffing, trash
from searchsite.library.models import Blob, Item, Part, Purpose
from searchsite.library.refusals import Refusal
from searchsite.library.scope import scope_for
from tests.library import drawn
from tests.library.conftest import place, stored, take


def test_a_picture_becomes_an_item_with_a_part_and_a_job(alice: User, team: Team) -> None:
    added = take(drawn.jpeg(), place(alice, team), "red car.jpg")
    job = Job.objects.get()
    assert (added.created, added.item.title, added.item.kind) == (True, "red car", "image")
    assert (job.kind, job.queue, job.subject, job.team_id) == ("decode", "decode", added.item.pk, team.pk)
    assert Part.objects.get(item=added.item).channel == "image"
    assert files.original_path(added.item.blob).read_bytes() == drawn.jpeg()


def test_without_a_collection_it_goes_to_the_inbox(alice: User, team: Team) -> None:
    assert take(drawn.jpeg(), place(alice, team)).item.collection.purpose == Purpose.INBOX


def test_a_text_is_cut_into_parts_that_wait_to_be_embedded(alice: User, team: Team) -> None:
    text = "\ufeffOne sentence. " + "Another sentence. " * 500
    item = take(text.encode(), place(alice, team), "story.md").item
    parts = Part.objects.filter(item=item)
    assert "".join(part.text for part in parts) == text[1:]
    assert [part.locator["start"] for part in parts] == [0, *[part.locator["end"] for part in parts][:-1]]
    assert Job.objects.get(subject=item.pk).kind == "embed"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "MPO"])
def test_the_type_comes_from_the_bytes(alice: User, team: Team, kind: str) -> None:
    item = take(drawn.encoded(drawn.photo(), kind), place(alice, team), "lies.png").item
    assert item.blob.media_type == {"MPO": "image/jpeg"}.get(kind, f"image/{kind.lower()}")


@pytest.mark.parametrize("name", sorted(drawn.HOSTILE))
def test_a_hostile_file_is_refused_and_leaves_nothing(alice: User, team: Team, name: str) -> None:
    into = place(alice, team)
    with pytest.raises(Refusal) as refused:
        take(drawn.HOSTILE[name], into, name)
    assert refused.value.status in (415, 422)
    assert str(refused.value).endswith(".")
    assert (Blob.objects.count(), Item.objects.count(), Job.objects.count(), stored()) == (0, 0, 0, [])


class Endless(io.RawIOBase):
    """A file without an end that counts what was read of it."""

    served = 0

    def read(self, size: int = -1) -> bytes:
        self.served += size
        return b"\xff" * size


def test_a_file_that_is_too_large_is_not_read_to_its_end(alice: User, team: Team, settings) -> None:
    endless = Endless()
    with pytest.raises(Refusal) as refused:
        intake.add_file(endless, "big.jpg", into=place(alice, team))
    assert refused.value.status == 413
    assert endless.served <= settings.CONFIG.max_file_bytes + 2 * files.CHUNK
    assert stored() == []


def test_a_text_that_is_too_large_is_refused(alice: User, team: Team, settings) -> None:
    limit = settings.CONFIG.max_text_bytes
    with pytest.raises(Refusal, match="larger than 2 MB"):
        take(b"x" * (limit + 1), place(alice, team), "big.txt")
    with pytest.raises(Refusal, match="larger than 2 MB"):
        intake.add_text("\u00e9" * (limit // 2 + 1), title=None, into=place(alice, team))
    assert stored() == []


def test_notes_are_never_merged(alice: User, team: Team) -> None:
    first = intake.add_text("Water the roses.\0", title=None, into=place(alice, team))
    second = intake.add_text("Water the roses.", title="Garden", into=place(alice, team))
    assert first.item.pk != second.item.pk
    assert (first.item.title, second.item.title) == ("Water the roses.", "Garden")
    assert Part.objects.get(item=first.item).text == "Water the roses."


def test_a_note_of_nothing_is_refused(alice: User, team: Team) -> None:
    with pytest.raises(Refusal, match="empty"):
        intake.add_text(" \0\n", title="x", into=place(alice, team))


def test_lone_surrogates_do_no_harm(alice: User, team: Team) -> None:
    item = intake.add_text("a\ud800b", title="t\udfff", into=place(alice, team)).item
    assert (Part.objects.get(item=item).text, item.title) == ("ab", "t")


def test_the_same_bytes_in_one_collection_are_one_item(alice: User, bob: User, team: Team) -> None:
    first = take(drawn.jpeg(), place(alice, team), "a.jpg")
    again = take(drawn.jpeg(), place(bob, team), "b.jpg")
    assert (again.item.pk, again.created) == (first.item.pk, False)
    assert Job.objects.count() == 1


def test_the_same_bytes_elsewhere_are_another_item(alice: User, charlie: User, team: Team, strangers: Team) -> None:
    diary = collections.create_collection(team, "Diary", maker=alice)
    added = [
        take(drawn.jpeg(), one) for one in (place(alice, team), place(alice, team, diary), place(charlie, strangers))
    ]
    assert [one.created for one in added] == [True, True, True]
    assert len({one.item.pk for one in added}) == 3
    assert (Blob.objects.count(), len(stored())) == (2, 1)


def test_bytes_whose_item_is_in_the_trash_come_in_anew(alice: User, team: Team) -> None:
    old = take(drawn.jpeg(), place(alice, team))
    trash.trash(old.item)
    assert take(drawn.jpeg(), place(alice, team)).created


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [False, True], ids=["new bytes", "bytes that lie elsewhere"])
def test_thirty_two_uploads_at_once_are_one_item(alice: User, team: Team, known: bool) -> None:
    into, barrier = place(alice, team), Barrier(32)
    if known:
        diary = collections.create_collection(team, "Diary", maker=alice)
        take(drawn.jpeg(), place(alice, team, diary))

    def upload(_: int) -> tuple[int, bool]:
        barrier.wait()
        try:
            added = take(drawn.jpeg(), into)
            return added.item.pk, added.created
        finally:
            connection.close()

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(upload, range(32)))
    assert len({pk for pk, _ in answers}) == 1
    assert [created for _, created in answers].count(True) == 1
    assert (Blob.objects.count(), Job.objects.count(), len(stored())) == (1, 1 + known, 1)


@pytest.mark.django_db(transaction=True)
def test_an_inbox_asked_for_by_many_at_once_is_made_once(alice: User, team: Team) -> None:
    def ask(_: int) -> int:
        try:
            return intake.inbox_of(team.pk).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1


def test_strangers_and_viewers_put_nothing_in(alice: User, charlie: User, team: Team) -> None:
    inbox = intake.inbox_of(team.pk)
    with pytest.raises(Refusal) as stranger:
        intake.place_for(scope_for(charlie, team), inbox.public_id, lane=Lane.NORMAL)
    Membership.objects.create(team=team, user=charlie, role=Role.VIEWER)
    with pytest.raises(Refusal) as viewer:
        intake.place_for(scope_for(charlie, team), inbox.public_id, lane=Lane.NORMAL)
    assert (stranger.value.status, viewer.value.status) == (404, 403)


def test_a_place_that_is_not_there_is_404(alice: User, team: Team) -> None:
    with pytest.raises(Refusal) as refused:
        intake.place_for(scope_for(alice, team), uuid4(), lane=Lane.NORMAL)
    assert refused.value.status == 404


def test_a_place_is_checked_again_when_it_is_used(alice: User, bob: User, team: Team) -> None:
    into = intake.Place(scope_for(bob, team), place(alice, team).collection, Lane.NORMAL)
    narrowed = intake.Place(scope_for(User.objects.create_user("dave"), team), into.collection, Lane.NORMAL)
    with pytest.raises(Refusal):
        take(drawn.jpeg(), narrowed)
    assert stored() == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x", "https://x/" + "y" * 3000])
def test_a_source_is_a_web_address(alice: User, team: Team, url: str) -> None:
    into = intake.place_for(scope_for(alice, team), None, lane=Lane.NORMAL, source_url=url)
    with pytest.raises(Refusal, match="web address"):
        take(drawn.jpeg(), into)
    assert (Item.objects.count(), Blob.objects.count()) == (0, 0)


FULL_DISK = """
import io, resource, signal, sys
import django; django.setup()
from django.conf import settings
from searchsite.library import files
from searchsite.library.refusals import Refusal
settings.MEDIA_ROOT = sys.argv[1]
try:
    with files.received(io.BytesIO(bytes(3 << 20)), limit=1 << 30) as new:
        files.place(new)
except Refusal as refusal:
    print(refusal.status)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_refuses_and_keeps_nothing(tmp_path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=2m none "$1" && "$0" - "$1"; find "$1" -type f'
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, sys.executable, str(disk)],
        input=FULL_DISK,
        capture_output=True,
        text=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "searchsite.settings"},
    )
    if "unshare failed" in ran.stderr or "permission denied" in ran.stderr.lower():
        pytest.skip("this machine allows no mount of its own")
    assert ran.stdout.split() == ["507"], ran.stderr


def test_a_frame_count_that_is_modest_comes_in(alice: User, team: Team) -> None:
    frames = [drawn.photo(seed=number) for number in range(5)]
    data = drawn.encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert take(data, place(alice, team), "moving.gif").created
    assert sniffing.MAX_FRAMES > 5


def test_a_crashed_upload_is_swept(alice: User, team: Team) -> None:
    take(drawn.jpeg(), place(alice, team))
    left = files.media_root() / "incoming" / "tmp-left"
    left.write_bytes(b"half")
    assert files.sweep_incoming() == 0
    os.utime(left, (0, 0))
    assert files.sweep_incoming() == 1
    assert len(stored()) == 1


def test_the_twenty_first_thing_in_a_minute_lets_a_colleague_pass(team, alice, bob):
    def put(user, number, lane=Lane.WAITING):
        into = intake.place_for(scope_for(user, team), None, lane=lane)
        added = intake.add_text(f"note {number}", title=None, into=into)
        return Job.objects.get(subject=added.item.pk).lane

    assert [put(alice, number, Lane.BULK) for number in range(22)] == [Lane.BULK] * 22
    assert [put(alice, number) for number in range(22)] == [Lane.WAITING] * 20 + [Lane.NORMAL] * 2
    assert put(bob, 0) == Lane.WAITING
    Item.objects.update(created_at=Now() - timedelta(minutes=2))
    assert put(alice, 23) == Lane.WAITING

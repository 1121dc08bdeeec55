"""What has gone silently is found and made again; what is there is left alone."""

from __future__ import annotations

import io

import pytest

from searchsite.indexing import missing, plan, stages, tables
from searchsite.jobs import care
from searchsite.jobs.models import Job, Lane
from searchsite.library import files, intake, trash
from searchsite.library.models import Blob, Item, PartRole
from tests import captioned, made
from tests.captioned import captioner
from tests.served import fake

__all__ = ["captioner", "fake"]
pytestmark = pytest.mark.django_db


def counts(kind: str) -> tuple[int, int, int, int]:
    found = missing.look(kind)
    return found.missing, found.on_the_way, found.failed, found.lost


def blob_of(item: Item) -> Blob:
    assert item.blob is not None
    return item.blob


def forget_vectors(item: Item) -> None:
    with tables.cursor() as opened:
        space = made.active_space()
        opened.execute(tables.query("DELETE FROM {table} WHERE item_id = %s", space.pk), [item.pk])


def vectors(item: Item) -> int:
    return len(tables.hashes(made.active_space().pk, [item.pk]))


@pytest.fixture
def library(inbox, fake) -> tuple[Item, Item, Item]:
    """A note and two pictures, all done."""
    items = made.note(inbox, "Tulips want sun."), made.picture(inbox, "red"), made.picture(inbox, "blue")
    made.work_through_everything()
    return items


def test_nothing_is_missing_in_a_library_that_is_done(library):
    assert [counts(kind) for kind in plan.BATCH] == [(0, 0, 0, 0)] * 4
    assert [missing.enqueue_missing(kind) for kind in plan.BATCH] == [0] * 4


def test_a_vector_that_is_gone_is_made_again(library):
    note, picture, _ = library
    forget_vectors(note)
    forget_vectors(picture)
    assert counts("embed") == (2, 0, 0, 0)
    assert missing.enqueue_missing("embed") == 2
    assert counts("embed") == (0, 2, 0, 0)
    assert missing.enqueue_missing("embed") == 0
    made.work_through_everything()
    assert (vectors(note), vectors(picture), counts("embed")) == (1, 3, (0, 0, 0, 0))


def test_it_waits_behind_people(library):
    forget_vectors(library[0])
    missing.enqueue_missing("embed")
    assert Job.objects.get(state="ready").lane == Lane.BULK


def test_a_file_that_is_gone_is_made_again_and_nothing_else(library):
    picture = library[1]
    files.view_path(blob_of(picture)).unlink()
    before = Job.objects.filter(kind="read").count()
    assert counts("decode") == (1, 0, 0, 0)
    assert missing.enqueue_missing("decode") == 1
    made.work_through_everything()
    assert files.view_path(blob_of(picture)).exists()
    assert (counts("decode"), Job.objects.filter(kind="read").count()) == ((0, 0, 0, 0), before)


def test_each_size_of_a_large_picture_is_looked_for(inbox, fake):
    large = intake.add_file(io.BytesIO(made.drawn("red", size=(900, 600))), "large.jpg", into=inbox).item
    made.work_through_everything()
    assert counts("decode") == (0, 0, 0, 0)
    files.derivative_path(blob_of(large), files.VIEW).unlink()
    assert counts("decode") == (1, 0, 0, 0)


def test_a_picture_whose_own_file_is_gone_is_lost_and_not_asked_for(library):
    blob = blob_of(library[1])
    files.original_path(blob).unlink()
    assert counts("decode") == (0, 0, 0, 0)  # all that pages show is still there
    files.view_path(blob).unlink()
    assert counts("decode") == (0, 0, 0, 1)
    assert missing.enqueue_missing("decode") == 0


def test_work_whose_job_is_gone_is_found_at_each_stage(inbox, fake):
    picture = made.picture(inbox)
    made.work_through_everything()
    picture.parts.filter(role=PartRole.OCR).delete()
    Job.objects.filter(subject=picture.pk).delete()
    assert counts("read") == (1, 0, 0, 0)
    assert missing.enqueue_missing("read") == 1
    made.work_through_everything()
    assert counts("read") == (0, 0, 0, 0)


def test_an_upload_whose_job_is_gone_is_decoded(inbox, fake):
    made.picture(inbox)
    Job.objects.all().delete()
    assert counts("decode") == (1, 0, 0, 0)
    assert missing.enqueue_missing("decode") == 1
    made.work_through_everything()
    assert [counts(kind) for kind in plan.BATCH] == [(0, 0, 0, 0)] * 4


def test_a_failure_is_told_apart_until_its_job_is_gone(inbox, fake):
    bad = made.note(inbox, "this is poison")
    made.work_through_everything()
    assert counts("embed") == (0, 0, 1, 0)
    assert missing.enqueue_missing("embed") == 0
    Job.objects.filter(subject=bad.pk).delete()
    assert counts("embed") == (1, 0, 0, 0)


def test_what_was_cancelled_is_missing_and_shows_it(inbox, fake):
    item = made.note(inbox, "Tulips want sun.")
    care.cancel_waiting("embed")
    assert stages.status_of([item])[item.pk].stages["embed"].state == "cancelled"
    assert counts("embed") == (1, 0, 0, 0)
    missing.enqueue_missing("embed")
    made.work_through_everything()
    assert stages.status_of([item])[item.pk].status == "ready"


def test_one_team_is_looked_at_alone(library, team):
    forget_vectors(library[0])
    assert missing.look("embed", team_id=team.pk).missing == 1
    assert missing.look("embed", team_id=team.pk + 1).missing == 0


def test_the_trash_lacks_nothing(library):
    forget_vectors(library[0])
    trash.trash(library[0])
    assert counts("embed") == (0, 0, 0, 0)


def test_captions_that_are_gone_are_counted_with_their_price(inbox, captioner):
    captioned.says(captioner)
    picture = made.picture(inbox)
    made.work_through_everything()
    assert counts("caption") == (0, 0, 0, 0)
    picture.parts.filter(role=PartRole.CAPTION).delete()
    found = missing.look("caption")
    assert (found.missing, found.cost[:8]) == (1, "about $0")
    assert missing.enqueue_missing("caption") == 1
    made.work_through_everything()
    assert picture.parts.filter(role=PartRole.CAPTION).count() == 1


def test_a_file_that_is_made_again_costs_no_second_caption(inbox, captioner):
    captioned.says(captioner)
    picture = made.picture(inbox)
    made.work_through_everything()
    files.view_path(blob_of(picture)).unlink()
    missing.enqueue_missing("decode")
    made.work_through_everything()
    assert len(captioned.questions(captioner)) == 1


def test_no_captions_are_missing_where_nobody_captions(library):
    found = missing.look("caption")
    assert (found.configured, found.missing) == (False, 0)

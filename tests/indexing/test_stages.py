"""Items go through their stages, whatever happens on the way."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection

from searchsite import config
from searchsite.indexing import plan, spaces, stages, tables, upkeep, worker
from searchsite.indexing.models import Space
from searchsite.inference import client
from searchsite.jobs import care, queue
from searchsite.jobs.models import Job, Lane
from searchsite.jobs.queue import MAX_DEATHS
from searchsite.library import files
from searchsite.library.decoder import client as decoder
from searchsite.library.models import Channel, Collection, Item, Part, PartRole
from tests import made
from tests.library.test_walls import changed

KILLED = """
import os
from searchsite.library.decoder import child
child.run = lambda *_, **__: os.kill(os.getpid(), 9)
"""
__all__ = ["changed"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_pauses():
    for pause in worker._pauses.values():
        pause.until = pause.length = 0.0


def vectors(item: Item) -> int:
    space = spaces.active()
    return len(tables.hashes(space.pk, [item.pk])) if space else 0


def make_due() -> None:
    """Let the time pass that jobs wait for."""
    for pause in worker._pauses.values():
        pause.until = 0.0
    Job.objects.filter(state="ready").update(run_at="2020-01-01T00:00:00Z")


def test_a_note_is_embedded(inbox, fake):
    item = made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    progress = stages.status_of([item])[item.pk]
    assert progress.status == "ready"
    assert progress.stages["embed"].state == "done"
    assert progress.stages["decode"].state == "not_needed"
    assert vectors(item) == 1


def test_a_picture_passes_all_stages(inbox, fake):
    item = made.picture(inbox)
    assert stages.status_of([item])[item.pk].status == "processing"
    made.work_through_everything()
    progress = stages.status_of([item])[item.pk]
    assert progress.status == "ready", progress
    states = {kind: view.state for kind, view in progress.stages.items()}
    assert states == {"decode": "done", "read": "done", "caption": "not_configured", "embed": "done"}
    assert vectors(item) == 3  # the picture, its text, its tags
    assert [tag.tag.name for tag in item.item_tags.all()] == ["tabby cat"]


def test_text_in_a_picture_knows_where_it_stands(inbox, fake):
    item = made.picture(inbox)
    made.work_through_everything()
    assert stages.status_of([item])[item.pk].status == "ready", stages.status_of([item])
    ocr = item.parts.get(role=PartRole.OCR)
    assert ocr.text == "hello world"
    assert ocr.locator["words"][0] == ["hello", 0.1, 0.1, 0.5, 0.2]


def test_doing_it_again_changes_nothing(inbox, fake):
    item = made.picture(inbox)
    made.work_through_everything()
    before = set(item.parts.values_list("pk", flat=True))
    stages.reprocess(item)
    made.work_through_everything()
    assert set(item.parts.values_list("pk", flat=True)) == before
    assert stages.status_of([item])[item.pk].status == "ready"


def test_unchanged_parts_are_not_embedded_twice(inbox, fake):
    item = made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    asked = fake.inputs
    queue.enqueue([plan.job(plan.EMBED, item)])
    made.work_through_everything()
    assert fake.inputs == asked


def test_one_bad_text_fails_alone(inbox, fake):
    good = [made.note(inbox, f"note number {n}") for n in range(9)]
    bad = made.note(inbox, "this is poison")
    made.work_through_everything()
    assert all(vectors(item) == 1 for item in good)
    progress = stages.status_of([bad])[bad.pk]
    assert progress.status == "failed"
    assert "bad input" in progress.stages["embed"].error


def test_a_good_passage_is_kept_beside_a_bad_one(inbox, fake):
    item = made.note(inbox, "fine words. " * 160 + "\n\n" + "poison " * 50)
    made.work_through_everything()
    assert item.parts.count() > vectors(item) >= 1
    assert stages.status_of([item])[item.pk].status == "failed"


def test_an_outage_costs_no_attempts(inbox, fake):
    item = made.note(inbox, "Tulips want sun.")
    fake.fault = "503"
    for _ in range(5):
        made.work_through_everything()
        make_due()
    job = Job.objects.get(subject=item.pk)
    assert (job.state, job.attempts) == ("ready", 0)
    fake.fault = None
    made.work_through_everything()
    assert vectors(item) == 1


@pytest.mark.django_db(transaction=True)
def test_an_outage_is_not_hammered(inbox, fake):
    for n in range(100):
        made.note(inbox, f"note {n}")
    made.work_through_everything()  # learns what the server is
    for n in range(100):
        made.note(inbox, f"another {n}")
    fake.fault = "503"
    asked = fake.calls
    for _ in range(10):
        worker.work(plan.EMBED)
    assert fake.calls - asked <= config.load().embeds_at_once + 1


def test_an_input_that_is_always_too_slow_fails_alone(inbox, fake, monkeypatch):
    monkeypatch.setitem(client.SECONDS, "document", 0.5)
    good = [made.note(inbox, f"note number {n}") for n in range(3)]
    bad = made.note(inbox, "an endless text")
    fake.slow_marker, fake.slow_seconds = "endless", 1.0
    for _ in range(4):
        made.work_through_everything()
        make_due()
    assert all(vectors(item) == 1 for item in good)
    job = Job.objects.get(subject=bad.pk)
    assert (job.state, job.attempts) == ("dead", 3)
    assert "too long" in job.last_error


def test_a_picture_that_takes_too_long_to_read_fails(inbox, fake, monkeypatch):
    monkeypatch.setattr(client, "READ_SECONDS", 0.5)
    item = made.picture(inbox)
    fake.slow_marker, fake.slow_seconds = '"pictures"', 1.0
    for _ in range(4):
        made.work_through_everything()
        make_due()
    assert stages.status_of([item])[item.pk].stages["read"].state == "failed"


@pytest.mark.parametrize("fault", ["closed", "hang"])
def test_a_server_that_dies_or_hangs_over_a_batch_costs_no_attempts(inbox, fake, fault, monkeypatch):
    made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    monkeypatch.setitem(client.SECONDS, "document", 0.5)
    monkeypatch.setitem(client.SECONDS, "query", 0.5)
    for n in range(3):
        made.note(inbox, f"note {n}")
    fake.fault = fault
    for _ in range(4):
        worker.work(plan.EMBED)
        make_due()
    assert set(Job.objects.exclude(state="done").values_list("state", "attempts")) == {("ready", 0)}


def test_nonsense_from_the_server_is_never_stored(inbox, fake):
    item = made.note(inbox, "Tulips want sun.")
    spaces.ensure_active()
    fake.fault = "nan"
    for _ in range(4):
        made.work_through_everything()
        make_due()
    assert vectors(item) == 0
    assert stages.status_of([item])[item.pk].status == "processing"
    fake.fault = None
    made.work_through_everything()
    assert (stages.status_of([item])[item.pk].status, vectors(item)) == ("ready", 1)


def test_a_failed_stage_can_be_tried_again(inbox, fake):
    item = made.note(inbox, "this is poison")
    made.work_through_everything()
    fake.bad_marker = "nothing"
    assert stages.retry(item, "embed") == 1
    made.work_through_everything()
    assert stages.status_of([item])[item.pk].status == "ready"


def test_a_cancelled_picture_is_failed_and_left_alone_until_somebody_tries_again(inbox, fake):
    made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    item = made.picture(inbox)
    assert care.cancel(Job.objects.filter(subject=item.pk).values_list("id", flat=True)) == 1
    upkeep.tidy()
    made.work_through_everything()
    progress = stages.status_of([item])[item.pk]
    assert (progress.status, progress.stages["decode"].state) == ("failed", "cancelled")
    assert list(stages.having(Item.objects.all(), "failed")) == [item]
    assert item not in stages.having(Item.objects.all(), "ready")
    stages.retry(item)
    made.work_through_everything()
    assert stages.status_of([item])[item.pk].status == "ready"


def test_a_picture_is_not_embedded_before_it_is_decoded(inbox, fake):
    picture, text = made.picture(inbox), made.note(inbox, "Tulips want sun.")
    Job.objects.all().delete()
    assert upkeep.overlooked(spaces.ensure_active()) == [text]
    Item.objects.filter(pk=picture.pk).update(width=160, height=120)
    assert set(upkeep.overlooked(spaces.ensure_active())) == {picture, text}


@pytest.mark.parametrize(
    ("code", "deaths"),
    [
        ("resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))", 0),
        (KILLED, MAX_DEATHS - 1),
    ],
    ids=["no room for a process", "killed by the system"],
)
def test_a_picture_is_not_blamed_for_a_machine_without_memory(inbox, fake, changed, code, deaths):
    changed(code)
    item = made.picture(inbox)
    for _ in range(MAX_DEATHS - 1):
        make_due()
        worker.work(plan.DECODE)
    job = Job.objects.get(subject=item.pk, kind=plan.DECODE)
    assert (job.state, job.deaths) == ("ready", deaths) and job.last_error.startswith("The decoder")
    decoder.close()
    make_due()
    made.work_through_everything()
    assert stages.status_of([item])[item.pk].status == "ready"


def test_a_picture_whose_decoder_is_killed_every_time_ends_and_is_tried_alone(inbox, fake, changed):
    changed(KILLED)
    item = made.picture(inbox)
    for number in range(1, MAX_DEATHS + 1):
        make_due()
        assert worker.work(plan.DECODE) == 1
        job = Job.objects.get(subject=item.pk, kind=plan.DECODE)
        assert (job.deaths, job.attempts) == (number, number)
        assert job.state == ("dead" if number == MAX_DEATHS else "ready")
    assert stages.status_of([item])[item.pk].status == "failed"


def test_an_item_deleted_meanwhile_is_not_resurrected(inbox, fake):
    item = made.note(inbox, "Tulips want sun.")
    claims = queue.claim("embed", limit=1)
    Item.objects.filter(pk=item.pk).delete()
    worker.STAGES["embed"](claims)
    assert Job.objects.get(pk=claims[0].id).state == "done"
    assert not Item.objects.filter(pk=item.pk).exists()


def test_a_late_result_is_dropped_and_its_neighbours_kept(inbox, fake):
    items = [made.note(inbox, f"note {n}") for n in range(3)]
    claims = queue.claim("embed", limit=3)
    Job.objects.filter(subject=items[1].pk).update(token=99)
    worker.STAGES["embed"](claims)
    assert [vectors(item) for item in items] == [1, 0, 1]


def test_parts_written_while_embedding_are_not_overlooked(inbox, fake):
    item = made.note(inbox, "Tulips want sun.")
    claims = queue.claim("embed", limit=1)
    Part.objects.create(item=item, channel=Channel.TEXT, role=PartRole.CAPTION, text="a late caption")
    queue.enqueue([plan.job(plan.EMBED, item)])  # refused: one is running
    worker.STAGES["embed"](claims)
    made.work_through_everything()
    assert vectors(item) == 2


def test_a_changed_text_is_embedded_anew(inbox, fake):
    item = made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    before = tables.hashes(made.active_space().pk, [item.pk])
    item.parts.update(text="Tulips want rain.")
    queue.enqueue([plan.job(plan.EMBED, item)])
    made.work_through_everything()
    assert tables.hashes(made.active_space().pk, [item.pk]) != before


def test_an_undecodable_picture_fails_with_a_sentence(inbox, fake):
    item = made.picture(inbox, words="of its own")  # No other test may meet the broken file.
    assert item.blob is not None
    files.original_path(item.blob).write_bytes(b"\xff\xd8\xff" + b"nonsense" * 100)
    made.work_through_everything()
    view = stages.status_of([item])[item.pk].stages["decode"]
    assert view.state == "failed"
    assert view.error.endswith(".")


def test_moving_an_item_moves_its_vectors(inbox, alice, team, fake):
    item = made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    other = Collection.objects.create(team=team, name="Other")
    Item.objects.filter(pk=item.pk).update(collection=other)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT collection_id FROM {tables.name(made.active_space().pk)} WHERE item_id = %s", [item.pk])
        assert cursor.fetchall() == [(other.pk,)]


def test_what_was_overlooked_is_found_by_tidying(inbox, fake):
    item = made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {tables.name(made.active_space().pk)}")
    upkeep.tidy()
    made.work_through_everything()
    assert vectors(item) == 1


def test_another_embedder_writes_nothing_into_this_space(inbox, fake):
    made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    space = made.active_space()
    space.revision = "older"
    space.save()
    late = made.note(inbox, "Roses want rain.")
    made.work_through_everything()
    assert vectors(late) == 0
    assert "build a new space" in Job.objects.get(subject=late.pk).last_error
    spaces.activate(spaces.build(), force=True)
    make_due()
    made.work_through_everything()
    assert vectors(late) == 1


def test_a_late_decoding_is_dropped_and_its_neighbours_kept(inbox, fake):
    items = [made.picture(inbox, colour) for colour in ("red", "green", "blue")]
    claims = queue.claim("decode", limit=3)
    Job.objects.filter(subject=items[1].pk).update(token=99)
    worker.STAGES["decode"](claims)
    assert [Item.objects.get(pk=item.pk).width for item in items] == [160, None, 160]
    assert Job.objects.filter(kind="embed").count() == 2


def test_a_missing_file_costs_its_neighbours_nothing(inbox, fake):
    items = [made.picture(inbox, colour) for colour in ("red", "green", "blue")]
    files.original_path(items[0].blob).unlink()
    worker.STAGES["decode"](queue.claim("decode", limit=3))
    states = [stages.status_of([item])[item.pk].stages["decode"].state for item in items]
    assert states == ["failed", "done", "done"]


@pytest.mark.django_db(transaction=True)  # What failed is tried apart, in a thread with a connection of its own.
def test_what_the_database_refuses_is_the_fault_of_one_job(inbox, fake):
    good, bad = made.note(inbox, "Tulips want sun."), made.note(inbox, "Roses want rain.")
    part = bad.parts.get()
    with connection.cursor() as cursor:
        table = tables.name(spaces.ensure_active().pk)
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT picky CHECK (part_id <> {part.pk})")
    for _ in range(4):
        made.work_through_everything()
        make_due()
    assert vectors(good) == 1
    job = Job.objects.get(subject=bad.pk)
    assert (job.state, job.attempts) == ("dead", 3)
    assert "refused" in job.last_error


@pytest.fixture
def small_disk(tmp_path: Path, settings) -> Iterator[Path]:
    """A file system of one megabyte for the files; only root can make one."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system can't be mounted here")
    try:
        settings.MEDIA_ROOT = tmp_path
        settings.CONFIG = settings.CONFIG.model_copy(update={"min_free_bytes": 0})
        yield tmp_path
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_costs_no_attempts(inbox, fake, small_disk):
    items = [made.picture(inbox, colour) for colour in ("red", "green", "blue")]
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as out:
        while True:
            out.write(bytes(4096))
    for _ in range(4):
        worker.work(plan.DECODE)
        make_due()
    jobs = Job.objects.values_list("state", "attempts", "last_error")
    assert set(jobs) == {("ready", 0, "The disk is full; nothing was stored.")}
    filler.unlink()
    made.work_through_everything()
    assert {stages.status_of([item])[item.pk].status for item in items} == {"ready"}


def test_retired_vectors_go_after_some_days(inbox, fake):
    made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    old = made.active_space()
    Space.objects.update(revision="older")
    space = spaces.activate(spaces.build(), force=True)
    upkeep.tidy()
    assert Space.objects.filter(pk=old.pk).exists()
    Space.objects.filter(pk=old.pk).update(retired_at="2020-01-01T00:00:00Z")
    upkeep.tidy()
    assert list(Space.objects.all()) == [space]
    assert tables.name(old.pk) not in connection.introspection.table_names()


def test_people_are_told_why_an_item_waits_in_plain_words(inbox, fake):
    spaces.ensure_active()
    item = made.note(inbox, "Tulips want sun.")
    fake.fault = "402"
    for _ in range(3):
        worker.work(plan.EMBED)
        stage = stages.status_of([item])[item.pk].stages["embed"]
        assert stage == stages.StageView("waiting", "The provider refuses the key, or it is not paid for.")
        worker._pauses.clear()
        make_due()


def test_embedding_in_bulk_gives_way_to_a_picture_that_a_person_waits_for(inbox, fake):
    for number in range(250):
        made.note(replace(inbox, lane=Lane.BULK), f"note {number}")
    made.picture(replace(inbox, lane=Lane.WAITING))
    assert 0 < worker.work(plan.EMBED) < 250
    made.work_through_everything()
    assert not Job.objects.exclude(state="done").exists()

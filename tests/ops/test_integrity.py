"""`manage.py doctor --integrity`: what is planted is reported, each once, and repaired as far as that can be."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from searchsite.indexing import tables
from searchsite.jobs.models import Job, State
from searchsite.library import files, intake
from searchsite.library.models import Blob, Item
from tests import figures, made
from tests.people import alice, inbox, team
from tests.served import fake

__all__ = ["alice", "fake", "inbox", "team"]
pytestmark = pytest.mark.django_db
CLEAN: dict[str, Any] = {"clean": True, "found": []}


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


def doctor(*words: str) -> dict[str, Any]:
    """What it says, and whether its exit status says the same."""
    out, status = io.StringIO(), 0
    try:
        call_command("doctor", "--integrity", "--json", *words, stdout=out)
    except SystemExit as ended:
        status = int(str(ended.code))
    said: dict[str, Any] = json.loads(out.getvalue())
    assert status == (0 if said["clean"] else 1)
    return said


def counts(said: dict[str, Any]) -> dict[str, int]:
    return {line["kind"]: len(line["subjects"]) for line in said["found"]}


def repaired(said: dict[str, Any]) -> dict[str, int]:
    return {line["kind"]: line["repaired"] for line in said["found"]}


def original(item: Item) -> Path:
    assert item.blob is not None
    return files.original_path(item.blob)


def pictures(place: intake.Place, number: int) -> list[Item]:
    found = []
    for one in range(number):
        data = made.drawn("navy", f"picture {one}")
        found.append(intake.add_file(io.BytesIO(data), f"{one}.jpg", into=place).item)
    return found


def left(name: str, folder: str, *, fresh: bool = False) -> None:
    """A file that a crash left, an hour ago or just now."""
    path = files.media_root() / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left")
    if not fresh:
        os.utime(path, (0, 0))


def plant_orphans() -> None:
    for number in range(3):
        left(f"abcd{number:060x}", "ab/cd")
    left(".new-x7f", "ab/cd")
    left("tmp1234", "incoming")


def plant_strays(number: int) -> None:
    """Vectors of items that there are not: copies of one that there is, past the keys that forbid them."""
    space = made.active_space()
    row = "item_id + 1000000 + n, part_id + 1000000 + n, team_id, collection_id, kind, channel, created_by, created_at"
    copy = f"SELECT {row}, vector, code, code_version, input_hash FROM (SELECT * FROM {tables.name(space.pk)} LIMIT 1)"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"INSERT INTO {tables.name(space.pk)} {copy}, generate_series(1, {number}) AS n")
        cursor.execute("SET LOCAL session_replication_role = origin")


def forget_vectors(items: list[Item]) -> None:
    with tables.cursor() as opened:
        query = tables.query("DELETE FROM {table} WHERE item_id = ANY(%s)", made.active_space().pk)
        opened.execute(query, [[item.pk for item in items]])


@pytest.fixture
def planted(inbox, fake, tmp_path) -> Iterator[Path]:
    """A library with five faults of each of five kinds; the path of a backup from before."""
    notes = [made.note(inbox, f"Tulips want sun {number}.") for number in range(6)]
    shown = pictures(inbox, 11)
    made.work_through_everything()
    assert doctor() == CLEAN
    shutil.copytree(files.media_root(), tmp_path / "backup" / "media")
    plant_orphans()
    for item in shown[:2]:
        original(item).unlink()
    for item in shown[2:5]:
        files.view_path(Blob.objects.get(pk=item.blob_id)).unlink()
    for item in shown[5:8]:
        original(item).write_bytes(bytes(reversed(original(item).read_bytes())))
    original(shown[8]).write_bytes(original(shown[8]).read_bytes()[:-1])
    cut = files.view_path(Blob.objects.get(pk=shown[9].blob_id))
    cut.write_bytes(cut.read_bytes()[:-1])
    plant_strays(5)
    forget_vectors(notes[:5])
    yield tmp_path / "backup"


EACH = {
    "orphan files": 5,
    "missing originals": 2,
    "missing pictures": 3,
    "damaged originals": 4,
    "damaged pictures": 1,
    "items without vectors": 5,
    "vectors without items": 5,
}


def test_it_reports_each_of_25_planted_faults_and_repairs_what_can_be_made_again(planted):
    said = doctor()
    assert counts(said) == EACH
    assert counts(doctor()) == EACH  # looking changes nothing
    mended = doctor("--repair")
    kept = {"missing originals": 0, "damaged originals": 0}
    assert repaired(mended) == {kind: kept.get(kind, number) for kind, number in EACH.items()}
    # What was people's own cannot be made again: it is said each time, and no item is gone.
    assert counts(doctor()) == {"missing originals": 2, "damaged originals": 4}
    assert Item.objects.count() == 17
    figures.keep(8, "integrity", planted=25, reported=sum(counts(said).values()))


def test_with_a_backup_all_is_repaired_and_doing_it_again_does_no_harm(planted):
    said = doctor("--repair", "--from", str(planted))
    assert repaired(said) == EACH and said["clean"]
    assert doctor() == CLEAN
    assert doctor("--repair", "--from", str(planted)) == CLEAN
    made.work_through_everything()
    assert doctor() == CLEAN
    assert not Job.objects.filter(state__in=[State.DEAD, State.READY]).exists()


def test_a_quick_look_reads_no_file(planted):
    assert counts(doctor("--quick")) == EACH | {"damaged originals": 1}


def test_what_comes_in_just_now_is_no_fault(inbox, fake):
    left("abcd" + "0" * 60, "ab/cd", fresh=True)
    left("tmp1234", "incoming", fresh=True)
    made.picture(inbox)
    made.note(inbox, "Nobody has read this yet.")
    assert doctor() == CLEAN


def test_the_files_of_another_database_are_reported_and_stay(inbox, fake):
    for number in range(30):
        left(f"abcd{number:060x}", "ab/cd")
    said = doctor("--repair")
    assert (counts(said), repaired(said)) == ({"orphan files": 30}, {"orphan files": 0})


def test_a_copy_that_is_not_the_same_is_not_put_back(planted, inbox):
    for path in (planted / "media").rglob("*"):
        if path.is_file():
            path.write_bytes(b"something else")
    said = doctor("--repair", "--from", str(planted))
    assert repaired(said)["missing originals"] == repaired(said)["damaged originals"] == 0


def test_a_job_that_nobody_can_take_over_is_handed_out_again(inbox, fake):
    made.note(inbox, "Tulips want sun.")
    Job.objects.update(state=State.RUNNING, lease_until=None)
    assert counts(doctor()) == {"stuck jobs": 1}
    assert repaired(doctor("--repair")) == {"stuck jobs": 1}
    made.work_through_everything()
    assert doctor() == CLEAN


def test_people_are_told_what_to_do(planted, capsys):
    with pytest.raises(SystemExit):
        call_command("doctor", "--integrity", "--repair")
    said = capsys.readouterr().out
    assert "missing originals: 2 files that people put in and that are gone" in said
    assert "put it back with --repair --from BACKUP" in said
    assert "25 found, 19 repaired." in said

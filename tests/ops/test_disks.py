"""Full disks: a clear refusal, nothing half stored, nothing buried, and all goes on once there is room."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from searchsite.accounts.models import User
from searchsite.accounts.tokens import create_token
from searchsite.indexing import board, stages, tables, worker
from searchsite.jobs.models import Job
from searchsite.library import files
from searchsite.library.models import Blob, Item, Upload
from tests import disks, figures, made
from tests.people import alice, inbox, team
from tests.served import fake

__all__ = ["alice", "fake", "inbox", "team"]
pytestmark = pytest.mark.django_db
ITEMS, TUS = "/api/v1/items", {"Tus-Resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"
UPLOADS = 20


@pytest.fixture
def browser(alice, team) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.fixture
def api(alice, team) -> Client:
    _, secret = create_token(alice, team, name="test", scopes=frozenset({"read", "write"}))
    return Client(headers={"authorization": f"Bearer {secret}"})


@pytest.fixture
def disk(tmp_path: Path, settings) -> Iterator[Path]:
    """Two megabytes for the files."""
    with disks.small_disk(tmp_path / "media", 2) as path:
        settings.MEDIA_ROOT = path
        yield path


def sent(number: int) -> SimpleUploadedFile:
    return SimpleUploadedFile(f"{number}.png", disks.noise(number), "image/png")


def begin(browser: Client, size: int):
    name = base64.b64encode(b"film.png").decode()
    headers = TUS | {"Upload-Length": str(size), "Upload-Metadata": f"filename {name}"}
    return browser.post("/upload/tus", content_type="text/plain", headers=headers)


def on(disk: Path) -> list[Path]:
    return [path for path in disk.rglob("*") if path.is_file()]


def test_twenty_uploads_to_a_disk_of_two_megabytes(disk, api, browser):
    statuses = [api.post(ITEMS, {"file": sent(number)}).status_code for number in range(UPLOADS)]
    stored = statuses.count(201)
    assert 4 <= stored <= 6 and statuses == [201] * stored + [507] * (UPLOADS - stored)
    assert len(on(disk)) == stored == Blob.objects.count() == Item.objects.count()
    for blob in Blob.objects.all():
        assert files.sha256_of(files.original_path(blob)) == blob.sha256
    figures.keep(6, "disk", uploads=UPLOADS, stored=stored, refused=UPLOADS - stored, partial=0, rows_without_file=0)


def test_every_other_way_in_says_it_too(disk, api, browser):
    while api.post(ITEMS, {"file": sent(Blob.objects.count())}).status_code == 201:
        pass
    stored = len(on(disk))
    by_api = api.post("/api/v1/pictures", {"file": sent(90)})
    assert (by_api.status_code, by_api.json()["code"]) == (507, "disk-full")
    by_page = browser.post("/search/picture", {"file": sent(91)})
    assert by_page.status_code == 507 and "The disk is full; nothing was stored." in by_page.content.decode()
    whole = begin(browser, 300_000)
    assert whole.status_code == 507 and whole.content.decode() == "The disk is full; nothing was stored."
    page = browser.post("/upload", {"file": sent(92)}, follow=True)
    assert "The disk is full; nothing was stored." in page.content.decode()
    assert (len(on(disk)), Upload.objects.count()) == (stored, 0)


def test_an_upload_by_pieces_keeps_what_it_had_and_goes_on(disk, browser):
    data = disks.noise(1)
    where = begin(browser, len(data))["Location"]
    filler = disks.fill(disk, leave=150_000)
    headers = TUS | {"Upload-Offset": "0"}
    assert browser.patch(where, data, content_type=PIECE, headers=headers).status_code == 507
    kept = int(browser.head(where, headers=TUS)["Upload-Offset"])
    assert 0 < kept < len(data)
    filler.unlink()
    headers = TUS | {"Upload-Offset": str(kept)}
    assert browser.patch(where, data[kept:], content_type=PIECE, headers=headers).status_code == 204
    assert Item.objects.count() == 1


@pytest.fixture(params=["media", "database"])
def low(request, tmp_path: Path, settings) -> Iterator[Path]:
    """A disk of eight megabytes, which fills while the other does not."""
    with disks.small_disk(tmp_path / "disk", 8) as path:
        settings.MEDIA_ROOT = path if request.param == "media" else tmp_path / "media"
        if request.param == "database":
            settings.CONFIG = settings.CONFIG.model_copy(update={"data_dir": path})
        yield path


def make_due() -> None:
    worker._pauses.clear()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE job SET run_at = statement_timestamp() - interval '1 second'")


def test_work_and_intake_pause_before_a_disk_is_full_and_go_on_by_themselves(low, inbox, fake, api, browser):
    made.note(inbox, "Tulips want sun.", title="Tulips")
    made.work_through_everything()
    waiting = [made.note(inbox, "Roses want rain."), made.picture(inbox)]
    filler = disks.fill(low, leave=300_000)
    refused = api.post(ITEMS, {"text": "Too late."}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (507, "disk-low")
    assert api.post(ITEMS, {"file": sent(1)}).status_code == begin(browser, 10).status_code == 507
    made.work_through_everything()
    assert set(Job.objects.exclude(state="done").values_list("state", "attempts")) == {("ready", 0)}
    said = {wait.reason for row in board.board().rows for wait in row.waits}
    assert len(said) == 1 and "is nearly full: work goes on once there is room." in said.pop()
    progress = stages.status_of(waiting)[waiting[0].pk]
    assert "nearly full" in progress.stages["embed"].error
    found = api.get("/api/v1/search", {"q": "tulips"})
    assert found.status_code == 200 and found.json()["hits"][0]["item"]["title"] == "Tulips"
    filler.unlink()
    made.work_through_everything()
    assert {progress.status for progress in stages.status_of(waiting).values()} == {"ready"}
    assert api.post(ITEMS, {"text": "In time."}, content_type="application/json").status_code == 201


def test_operators_are_told(low, browser, alice):
    disks.fill(low, leave=300_000)
    ready = browser.get("/readyz").json()
    assert "disk" in ready["degraded"] and ready["ready"] and ready["parts"]["disk"].startswith("nearly full")
    assert "searchsite_disk_free_bytes" in browser.get("/metrics").content.decode()
    assert "is nearly full" not in browser.get("/").content.decode()
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    assert "is nearly full (0.2" in browser.get("/").content.decode()


def test_zero_turns_it_off(low, inbox, settings):
    settings.CONFIG = settings.CONFIG.model_copy(update={"min_free_bytes": 0})
    disks.fill(low, leave=300_000)
    assert made.note(inbox, "There is still a little room.")


@pytest.fixture
def tight(tmp_path: Path, transactional_db) -> Iterator[Path]:
    """The parts lie on a disk of 24 MB of their own."""
    with disks.small_disk(tmp_path / "tablespace", 24) as path, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLESPACE tight LOCATION '{path}'")
        cursor.execute("ALTER TABLE part SET TABLESPACE tight")
        try:
            yield path
        finally:
            (path / "filler").unlink(missing_ok=True)
            for what in ("TABLE", "INDEX"):
                cursor.execute(f"ALTER {what} ALL IN TABLESPACE tight SET TABLESPACE pg_default")
            cursor.execute("DROP TABLESPACE tight")


def letters(seed: int) -> str:
    """A text of 200 KB that hardly gets smaller."""
    return base64.b64encode(disks.noise(seed)).decode()[:200_000]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_full_refuses_and_buries_nothing(tight, inbox, fake, api, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    made.note(inbox, "Tulips want sun.", title="Tulips")
    made.work_through_everything()
    table = tables.name(made.active_space().pk)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} SET TABLESPACE tight")
    waiting = [made.note(inbox, f"Roses want rain {number}.") for number in range(200)]
    filler = disks.fill(tight)
    answers = [api.post(ITEMS, {"text": letters(seed)}, content_type="application/json") for seed in range(3)]
    assert [answer.status_code for answer in answers] == [507] * 3
    assert answers[0].json()["detail"] == "The disk of the database is full."
    make_due()
    made.work_through_everything()
    jobs = Job.objects.exclude(state="done").values_list("state", "attempts", "last_error")
    assert set(jobs) == {("ready", 0, "The disk of the database is full."), ("ready", 0, "")}
    assert api.get("/api/v1/search", {"q": "tulips"}).status_code == 200
    filler.unlink()
    make_due()
    made.work_through_everything()
    assert {progress.status for progress in stages.status_of(waiting).values()} == {"ready"}
    assert api.post(ITEMS, {"text": letters(1)}, content_type="application/json").status_code == 201
    figures.keep(6, "database-full", refused=3, dead=0, resumed=len(waiting))

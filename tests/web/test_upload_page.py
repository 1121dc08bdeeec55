"""The upload page."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from searchsite.library.models import Item
from tests.web.conftest import picture, text

SCRIPT = {"HX-Request": "true"}


def test_the_plain_form_takes_several_and_names_what_it_refuses(alice):
    bad = SimpleUploadedFile("page.png", b"<html>", content_type="image/png")
    page = text(alice.post("/upload", {"file": [picture("a.jpg", 1), bad, picture("b.jpg", 2)]}, follow=True))
    assert Item.objects.count() == 2 and "page.png:" in page and page.count('class="entry"') == 3


def test_the_script_gets_a_card_or_a_sentence(alice):
    answer = alice.post("/upload", {"file": picture()}, headers=SCRIPT)
    assert answer.status_code == 201 and 'data-state="processing"' in text(answer) and "<html" not in text(answer)
    empty = SimpleUploadedFile("empty.png", b"", content_type="image/png")
    refusal = alice.post("/upload", {"file": empty}, headers=SCRIPT)
    assert refusal.status_code == 422 and refusal["Content-Type"].startswith("text/plain") and "\n" not in text(refusal)


def test_the_same_file_again_is_named(alice):
    alice.post("/upload", {"file": picture()}, headers=SCRIPT)
    again = alice.post("/upload", {"file": picture("other.jpg")}, headers=SCRIPT)
    assert again.status_code == 200 and "Already here" in text(again) and Item.objects.count() == 1


def test_one_request_tells_how_far_many_are(alice):
    alice.post("/upload", {"file": [picture("a.jpg", 1), picture("b.jpg", 2)]})
    ids = [str(one.public_id) for one in Item.objects.all()]
    page = text(alice.get("/upload/progress", {"id": [*ids, "nonsense"]}))
    assert page.count('class="entry"') == 2


def test_progress_of_others_is_not_told(alice, charlie, note):
    assert text(charlie.get("/upload/progress", {"id": str(note.public_id)})).strip() == ""


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"text": "a\x00b", "title": "c\x00d"}, 302),
        ({"text": ""}, 422),
        ({"text": " \n"}, 422),
        ({"text": "\x00"}, 422),
        ({"text": "word " * 600_000}, 413),
        ({"text": "x", "title": "y" * 10_000}, 302),
        ({"text": "z̷̗͠" * 1000 + "\u202e", "title": "🌲" * 300}, 302),
        ({"text": "x", "collection": "00000000-0000-4000-8000-000000000000"}, 404),
        ({"text": "<script>alert(1)</script>", "title": "</textarea><script>"}, 302),
    ],
)
def test_every_note_gets_an_answer(alice, fields, status):
    assert alice.post("/notes/new", fields).status_code == status


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.jpg", 'a"; filename="b.jpg', "x" * 3000 + ".jpg", "\u202egpj.jpg", "CON.jpg"]
)
def test_every_file_name_gets_an_answer(alice, name):
    assert alice.post("/upload", {"file": picture(name)}, headers=SCRIPT).status_code == 201


def test_a_request_without_a_file_is_refused(alice):
    assert alice.post("/upload").status_code == 422


def test_viewers_put_nothing_in(signed_in, note):
    vera = signed_in("vera")
    assert vera.post("/upload", {"file": picture()}).status_code == 403
    assert vera.get("/upload").status_code == 403
    assert vera.post("/notes/new", {"text": "x"}).status_code == 403
    assert Item.objects.count() == 1


def test_nobody_puts_anything_into_anothers_collection(charlie, note):
    fields = {"text": "x", "collection": str(note.collection.public_id)}
    assert charlie.post("/notes/new", fields).status_code == 404


def test_the_page_names_the_limit_of_each_kind(alice):
    assert "BMP up to 50 MB each, texts up to 2 MB" in text(alice.get("/upload"))

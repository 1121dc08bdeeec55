"""The words of a picture on its page: who said them, and the forms to say it better."""

from __future__ import annotations

import re

import pytest

from searchsite.jobs.models import Job
from searchsite.library import sayings, tags
from searchsite.library.models import Author, Item, Part, PartRole
from searchsite.library.sayings import Saying, Voice
from tests import made
from tests.captioned import captioner, fake, says
from tests.web.conftest import picture, text

__all__ = ["captioner", "fake"]

EYES = Voice(Author.CAPTIONER, "Qwen/Qwen3-VL-8B-Instruct", "de")


@pytest.fixture
def item(alice) -> Item:
    """A picture whose stages are done."""
    alice.post("/upload", {"file": picture()})
    Item.objects.update(width=160, height=120)
    Job.objects.update(state="done")
    return Item.objects.get()


@pytest.fixture
def described(item: Item) -> Item:
    """The same, with a captioner's words."""
    sayings.write(item, PartRole.CAPTION, [Saying('A meadow, "in bloom" <b>.')], EYES)
    sayings.write(item, PartRole.OCR, [Saying("\nBetreten verboten")], EYES)
    sayings.set_depicts(item, "diagram")
    return item


def page_of(browser, item: Item) -> str:
    return text(browser.get(f"/items/{item.public_id}"))


def test_the_page_says_what_was_said_and_by_whom(alice, described):
    page = page_of(alice, described)
    assert "A meadow, &quot;in bloom&quot; &lt;b&gt;.</textarea>" in page
    assert "Written by Qwen/Qwen3-VL-8B-Instruct." in page
    assert "\n\nBetreten verboten</textarea>" in page
    assert "A diagram" in page and "<dt>Kind</dt>" not in page
    assert "Deutsch" in page


def test_the_caption_is_the_pictures_alt_text(alice, described):
    assert 'alt="A meadow, &quot;in bloom&quot; &lt;b&gt;."' in page_of(alice, described)
    assert 'alt="A meadow, &quot;in bloom&quot; &lt;b&gt;."' in text(alice.get("/"))


def test_without_a_caption_title_and_tags_are_the_alt_text(alice, item):
    tags.set_machine(item, ["grass", "sky"])
    assert 'alt="meadow, grass, sky"' in page_of(alice, item)


def test_viewers_read_and_do_not_write(signed_in, described):
    page = page_of(signed_in("vera"), described)
    assert "in bloom" in page and "Betreten verboten" in page and "<textarea" not in page


def test_nobody_is_told_to_write_who_may_not(signed_in, item):
    words = {name: "and by what you write here" in page_of(signed_in(name), item) for name in ("bob", "vera")}
    assert words == {"bob": True, "vera": False} and "by the text in them." in page_of(signed_in("vera"), item)


@pytest.mark.parametrize(("form", "role"), [("caption", PartRole.CAPTION), ("text", PartRole.OCR)])
def test_editors_say_it_in_their_own_words(signed_in, described, form, role):
    page = text(
        signed_in("bob").post(f"/items/{described.public_id}/{form}", {form: "Our meadow\r\nin May"}, follow=True)
    )
    assert "is saved." in page and "Our meadow\nin May</textarea>" in page and "In a person&#x27;s words." in page
    assert Part.objects.get(item=described, role=role).set_by == Author.PERSON


def test_what_is_removed_is_told_as_removed(alice, described):
    page = text(alice.post(f"/items/{described.public_id}/caption", {"caption": " "}, follow=True))
    assert "A person removed it." in page and "in bloom" not in page


@pytest.mark.parametrize("form", ["caption", "text"])
def test_only_those_who_may_write_do(signed_in, charlie, described, form):
    address = f"/items/{described.public_id}/{form}"
    assert signed_in("vera").post(address, {form: "Mine"}).status_code == 403
    assert charlie.post(address, {form: "Mine"}).status_code == 404
    assert signed_in("bob").get(address).status_code == 405
    assert not Part.objects.filter(set_by=Author.PERSON).exists()


@pytest.mark.parametrize(("form", "most"), [("caption", 2000), ("text", 40_000)])
def test_too_much_is_refused_with_a_sentence(alice, described, form, most):
    answer = alice.post(f"/items/{described.public_id}/{form}", {form: "x" * (most + 1)})
    assert answer.status_code == 422 and f"at most {most:,} characters" in text(answer)


def test_a_text_has_neither(alice, note):
    page = text(alice.get(f"/items/{note.public_id}"))
    assert 'id="caption"' not in page
    assert alice.post(f"/items/{note.public_id}/caption", {"caption": "Bread"}).status_code == 422


@pytest.mark.parametrize(
    ("state", "words"),
    [("ready", "Being written…"), ("running", "Being written…"), ("dead", "would not describe this picture")],
)
def test_the_page_says_how_far_the_captioner_is(alice, item, state, words):
    job = Job.objects.get()
    error = "The captioner would not describe this picture." if state == "dead" else ""
    Job.objects.create(
        kind="caption", queue="caption", team_id=job.team_id, subject=item.pk, state=state, last_error=error
    )
    page = page_of(alice, item)
    assert words in page
    assert (f"/items/{item.public_id}/retry" in page) == (state == "dead")


def test_the_forms_are_named_for_those_who_do_not_see_them(alice, described):
    page = page_of(alice, described)
    for field in re.findall(r"<textarea[^>]*>", page):
        labelled = re.search(r'aria-labelledby="([\w-]+)"', field)
        assert 'id="title"' in field or (labelled and f'id="{labelled[1]}"' in page)


@pytest.mark.parametrize("mode", ["words", "meaning", "hybrid"])
def test_from_upload_to_alt_text(alice, charlie, captioner, mode):
    says(captioner, caption="A heron waits beside the weir.")
    alice.post("/upload", {"file": picture("IMG_4711.jpg")})
    made.work_through_everything()
    found = text(alice.get("/search", {"q": "heron weir", "mode": mode}))
    assert 'alt="A heron waits beside the weir."' in found and "IMG_4711" in found
    assert "heron waits" not in text(charlie.get("/search", {"q": "heron weir", "mode": mode}))
    item = Item.objects.get()
    page = page_of(alice, item)
    assert 'alt="A heron waits beside the weir."' in page and "Ready: found by search" in page

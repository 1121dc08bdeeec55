"""The item page within its list, what is changed there, the words over a picture, and the pages of notes."""

from __future__ import annotations

import io
from urllib.parse import quote

import pytest
from django.db import connection
from playwright.sync_api import expect

from searchsite.accounts.models import Membership, Role, User
from searchsite.indexing import stages
from searchsite.jobs.models import Job
from searchsite.library import intake, notes, sayings
from searchsite.library.models import Author, Item, PartRole
from searchsite.library.sayings import Saying, Voice
from searchsite.library.scope import scope_for
from searchsite.search import find
from searchsite.search.questions import Question, Term
from tests import made
from tests.browsing import MOVING, elsewhere, page_of
from tests.library.conftest import take
from tests.served import fake as fake
from tests.web.conftest import text

PASTE = """([name, text]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], name, { type: "text/plain" }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
}"""
WORDS = [["Connection", 0.1, 0.1, 0.4, 0.2], ["<refused>", 0.45, 0.1, 0.7, 0.2]]


@pytest.fixture
def place(garden):
    return made.place(User.objects.get(username="alice"), garden)


@pytest.fixture
def boat(place, fake) -> Item:
    item = made.picture(place, "teal", "A teal boat")
    made.work_through_everything()
    item.refresh_from_db()
    return item


def found(words: str, item: Item) -> bool:
    scope = made.rights_of(item)
    hits = find.find(Question(terms=(Term(text=words),), mode="words"), scope).hits
    return item.public_id in [hit.item.id for hit in hits]


def test_the_list_travels_in_the_address(alice, place):
    items = [made.note(place, f"Note {number} on bread") for number in range(5)]
    page = alice.get(f"/items/{items[2].public_id}?in=sort%3Doldest")
    around = page.context["around"]
    assert (around.place, around.total) == (3, 5)
    assert [one.id for one in around.strip] == [item.public_id for item in items]
    assert f'rel="next" id="next" href="/items/{items[3].public_id}?in=sort%3Doldest"' in text(page)
    assert 'href="/?sort=oldest"' in text(page)


def test_the_order_of_a_search_is_that_of_its_results(alice, place, fake):
    for number in range(4):
        made.note(place, f"Bread {'rye ' * number}", f"Loaf {number}")
    made.work_through_everything()
    shown = [card["id"] for card in alice.get("/?q=rye+bread").context["cards"]]
    page = alice.get(f"/items/{shown[1]}?in={quote('q=rye bread')}")
    assert [str(one.id) for one in page.context["around"].strip] == shown


@pytest.mark.parametrize("query", ["sort%3Dupwards", "like%3Dx", "collection%3Dx", "%00", "kind%3Dcar", "cursor%3Dx"])
def test_a_list_that_makes_no_sense_is_none(alice, note, query):
    assert alice.get(f"/items/{note.public_id}?in={query}").status_code == 200


def test_the_strip_shows_nothing_of_others(alice, charlie, note):
    other = made.note(
        made.place(User.objects.get(username="charlie"), Membership.objects.get(user__username="charlie").team),
        "Secret",
    )
    page = text(charlie.get(f"/items/{other.public_id}?in="))
    assert "Recipe" not in page and "filmstrip" not in page


def test_an_edit_is_found_at_once_and_outlives_processing(alice, boat):
    address = f"/items/{boat.public_id}"
    for verb, field in (("title", "quokka"), ("caption", "wombat"), ("text", "numbat")):
        alice.post(f"{address}/{verb}", {verb: f"{field} one"})
        assert found(field, boat)
    alice.post(f"{address}/tag", {"add": "bilby, dingo"})
    alice.post(f"{address}/tag", {"remove": "dingo"})
    alice.post(f"{address}/kind", {"kind": "screenshot"})
    assert found("bilby", boat) and not found("dingo", boat)
    stages.reprocess(boat)
    made.work_through_everything()
    boat.refresh_from_db()
    assert (boat.title, boat.kind) == ("quokka one", "screenshot")
    assert all(found(word, boat) for word in ("quokka", "wombat", "numbat", "bilby"))


def test_a_script_gets_the_changed_part_alone(alice, boat):
    answer = alice.post(f"/items/{boat.public_id}/caption", {"caption": "Afloat"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200 and 'data-saved="The caption is saved."' in text(answer)
    assert "<html" not in text(answer) and "Afloat" in text(answer)


@pytest.mark.parametrize("verb", ["title", "caption", "text", "tag", "kind", "retry", "trash", "edit"])
def test_viewers_change_nothing(signed_in, boat, verb):
    answer = signed_in("vera").post(f"/items/{boat.public_id}/{verb}", {"title": "x", "add": "x", "kind": "image"})
    assert answer.status_code == 403


@pytest.mark.parametrize("verb", ["tag", "kind", "words", "edit"])
def test_strangers_find_nothing(charlie, boat, verb):
    ask = charlie.get if verb == "words" else charlie.post
    assert ask(f"/items/{boat.public_id}/{verb}").status_code == 404


def test_throwing_away_leads_on_to_the_next(alice, place):
    items = [made.note(place, f"Note {number}") for number in range(3)]
    page = alice.post(f"/items/{items[1].public_id}/trash", {"in": ""}, follow=True)
    assert page.redirect_chain[-1][0] == f"/items/{items[0].public_id}?in="
    assert "It stays there for 30 days." in text(page)
    back = alice.post(f"/items/{items[1].public_id}/restore", {"in": ""})
    assert back["Location"] == f"/items/{items[1].public_id}?in="


def test_the_words_lie_over_the_picture(alice, boat):
    sayings.write(boat, PartRole.OCR, [Saying("Connection refused", {"words": WORDS})], Voice(Author.READER, "builtin"))
    page = text(alice.get(f"/items/{boat.public_id}/words?in=q%3Drefused"))
    assert '<rect x="16.0" y="12.0" width="48.0" height="12.0"/>' in page
    assert page.count('class="hit"') == 1 and "&lt;refused&gt;" in page


def test_markdown_files_are_rendered_and_plain_texts_are_not(alice, place):
    for name, shown in (("a.md", "<h2>Bread</h2>"), ("b.txt", "# Bread")):
        item = intake.add_file(io.BytesIO(f"# Bread\n{name}".encode()), name, into=place).item
        assert shown in text(alice.get(f"/items/{item.public_id}"))


def test_what_was_searched_for_is_marked_in_the_text(alice, place):
    note = made.note(place, "# Lending\n\nA camera <b>kit</b> & *two cameras*.")
    plain = take(b"Cameras <b>are</b> for lending & found", place, "kit.txt").item
    address = "?in=q%3Dlend+camera"
    page = text(alice.get(f"/items/{note.public_id}{address}"))
    assert "<mark>Lending</mark>" in page and "two <mark>cameras</mark></em>" in page
    assert "A <mark>camera</mark> &lt;b&gt;kit" in page
    page = text(alice.get(f"/items/{plain.public_id}{address}"))
    assert "<mark>Cameras</mark> &lt;b&gt;are&lt;/b&gt; for <mark>lending</mark> &amp; found" in page
    assert "<mark>" not in text(alice.get(f"/items/{plain.public_id}"))
    assert alice.get(f"/items/{plain.public_id}?in=q%3Dkind%3Anone").status_code == 200


def test_a_note_is_written_and_written_anew(alice, place):
    page = alice.post("/notes/new", {"title": "", "text": "# Bread\r\n\r\nRest *well*."}, follow=True)
    item = Item.objects.get()
    assert (item.title, notes.text_of(item)) == ("Bread", "# Bread\n\nRest *well*.")
    assert "<em>well</em>" in text(page)
    editor = alice.get(f"/items/{item.public_id}/edit")
    change = {"title": "Rye", "text": "Rest more.", "base": editor.context["base"]}
    assert "Rest more." in text(alice.post(f"/items/{item.public_id}/edit", change, follow=True))
    assert found("more", item) and not found("well", item)


def test_a_note_that_is_refused_keeps_its_words(alice, garden):
    page = alice.post("/notes/new", {"title": "Kept", "text": " \n"})
    assert page.status_code == 422 and 'value="Kept"' in text(page) and "The text is empty." in text(page)


def test_a_change_by_somebody_else_is_shown_beside(alice, note):
    base = alice.get(f"/items/{note.public_id}/edit").context["base"]
    bob = scope_for(User.objects.get(username="bob"), note.team_id)
    notes.rewrite(note, notes.Draft("Recipe", "Bob's words"), scope=bob)
    page = alice.post(f"/items/{note.public_id}/edit", {"title": "Recipe", "text": "Alice's words", "base": base})
    assert page.status_code == 409 and "Bob&#x27;s words" in text(page) and "Alice&#x27;s words" in text(page)
    again = {"title": "Recipe", "text": "Alice's words", "base": page.context["base"]}
    assert alice.post(f"/items/{note.public_id}/edit", again).status_code == 302


def test_a_change_while_the_editor_opens_is_not_overwritten(alice, note):
    bob = scope_for(User.objects.get(username="bob"), note.team_id)
    waiting = [notes.Draft("Recipe", "Bob's words")]

    def bob_writes_behind(execute, sql, *given):
        result = execute(sql, *given)
        if 'FROM "part"' in sql and waiting:
            notes.rewrite(note, waiting.pop(), scope=bob)
        return result

    with connection.execute_wrapper(bob_writes_behind):
        editor = alice.get(f"/items/{note.public_id}/edit").context
    assert not waiting and editor["text"].startswith("Walnut bread")
    mine = {"title": "Recipe", "text": "Alice's words", "base": editor["base"]}
    assert alice.post(f"/items/{note.public_id}/edit", mine).status_code == 409
    assert notes.text_of(note) == "Bob's words"


def test_what_is_refused_keeps_the_version_that_its_writer_saw(alice, note):
    mine = {"title": "Recipe", "text": " ", "base": alice.get(f"/items/{note.public_id}/edit").context["base"]}
    page = alice.post(f"/items/{note.public_id}/edit", mine)
    assert page.status_code == 422 and page.context["base"] == mine["base"]


def test_a_preview_shows_what_the_note_will_look_like(alice):
    page = text(alice.post("/notes/preview", {"text": "**bold** <b>x</b>"}))
    assert "<strong>bold</strong> &lt;b&gt;x&lt;/b&gt;" in page


def test_a_note_is_downloaded_with_its_name(alice, note):
    answer = alice.get(f"/items/{note.public_id}/file")
    assert answer["Content-Disposition"] == 'attachment; filename="Recipe.md"'
    assert answer.content.decode() == "Walnut bread\n\nLet it rest overnight."


def test_files_and_pictures_have_no_editor(alice, boat):
    assert alice.get(f"/items/{boat.public_id}/edit").status_code == 404


def test_who_only_looks_writes_no_notes(signed_in):
    vera = signed_in("vera")
    Membership.objects.filter(user__username="vera").update(role=Role.VIEWER)
    assert vera.post("/notes/new", {"text": "x"}).status_code == 403


def test_the_page_says_where_it_stands(alice, boat):
    def status(**job) -> str:
        Job.objects.filter(kind="embed", subject=boat.pk).update(**job)
        return text(alice.get(f"/items/{boat.public_id}")).split('data-status="')[1].split('"')[0]

    assert [status(state=state) for state in ("done", "dead", "ready")] == ["ready", "failed", "processing"]
    assert status(state="ready", last_error="The server is away.") == "held"


@pytest.mark.django_db(transaction=True)
def test_on_a_phone_what_is_added_hides_neither_actions_nor_words(live_server, boat):
    with page_of("alice", live_server.url, viewport={"width": 390, "height": 800}, has_touch=True, **MOVING) as page:
        page.goto(f"/items/{boat.public_id}")
        page.evaluate(PASTE, ["rose.txt", "A rose"])
        expect(page.locator(".tray")).to_contain_text("Added to “Inbox”", timeout=10_000)
        page.locator("#download").tap(trial=True)
        page.locator("[data-do=fold]").tap()
        page.locator("#download").tap(trial=True)
        page.get_by_label("Caption").fill("Seen from the quay")
        page.get_by_label("Caption").press("Enter")
        expect(page.locator("#said")).to_have_text("The caption is saved. Searchable in a moment.")
        page.locator("#said").tap(trial=True)
        elsewhere(lambda: Job.objects.filter(state="ready").update(state="dead", last_error="Broken."))
        with page.expect_response(lambda answer: 'data-status="failed"' in answer.text(), timeout=8000):
            pass
        expect(page.locator("#said")).not_to_contain_text("now")


def test_it_says_why_it_was_found(alice, garden):
    alice.post("/notes/new", {"title": "Recipe", "text": "Two walnuts, <b>chopped</b>."})
    recipe = Item.objects.get(title="Recipe")
    page = text(alice.get(f"/items/{recipe.public_id}?in=q%3Dwalnut"))
    assert "Why it was found" in page and "“walnuts”" in page
    assert "Two <mark>walnuts</mark>, &lt;b&gt;chopped&lt;/b&gt;." in page and "place 1" in page
    assert f'href="/?q=walnut&amp;unlike={recipe.public_id}"' in page
    assert f'href="/?q=walnut&amp;like={recipe.public_id}"' in page
    for other in ("", "?in=", "?in=kind%3Dtext", "?in=q%3Dkind:song", "?in=q%3Dzebra%26mode%3Dwords"):
        assert "Why it was found" not in text(alice.get(f"/items/{recipe.public_id}{other}"))


def test_words_over_a_picture_are_marked_by_their_stems_and_quotes_where_they_stand_whole(alice, boat):
    read = "Old bridges and a bridge of old boats"
    at = [[word, place / 10, 0.1, place / 10 + 0.08, 0.2] for place, word in enumerate(read.split())]
    sayings.write(boat, PartRole.OCR, [Saying(read, {"words": at})], Voice(Author.READER, "builtin"))
    asked = {"q=boat": 1, "q=a+bridge": 2, "q=%22bridge+of+old%22": 3, "q=%22old+bridge%22": 2, "q=-boat": 0}
    for question, marked in asked.items():
        page = text(alice.get(f"/items/{boat.public_id}/words", {"in": question}))
        assert page.count('class="hit"') == marked, question

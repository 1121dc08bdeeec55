"""English and German: each text of the pages is there in both, and a person may choose."""

from __future__ import annotations

import ast
import io
import re
from decimal import Decimal

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils import translation

from searchsite.accounts import prices
from searchsite.config import ROOT
from searchsite.indexing import caption, estimates, inputs, reasons
from searchsite.jobs import queue
from searchsite.library import files
from searchsite.library.decoder import child, client, rendering
from searchsite.library.models import Collection, Purpose

FOLDER = ROOT / "searchsite" / "locale" / "de" / "LC_MESSAGES"
PLACES = re.compile(r"%\([a-z_]+\)[a-z]|%[sd%]|\{[a-z_]*\}")


def messages() -> list[Message]:
    with (FOLDER / "django.po").open("rb") as file:
        return [message for message in read_po(file, locale="de") if message.id]


def forms(value: str | tuple[str, ...] | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def test_each_text_is_there_in_german() -> None:
    assert [message.id for message in messages() if not all(forms(message.string))] == []
    assert [message.id for message in messages() if message.fuzzy] == []


def test_translations_keep_their_places() -> None:
    for message in messages():
        # A singular may say "one" where the plural has a number.
        wanted = set(PLACES.findall(forms(message.id)[-1]))
        assert set(PLACES.findall(forms(message.string)[-1])) == wanted, message.id
        assert all(set(PLACES.findall(form)) <= wanted for form in forms(message.string)), message.id


def _context(message: Message) -> str | None:
    """Compiled ones are read as bytes."""
    return message.context.decode() if isinstance(message.context, bytes) else message.context


def test_what_is_compiled_is_what_is_written() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = {(_context(one), *forms(one.id)): forms(one.string) for one in read_mo(file) if one.id}
    assert compiled == {(_context(one), *forms(one.id)): forms(one.string) for one in messages()}


def test_every_text_of_the_templates_is_gathered() -> None:
    known = {form for message in messages() for form in forms(message.id)}
    pattern = re.compile(r"""\{%\s*translate\s+(?:"([^"]+)"|'([^']+)')""")
    said = {
        (double or single).replace("%", "%%") if "%" in (double or single) else double or single
        for path in (ROOT / "templates").rglob("*.html")
        for double, single in pattern.findall(path.read_text(encoding="utf-8"))
    }
    assert {text for text in said if text not in known and text.replace("%%", "%") not in known} == set()


def test_every_text_of_the_code_is_gathered() -> None:
    known = {form for message in messages() for form in forms(message.id)}
    words = {**DEFAULT_KEYWORDS, "gettext_lazy": None, "gettext_noop": None, "pgettext": ((1, "c"), 2)}
    found = extract_from_dir(ROOT / "searchsite", [("**/migrations/**", "ignore"), ("**.py", "python")], keywords=words)
    said = {form for _file, _line, texts, _comments, _context in found for form in forms(texts) if form}
    assert said - known == set()


def test_no_text_hides_in_a_formatted_string() -> None:
    """What gathers the texts does not look there."""
    hidden = [
        f"{path.name}:{call.lineno}"
        for path in (ROOT / "searchsite").rglob("*.py")
        for formatted in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(formatted, ast.JoinedStr)
        for call in ast.walk(formatted)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("_", *DEFAULT_KEYWORDS)
    ]
    assert hidden == []


@pytest.mark.django_db
def test_a_browser_that_asks_for_german_gets_it(signed_in) -> None:
    page = signed_in("alice").get("/upload", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"})
    text = page.content.decode()
    assert '<html lang="de"' in text and "Hochladen" in text


@pytest.mark.django_db
def test_a_person_may_choose(signed_in) -> None:
    browser = signed_in("alice")
    answer = browser.post("/language", {"language": "de", "next": "/trash"})
    assert (answer.status_code, answer["Location"]) == (302, "/trash")
    assert "Papierkorb" in browser.get("/trash").content.decode()
    browser.post("/language", {"language": "en", "next": "https://elsewhere.example/"})
    assert "Papierkorb" not in browser.get("/trash").content.decode()


@pytest.mark.django_db
def test_a_refusal_speaks_the_language_of_who_asked(signed_in) -> None:
    file = io.BytesIO(b"")
    file.name = "nothing.txt"
    sent = {"file": file}
    answer = signed_in("alice").post("/upload", sent, headers={"HX-Request": "true", "Accept-Language": "de"})
    assert answer.status_code == 422 and "leer" in answer.content.decode()


def test_reasons_are_known_in_german() -> None:
    of_the_decoder = {rendering.UNREADABLE, child.MEMORY_SENTENCE, *client.SENTENCES.values()}
    assert of_the_decoder <= set(reasons.KNOWN)
    said = {*reasons.KNOWN, queue.WORKER_DIED, caption.NOT_CONFIGURED, inputs.NO_FILE}
    with translation.override("de"):
        assert [one for one in said if reasons.translated(one) == one] == []


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", ["$1,234.50", "12.5 kB", "3 days", "2.5"]), ("de", ["1.234,50 $", "12,5 kB", "3 Tage", "2,5"])],
)
def test_amounts_are_written_as_each_language_does(language: str, written: list[str]) -> None:
    with translation.override(language):
        shown = [prices.dollars(Decimal("1234.5")), estimates.size(12_800), estimates.duration(259_200)]
        assert [*shown, files.megabytes(5 << 19)] == written


def test_the_inbox_is_named_in_the_language_of_the_page() -> None:
    """A person reads the name of their inbox in their language; nobody renames it."""
    inbox = Collection(name="Inbox", purpose=Purpose.INBOX)
    with translation.override("de"):
        assert (inbox.shown_name, str(inbox), inbox.name) == ("Eingang", "Eingang", "Inbox")
        assert Collection(name="Inbox 2", purpose=Purpose.INBOX).shown_name == "Eingang 2"
        assert Collection(name="Inbox", purpose=Purpose.NORMAL).shown_name == "Inbox"

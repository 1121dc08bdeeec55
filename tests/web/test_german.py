"""German to its last word: no page says anything as its English one does, save names, numbers and words of both."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.test import Client

from searchsite.accounts.models import User
from tests import furnished, made
from tests.served import fake
from tests.web.conftest import media

__all__ = ["fake", "media"]
pytestmark = pytest.mark.django_db
SAID = ("alt", "title", "aria-label", "placeholder", "aria-description", "label")
UNSEEN = ("script", "style", "code", "pre")
WORD = re.compile(r"[^\W\d_]{2,}")
SAME = re.compile(
    "Budget|CSV|Deutsch|English|Embedder|Esc|Filter|ID|Link|Name|Normal|Person|Revision|Status|Teams?|Text|Token|Zoom"
    "|April|August|September|November"
)
# What people, networks and this test have written, and what programs call their own things.
NAMES = re.compile(
    r"[Qq]\w*|alice|bob|vera|charlie|garden|den|searchsite|builtin|fake|example|zzzz|hello|world|tabby|cat"
    "|[Ww]alnut|bread|http"
)
# Whole texts that are alike: scopes of tokens, as programs write them, and a grant.
ALIKE = {"/admin/accounts/token/": {"read", "write"}, "/admin/library/collection/": {"vera in Qshelf"}}
ENGLISH = re.compile(r"\b\d{1,3},\d{3}\b|\$\d|[ap]\.m\.|\b(?:the|and|with|is|are|of|until|which|you|your|not|for)\b")


class Words(HTMLParser):
    """What a page says to eyes and ears: its text, and what stands in attributes, with the words of scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in UNSEEN
        known = dict(attrs)
        pressed = tag == "input" and known.get("type") in ("submit", "button")
        for name, value in known.items():
            if name in SAID or (name == "value" and pressed) or (name.startswith("data-") and " " in (value or "")):
                self._take(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in UNSEEN

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._take(data)

    def _take(self, text: str) -> None:
        said = " ".join(text.split())
        if WORD.search(said):
            self.found.add(said)


def said(page: str) -> set[str]:
    """Each piece of text of a page."""
    reader = Words()
    reader.feed(page)
    return reader.found


@pytest.fixture
def house(db, fake) -> furnished.House:
    house = furnished.furnish()
    made.work_through_everything()
    furnished.wear(house)
    return house


def is_left(text: str) -> bool:
    """Whether a piece of text is more than names, and words of both languages."""
    return "@" not in text and any(not (SAME.fullmatch(one) or NAMES.fullmatch(one)) for one in WORD.findall(text))


def leftovers(browser: Client, address: str) -> set[str]:
    """What the page says in English as well as in German, and numbers and dates in it that are not German."""
    english, german = (
        said(browser.get(address, headers={"Accept-Language": language}, follow=True).content.decode())
        for language in ("en", "de")
    )
    alike = {text for start, texts in ALIKE.items() if address.startswith(start) for text in texts}
    left = {text for text in (english & german) - alike if is_left(text)}
    return left | {text for text in german if ENGLISH.search(text)}


def test_no_page_keeps_a_word_of_english(house) -> None:
    browser = Client()
    browser.force_login(User.objects.get(username="alice"))
    addresses = [*furnished.pages(house), *furnished.refused(), *furnished.admin_pages(house)]
    found = {address: left for address in addresses if (left := leftovers(browser, address))}
    assert found == {}

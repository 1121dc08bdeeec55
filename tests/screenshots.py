"""Pictures of the pages, taken of the sample library by our own browser.

python -m tests.screenshots            the main pages, light and dark, on a desk and on a phone, into screenshots/
python -m tests.screenshots samples    those that lie in the sample library, and the one in the README
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page

from searchsite.config import ROOT
from tests import chromium, house

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
PAGES = {
    "browse": "/",
    "words": "/?q=a+big+wave",
    "text in pictures": "/?q=%22reading+text%22",
    "nothing fits": "/?q=cat&kind=text&after=2030-01-01",
    "upload": "/upload",
    "note": "/notes/new",
    "ask": "/ask",
    "trash": "/trash",
    "queue": "/queue",
    "spaces": "/spaces",
    "usage": "/usage",
    "admin": "/admin/",
    "admin items": "/admin/library/item/",
}
SAMPLES = {
    # No answers to questions: a picture of them would be found before what they show.
    "Library narrowed to screenshots": "/?kind=screenshot",
    "Library narrowed to notes": "/?kind=text",
    "Upload page": "/upload",
    "Page for asking questions": "/ask",
    "Queue of the operators": "/queue",
    "Embedding spaces": "/spaces",
    "Usage and budgets": "/usage",
    "Administration, front page": "/admin/",
    "Administration, list of items": "/admin/library/item/",
    "Trash with days left": "/trash",
}
DOCUMENTS = {"Settings of the web server": "settings.md", "How the house is built": "architecture.md"}
PLAIN = "body { max-width: 70ch; margin: 2rem auto; font: 16px/1.5 sans-serif } td { padding: 4px }"


def main(what: str) -> None:
    """Start a house with the sample library, and take what is asked for."""
    with tempfile.TemporaryDirectory() as directory, house.running(Path(directory), SAMPLE_LIBRARY="true") as home:
        wait_until_settled(home)
        with chromium.running() as browser:
            (take_samples if what == "samples" else take_pages)(browser, home)
        chromium.close()


def take_pages(browser: Browser, home: house.House) -> None:
    """Each main page in both themes and two widths."""
    folder = ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    for theme in ("light", "dark"):
        for size in (DESKTOP, PHONE):
            with visit(browser, home, viewport=size, color_scheme=theme) as page:
                pages = PAGES | {"item": first(page, home, "a cat"), "text item": first(page, home, "&kind=text")}
                for name, address in pages.items():
                    open_page(page, home, address)
                    page.screenshot(path=folder / f"{name} {theme} {size['width']}.png")


def take_samples(browser: Browser, home: house.House) -> None:
    """What the sample library shows of searchsite itself."""
    folder = ROOT / "searchsite" / "ops" / "sample_library" / "screenshots"
    folder.mkdir(exist_ok=True)
    with visit(browser, home, viewport=DESKTOP, color_scheme="light") as page:
        for name, address in SAMPLES.items():
            if address == "/trash":
                throw_away(page, home)
            open_page(page, home, address)
            page.screenshot(path=folder / f"{name}.png")
        # The second time: the first question of all waits for the embedder to warm up.
        open_page(page, home, "/?q=a+big+wave")
        open_page(page, home, "/?q=a+big+wave")
        page.screenshot(path=ROOT / "docs" / "search.jpg", type="jpeg", quality=80)
    with visit(browser, home, viewport=PHONE, color_scheme="dark") as page:
        open_page(page, home, "/")
        page.screenshot(path=folder / "Library on a phone at night.png")
    page = browser.new_page(viewport={"width": 900, "height": 800})
    for name, document in DOCUMENTS.items():
        text = (ROOT / "docs" / document).read_text(encoding="utf-8")
        page.set_content(f"<style>{PLAIN}</style>{MarkdownIt().enable('table').render(text)}")
        page.screenshot(path=folder / f"{name}.png")


@contextmanager
def visit(browser: Browser, home: house.House, **how: object) -> Iterator[Page]:
    """A page of the first user."""
    context = browser.new_context(**how)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(home.base_url)
    page.fill("input[name=login]", "admin")
    page.fill("input[name=password]", home.admin_password)
    page.keyboard.press("Enter")
    page.locator("#q").wait_for()
    yield page
    context.close()


def open_page(page: Page, home: house.House, address: str) -> None:
    """Open a page, and wait until its pictures are there."""
    page.goto(home.base_url + address)
    page.wait_for_load_state("networkidle")


def throw_away(page: Page, home: house.House) -> None:
    """Put something into the trash, for its picture."""
    for words in ("a cat", "the sea", "&kind=text"):
        open_page(page, home, first(page, home, words))
        page.get_by_role("button", name="Move to the trash").click()
        page.wait_for_load_state("networkidle")


def first(page: Page, home: house.House, words: str) -> str:
    """The address of the first item that is found."""
    open_page(page, home, f"/?q={words}")
    found = re.search(r'href="(/items/[0-9a-f-]{36}[^"]*)"', page.content())
    assert found is not None, words
    return found[1].replace("&amp;", "&")


def wait_until_settled(home: house.House) -> None:
    """Wait until the sample library is indexed."""
    headers = {"Authorization": f"Bearer {home.token()}"}
    with httpx.Client(base_url=home.base_url, headers=headers) as client:
        while any(
            states["waiting"] + states["running"]
            for states in client.get("/api/v1/jobs").raise_for_status().json()["counts"].values()
        ):
            time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "pages")

"""`make screenshots`: take the picture of the sample library that the README shows."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from searchsite.config import ROOT
from tests import house

CHROMIUM = "/usr/bin/chromium"
DESKTOP = {"width": 1280, "height": 800}


def main() -> None:
    """Write it to docs/."""
    with tempfile.TemporaryDirectory() as directory, house.running(Path(directory), SAMPLE_LIBRARY="true") as home:
        wait_until_settled(home)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport=DESKTOP)
            sign_in(page, home)
            take(page, home, "/?q=a+big+wave", "search.jpg")
            browser.close()


def wait_until_settled(home: house.House) -> None:
    """Wait until the sample library is indexed."""
    headers = {"Authorization": f"Bearer {home.token()}"}
    with httpx.Client(base_url=home.base_url, headers=headers) as client:
        while any(
            states["waiting"] + states["running"]
            for states in client.get("/api/v1/jobs").raise_for_status().json()["counts"].values()
        ):
            time.sleep(1)


def sign_in(page: Page, home: house.House) -> None:
    """Sign in as the first user."""
    page.goto(home.base_url)
    page.fill("input[name=login]", "admin")
    page.fill("input[name=password]", home.admin_password)
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")


def take(page: Page, home: house.House, address: str, name: str) -> None:
    """Open a page and keep its picture."""
    page.goto(home.base_url + address)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=ROOT / "docs" / name, type="jpeg", quality=80)


if __name__ == "__main__":
    main()

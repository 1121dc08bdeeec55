"""Screenshot or photo: by the look, by the reader's label, by a captioner's word; and a person's choice stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from searchsite.accounts.models import Team, User
from searchsite.library import edits, items, kinds, sayings
from searchsite.library.decoder.protocol import Decoded, Facts
from searchsite.library.models import Item, Kind, KindSetBy
from searchsite.library.scope import scope_for
from tests.library import drawn
from tests.library.conftest import place, take
from tests.library.test_decoder import decode

SCREEN = Facts(lossless=True, camera=False, told=False, clear=0.0, flat=0.9, sharp=0.04)
PHOTO = Facts(lossless=False, camera=False, told=False, clear=0.0, flat=0.2, sharp=0.02)


def decoded(facts: Facts, size: tuple[int, int] = (800, 600)) -> Decoded:
    return Decoded(*size, "data:image/webp;base64,UklGRg==", {480: b""}, facts)


@pytest.fixture
def item(alice: User, team: Team) -> Item:
    return take(drawn.jpeg(), place(alice, team), "holiday.jpg").item


def changed(facts: Facts, **changes: object) -> Facts:
    return Facts(**(vars(facts) | changes))


@pytest.mark.parametrize(
    ("facts", "size", "kind"),
    [
        (SCREEN, (800, 600), Kind.SCREENSHOT),
        (PHOTO, (800, 600), Kind.IMAGE),
        # A camera's photo of a poster.
        (changed(SCREEN, camera=True), (800, 600), Kind.IMAGE),
        # Clip art is see-through, and icons are tiny.
        (changed(SCREEN, clear=0.6), (800, 600), Kind.IMAGE),
        (SCREEN, (64, 64), Kind.IMAGE),
        (SCREEN, (300, 80), Kind.IMAGE),
        # Made smaller: less flat, and full of edges.
        (changed(SCREEN, flat=0.62), (800, 600), Kind.SCREENSHOT),
        (changed(SCREEN, flat=0.62, sharp=0.001), (800, 600), Kind.IMAGE),
        # Sent as JPEG.
        (changed(SCREEN, lossless=False, flat=0.7), (800, 600), Kind.SCREENSHOT),
        (changed(SCREEN, lossless=False, flat=0.62), (800, 600), Kind.IMAGE),
        (changed(SCREEN, lossless=False, flat=0.9, sharp=0.001), (800, 600), Kind.IMAGE),
        # As large as a telephone's screen, whichever way it is held; and a photo that was cut to its size.
        (changed(SCREEN, lossless=False, flat=0.5), (1170, 2532), Kind.SCREENSHOT),
        (changed(SCREEN, lossless=False, flat=0.5), (2532, 1170), Kind.SCREENSHOT),
        (PHOTO, (1170, 2532), Kind.IMAGE),
        # The program that made it says so.
        (changed(PHOTO, told=True), (800, 600), Kind.SCREENSHOT),
    ],
)
def test_the_rule(facts: Facts, size: tuple[int, int], kind: Kind) -> None:
    assert kinds.kind_of(decoded(facts, size)) == kind


@pytest.mark.parametrize(
    "title",
    [
        "Screenshot 2026-01-02 at 10.11.12",
        "screenshot_20260102",
        "Bildschirmfoto 2026",
        "Снимок экрана",
        "Captura de tela",
    ],
)
def test_a_name_tells_a_screenshot(title: str) -> None:
    assert kinds.kind_of(decoded(PHOTO), title=title) == Kind.SCREENSHOT
    assert kinds.kind_of(decoded(changed(PHOTO, camera=True)), title=title) == Kind.IMAGE


def test_the_decoder_hands_over_what_the_rule_needs(tmp_path: Path) -> None:
    assert kinds.kind_of(decode(drawn.encoded(drawn.screen()), tmp_path)) == Kind.SCREENSHOT
    assert kinds.kind_of(decode(drawn.encoded(drawn.screen(), "WEBP", lossless=True), tmp_path)) == Kind.SCREENSHOT
    assert kinds.kind_of(decode(drawn.encoded(drawn.photo()), tmp_path)) == Kind.IMAGE
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    assert kinds.kind_of(decode(drawn.encoded(drawn.screen(), exif=exif), tmp_path)) == Kind.IMAGE


def test_it_reads_which_program_made_it(tmp_path: Path) -> None:
    said = PngImagePlugin.PngInfo()
    said.add_text("Software", "gnome-screenshot")
    assert decode(drawn.encoded(drawn.photo(), pnginfo=said), tmp_path).facts.told
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0Screenshot"
    assert decode(drawn.encoded(drawn.photo(), "JPEG", exif=exif), tmp_path).facts.told
    assert not decode(drawn.jpeg(), tmp_path).facts.told


def test_the_reader_tells_what_the_look_did_not(item: Item) -> None:
    items.apply_decoded(item, decoded(PHOTO))
    assert not kinds.apply_labels(item, [("website", 0.1), ("envelope", 0.9)])
    assert kinds.apply_labels(item, [("website", 0.9)])
    assert item.kind == Kind.SCREENSHOT
    items.apply_decoded(item, decoded(PHOTO))
    assert item.kind == Kind.SCREENSHOT


def test_the_reader_does_not_contradict_a_captioner(item: Item) -> None:
    sayings.set_depicts(item, "photo")
    assert not kinds.apply_labels(item, [("website", 0.9)])


def test_a_persons_choice_survives_everything_that_comes_after(item: Item, alice: User, team: Team) -> None:
    edits.set_kind(item, Kind.IMAGE, scope=scope_for(alice, team))
    items.apply_decoded(item, decoded(SCREEN))
    kinds.apply_labels(item, [("website", 1.0)])
    sayings.set_depicts(item, "screenshot")
    item.refresh_from_db()
    assert (item.kind, item.kind_set_by, item.width) == (Kind.IMAGE, KindSetBy.PERSON, 800)


def test_a_person_makes_a_photo_a_screenshot_for_good(item: Item, alice: User, team: Team) -> None:
    edits.set_kind(item, Kind.SCREENSHOT, scope=scope_for(alice, team))
    items.apply_decoded(item, decoded(changed(PHOTO, camera=True)))
    sayings.set_depicts(item, "photo")
    item.refresh_from_db()
    assert item.kind == Kind.SCREENSHOT

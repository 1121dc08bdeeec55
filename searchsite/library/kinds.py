"""Whether a picture is a screenshot: by what the decoder saw of it, or by a captioner's word. A person's word stays.

docs/formats.md states the rule and how well it does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from searchsite.library.decoder.protocol import Decoded
from searchsite.library.models import Item, Kind, KindSetBy

# Programs name their screenshots so; a name also tells those that were compressed with loss on their way.
NAMES = re.compile(
    r"^(screen[ _-]?(shot|capture|grab|clip|recording)|bildschirmfoto|capture d.écran|captura de (pantalla|ecrã|tela)"
    r"|schermafbeelding|schermata|skærmbillede|skjermbilde|skärmbild|zrzut ekranu|снимок экрана|屏幕截图|截屏"
    r"|スクリーンショット|스크린샷|ekran görüntüsü)",
    re.I,
)
# Clip art and icons are flat as well, but mostly see-through, or tiny.
MOST_CLEAR = 0.5
LEAST_SIDES = (96, 192)
# Windows and text are drawn in flat colours with sharp edges. Without loss, neighbours are then equal to the last bit;
# of a photo kept without loss that is seldom true, and of what was made smaller, where edges were.
FLAT, FLAT_IF_SHARP, SHARP = 0.7, 0.6, 0.02
# Loss smears the edges, and photos with a plain ground come near it.
LOSSY_FLAT = 0.65
# A picture that fills a screen to the pixel needs less of it.
SCREEN_FLAT, SCREEN_SHARP = 0.4, 0.01
# What the built-in classifier calls windows of any program.
SCREEN_LABEL, SURE = "website", 0.2
# A captioner that takes a picture for something else knows no better than the rule whether it shows a screen.
UNSURE = "other"
_DESKTOPS = (
    "1024x768 1280x720 1280x800 1280x1024 1366x768 1440x900 1536x864 1600x900 1600x1200 1680x1050 1920x1080 1920x1200"
    " 2048x1152 2160x1440 2256x1504 2304x1440 2560x1080 2560x1440 2560x1600 2880x1800 2880x1920 3000x2000 3024x1964"
    " 3072x1920 3200x1800 3440x1440 3456x2234 3840x1600 3840x2160 5120x1440 5120x2880"
)
_HANDHELDS = (
    "640x1136 720x1280 720x1560 720x1600 750x1334 828x1792 1080x1920 1080x2160 1080x2220 1080x2280 1080x2316 1080x2340"
    " 1080x2400 1080x2408 1080x2412 1125x2436 1170x2532 1179x2556 1206x2622 1242x2208 1242x2688 1260x2800 1284x2778"
    " 1290x2796 1320x2868 1440x2560 1440x2880 1440x2960 1440x3040 1440x3088 1440x3120 1440x3200 1536x2048 1620x2160"
    " 1640x2360 1668x2224 1668x2388 2048x2732"
)
SCREENS = {tuple(sorted(map(int, size.split("x")))) for size in (_DESKTOPS + " " + _HANDHELDS).split()}


def kind_of(decoded: Decoded, *, title: str = "") -> Kind:
    """What the picture is, by a rule that costs nothing."""
    return Kind.SCREENSHOT if _is_screenshot(decoded, title) else Kind.IMAGE


def _is_screenshot(decoded: Decoded, title: str) -> bool:
    facts = decoded.facts
    if facts.camera:
        return False
    if facts.told or NAMES.match(title):
        return True
    sides = tuple(sorted((decoded.width, decoded.height)))
    if facts.clear >= MOST_CLEAR or sides[0] < LEAST_SIDES[0] or sides[1] < LEAST_SIDES[1]:
        return False
    if sides in SCREENS and facts.flat >= SCREEN_FLAT and facts.sharp >= SCREEN_SHARP:
        return True
    if facts.lossless and facts.flat >= FLAT:
        return True
    return facts.flat >= (FLAT_IF_SHARP if facts.lossless else LOSSY_FLAT) and facts.sharp >= SHARP


def apply_look(item: Item, decoded: Decoded) -> None:
    """Set the kind by the look, unless a person or a captioner has said what it is. The caller saves the item.

    A second look takes nothing back: it may come without a second reading, which may have told what this cannot see.
    """
    first = item.width is None
    if _may_change(item) and not item.depicts and (first or item.kind != Kind.SCREENSHOT):
        item.kind = kind_of(decoded, title=item.title)


def apply_labels(item: Item, labels: Iterable[tuple[str, float]]) -> bool:
    """Make it a screenshot where the reader's classifier is sure; says whether that changed anything, to be saved."""
    sure = any(label == SCREEN_LABEL and probability >= SURE for label, probability in labels)
    changed = sure and _may_change(item) and not item.depicts and item.kind != Kind.SCREENSHOT
    if changed:
        item.kind = Kind.SCREENSHOT
    return changed


def apply_word(item: Item, depicts: str) -> None:
    """Set the kind by what a captioner takes the picture for, unless a person said otherwise. The caller saves it."""
    if _may_change(item) and depicts != UNSURE:
        item.kind = Kind.SCREENSHOT if depicts == "screenshot" else Kind.IMAGE


def _may_change(item: Item) -> bool:
    return item.kind_set_by == KindSetBy.RULE and item.is_picture

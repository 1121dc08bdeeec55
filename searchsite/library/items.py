"""What the stages find out about an item, written to it."""

from __future__ import annotations

import re

from searchsite.library.decoder.protocol import Decoded, Facts
from searchsite.library.models import Item, Kind, KindSetBy

# Windows and text are drawn in flat colours and kept without loss; photos are neither. Checked on 820 screenshots of
# programs (98 % told) and 398 photos (none mistaken; 2.5 % would be, were they kept without loss).
LEAST_FLAT = 0.7
# Clip art and icons are flat as well, but mostly see-through, or tiny.
MOST_CLEAR = 0.5
LEAST_SIDES = (96, 192)
# Programs name their screenshots so; a name also tells those that were compressed with loss on their way.
NAMES = re.compile(
    r"^(screen[ _-]?(shot|capture|grab|clip)|bildschirmfoto|capture d.écran|captura de pantalla|schermafbeelding)", re.I
)


def is_screenshot(decoded: Decoded, *, title: str = "") -> bool:
    """Whether the picture shows a screen, by a rule that costs nothing. A person may say otherwise."""
    facts: Facts = decoded.facts
    if facts.camera:
        return False
    if NAMES.match(title):
        return True
    sides = sorted((decoded.width, decoded.height))
    large = sides[0] >= LEAST_SIDES[0] and sides[1] >= LEAST_SIDES[1]
    return large and facts.lossless and facts.flat >= LEAST_FLAT and facts.clear < MOST_CLEAR


def apply_decoded(item: Item, decoded: Decoded) -> None:
    """Write what decoding found out. Call it where the job is finished, with the item's row locked."""
    item.width, item.height, item.placeholder = decoded.width, decoded.height, decoded.placeholder
    # What a captioner saw stands until it looks again.
    if item.kind_set_by == KindSetBy.RULE and item.is_picture and not item.depicts:
        item.kind = Kind.SCREENSHOT if is_screenshot(decoded, title=item.title) else Kind.IMAGE
    item.save(update_fields=["width", "height", "placeholder", "kind"])

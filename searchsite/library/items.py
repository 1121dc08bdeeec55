"""What the stages find out about an item, written to it."""

from __future__ import annotations

from searchsite.library import kinds
from searchsite.library.decoder.protocol import Decoded
from searchsite.library.models import Item


def apply_decoded(item: Item, decoded: Decoded) -> None:
    """Write what decoding found out. Call it where the job is finished, with the item's row locked."""
    kinds.apply_look(item, decoded)
    item.width, item.height, item.placeholder = decoded.width, decoded.height, decoded.placeholder
    item.save(update_fields=["width", "height", "placeholder", "kind"])

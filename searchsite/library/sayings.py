"""What is said of a picture: its caption, and the text that stands in it. A person's word stays.

All of it is written with the item's row locked, so that a person and the networks come one after the other, and so
that a running embed, which locks the item too, overlooks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from searchsite.library import kinds, passages
from searchsite.library.models import PASSAGE_CHARS, Author, Channel, Item, Part, PartRole

MOST_PASSAGES = 20
CAPTION_CHARS = PASSAGE_CHARS
TEXT_CHARS = MOST_PASSAGES * PASSAGE_CHARS


@dataclass(frozen=True)
class Voice:
    """Who speaks, and which network that is; ISO 639-1 of what is said, where known."""

    author: Author
    network: str = ""
    language: str = ""


PERSON = Voice(Author.PERSON)


@dataclass(frozen=True)
class Saying:
    """A piece of text, and where in the picture its words stand, where known."""

    text: str
    locator: dict[str, Any] = field(default_factory=dict)


def author_of(item: Item, role: PartRole) -> str | None:
    """Who wrote the item's caption or text; None where nobody said anything."""
    return Part.objects.filter(item=item, role=role).order_by("ordinal").values_list("set_by", flat=True).first()


def split(text: str) -> list[Saying]:
    """A text in pieces that one vector can stand for; what is too long is cut off."""
    return [Saying(passage.text) for passage in passages.split(text)[:MOST_PASSAGES]] if text.strip() else []


def write(item: Item, role: PartRole, said: Sequence[Saying], voice: Voice) -> bool:
    """Make this the item's caption or text, unless a person wrote it and no person speaks now. False: it stayed.

    A piece that says the same as before keeps its row, and so its vector. A person who says nothing leaves an empty
    part behind: the picture is to have none. Only captioners know languages; what they said of it is kept.
    """
    if voice.author != Author.PERSON and author_of(item, role) == Author.PERSON:
        return False
    if not said:
        # The row goes, as its vector hangs on it.
        Part.objects.filter(item=item, role=role).delete()
    kept = said or ([Saying("")] if voice.author == Author.PERSON else [])
    language = {"language": voice.language} if voice.author == Author.CAPTIONER else {}
    for ordinal, one in enumerate(kept):
        Part.objects.update_or_create(
            item=item,
            role=role,
            ordinal=ordinal,
            defaults={
                "channel": Channel.TEXT,
                "text": one.text,
                "locator": one.locator,
                **language,
                "set_by": voice.author,
                "network": voice.network,
            },
        )
    Part.objects.filter(item=item, role=role, ordinal__gte=len(kept)).delete()
    return True


def set_depicts(item: Item, depicts: str) -> None:
    """Note what a captioner takes the picture for; a screenshot is one by its word, unless a person said otherwise."""
    item.depicts = depicts
    kinds.apply_word(item, depicts)
    item.save(update_fields=["depicts", "kind"])

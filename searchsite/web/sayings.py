"""What a page says of a picture in words, who said it, and in which language."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf.locale import LANG_INFO
from django.utils.translation import gettext as _

from searchsite.library.models import Author, Item, Kind, Part


@dataclass(frozen=True)
class Said:
    """A text of one role. `by` is a sentence on who said it, or empty; `language` is the name of a language."""

    text: str
    by: str
    language: str
    by_person: bool


SAME = {("photo", Kind.IMAGE), ("screenshot", Kind.SCREENSHOT)}
NOTHING = Said("", "", "", by_person=False)


def of(item: Item) -> dict[str, Said]:
    """Return what is said, by role: passages lie end to end, so that joined they are the whole."""
    found: dict[str, list[Part]] = {}
    for part in Part.objects.filter(item=item).defer("search").order_by("role", "ordinal"):
        found.setdefault(part.role, []).append(part)
    return {role: _said(parts) for role, parts in found.items()}


def depicted(item: Item) -> str:
    """Return for people what a captioner takes a picture for, where that says more than its kind does."""
    names = {
        "photo": _("A photo"),
        "screenshot": _("A screenshot"),
        "document": _("A document"),
        "diagram": _("A diagram"),
        "chart": _("A chart"),
        "illustration": _("An illustration"),
    }
    return "" if (item.depicts, item.kind) in SAME else names.get(item.depicts, "")


def _said(parts: list[Part]) -> Said:
    first, text = parts[0], "".join(part.text for part in parts)
    language = LANG_INFO.get(first.language, {}).get("name_local", first.language)
    return Said(text, _by(first) if text or first.set_by == Author.PERSON else "", language, first.set_by == "person")


def _by(part: Part) -> str:
    if part.set_by == Author.PERSON:
        return _("In a person's words.") if part.text else _("A person removed it.")
    if part.set_by == Author.CAPTIONER:
        return _("Written by %(network)s.") % {"network": part.network}
    return _("Read by the built-in reader.") if part.set_by == Author.READER else ""

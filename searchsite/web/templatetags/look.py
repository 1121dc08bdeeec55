"""Small pieces of the pages' look."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from searchsite.indexing import vocabulary
from searchsite.library import signing

register = template.Library()
register.filter("stage_name", vocabulary.stage_name)
register.filter("stage_state", vocabulary.state_name)

STAGE_ICONS = {"done": "check", "running": "running", "failed": "alert", "waiting": "clock"}


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: str = "") -> SafeString:
    """Return one icon of the sprite, hidden from screen readers: the words beside it speak."""
    href = f"{static('web/icons.svg')}#{name}"
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="{}"></use></svg>', size, href)


@register.simple_tag
def still(name: str) -> SafeString:
    """Return a template that is the same for everybody: rendered once in each language, as it costs 1 to 2 ms."""
    return _still(name, get_language()) if not settings.DEBUG else render_to_string(name)


@lru_cache(maxsize=64)
def _still(name: str, _language: str | None) -> SafeString:
    return render_to_string(name)


@register.simple_tag
def picture(public_id: UUID, size: int) -> str:
    """Return where a picture is shown that the person may see: here, or signed at the host of files."""
    return signing.shown(reverse("thumbnail", args=[public_id, size]))


@register.filter
def shape(width: int | None, height: int | None = None) -> str:
    """Return the class of a picture's shape: width / height in steps of 0.05, within what a row can show."""
    ratio = (width / height) if width and height else 1.25
    return f"ar-{min(260, max(70, round(ratio * 20) * 5))}"


# A text is shown as wide as it needs: letters up to which a card has this ratio, and so much room beyond.
TEXT_SHAPES = ((40, 85), (110, 100), (240, 115))


def text_shape(letters: int) -> str:
    """Return the class of a text's card: the less there is to read, the narrower; few words stand in large letters."""
    ratio = next((ratio for most, ratio in TEXT_SHAPES if letters <= most), 125)
    return f"ar-{ratio} brief" if letters <= TEXT_SHAPES[0][0] else f"ar-{ratio}"


@register.filter
def readable(title: str) -> str:
    """Return a title as people read it: in one that is a file's name, underscores are blanks."""
    return title if " " in title else " ".join(title.replace("_", " ").split()) or title


@register.filter
def kind_name(kind: str) -> str:
    """Return a kind's name for people."""
    return {"image": _("Photo"), "screenshot": _("Screenshot"), "text": _("Text")}.get(kind, kind)


@register.filter
def kind_icon(kind: str) -> str:
    """Return the name of a kind's icon."""
    return kind if kind in ("image", "screenshot") else "text"


@register.filter
def stage_icon(state: str) -> str:
    """Return the name of the icon of a stage's state."""
    return STAGE_ICONS.get(state, "off")


@register.filter
def stage_class(state: str) -> str:
    """Return the class of a stage's state."""
    return state if state in STAGE_ICONS else "off"

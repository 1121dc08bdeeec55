"""Whether the pages offer to answer questions, and to search by a picture."""

from __future__ import annotations

from django import template

from searchsite.answers import asking
from searchsite.indexing import spaces

register = template.Library()


@register.simple_tag
def can_ask() -> bool:
    """Whether a network that answers is configured: it looks at the settings, and calls nobody."""
    return asking.is_configured()


@register.simple_tag
def sees_pictures() -> bool:
    """Whether one can search by a picture: not where the embedder that answers takes texts only."""
    space = spaces.active()
    return space is None or space.takes_pictures

"""Whether the pages offer to answer questions."""

from __future__ import annotations

from django import template

from searchsite.answers import asking

register = template.Library()


@register.simple_tag
def can_ask() -> bool:
    """Whether a network that answers is configured: it looks at the settings, and calls nobody."""
    return asking.is_configured()

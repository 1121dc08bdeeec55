"""Lengths of time, roughly, as people say them."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()


def lasting(seconds: float | None) -> str:
    """A length of time, roughly; empty where it is not known."""
    if seconds is None:
        return ""
    if seconds < 90:
        return _("about a minute") if seconds > 45 else _("less than a minute")
    if seconds < 2 * 3600:
        return _("about %(n)d minutes") % {"n": round(seconds / 60)}
    if seconds < 2 * 86_400:
        return _("about %(n)d hours") % {"n": round(seconds / 3600)}
    return _("about %(n)d days") % {"n": round(seconds / 86_400)}


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago, in minutes at the finest: a page that changes each second has no rest."""
    if moment is None:
        return ""
    minutes = int((timezone.now() - moment).total_seconds() // 60)
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", minutes) % {"n": minutes}
    if minutes < 48 * 60:
        return ngettext("%(n)d hour ago", "%(n)d hours ago", minutes // 60) % {"n": minutes // 60}
    return ngettext("%(n)d day ago", "%(n)d days ago", minutes // 1440) % {"n": minutes // 1440}

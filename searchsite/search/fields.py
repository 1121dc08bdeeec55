"""The fields that can be written into a question, as `field:value`, and what their values say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from django.utils.translation import gettext as _

from searchsite.library.models import Kind
from searchsite.library.wording import normalise_tag
from searchsite.search.wrong import BadQuestion

Value = str | date | timedelta
NAMES = {"type": "kind"} | {name: name for name in ("kind", "tag", "in", "by", "after", "before", "age")}
KINDS = {
    name: str(kind)
    for kind, names in {
        Kind.IMAGE: ("image", "images", "photo", "photos", "picture", "pictures"),
        Kind.SCREENSHOT: ("screenshot", "screenshots"),
        Kind.TEXT: ("text", "texts", "note", "notes"),
    }.items()
    for name in names
}
AGE = re.compile(r"(?P<way>[<>]?)(?P<number>\d{1,4})(?P<unit>[hdwmy])", re.ASCII)
HOURS = {"h": 1, "d": 24, "w": 24 * 7, "m": 24 * 30, "y": 24 * 365}
DAY = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", re.ASCII)


def value_of(field: str, text: str) -> Value:
    """A kind, a tag, a name, a first day, or how long ago at most (negative: at least). Raises BadQuestion."""
    return _VALUES[field](text)


def _kind(value: str) -> str:
    if (kind := KINDS.get(value.lower())) is None:
        raise BadQuestion(_("After kind: comes photo, screenshot or text."))
    return kind


def _tag(value: str) -> str:
    if not (tag := normalise_tag(value)):
        raise BadQuestion(_("After tag: comes the name of a tag."))
    return tag


def _day(value: str) -> date:
    if found := DAY.fullmatch(value):
        try:
            return date(*(int(one or 1) for one in found.groups()))
        except ValueError:
            pass
    raise BadQuestion(_("After after: and before: comes a day, such as 2026-01-31, a month, 2026-01, or a year, 2026."))


def _age(value: str) -> timedelta:
    if (found := AGE.fullmatch(value.lower())) is None:
        raise BadQuestion(_("After age: comes a span, such as <1w or >3m; its units are h, d, w, m and y."))
    span = timedelta(hours=int(found["number"]) * HOURS[found["unit"]])
    # Longer ago than no time at all is still longer ago.
    return -max(span, timedelta.resolution) if found["way"] == ">" else span


_VALUES: Mapping[str, Callable[[str], Value]] = {
    "kind": _kind,
    "tag": _tag,
    "in": str,
    "by": str,
    "after": _day,
    "before": _day,
    "age": _age,
}

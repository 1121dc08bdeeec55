"""The lines between cards: days or months in lists by date, and where the less likely begin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from searchsite.search.find import Hit
from searchsite.search.questions import Question
from searchsite.web.cards import Card

GRAINS = ("day", "month")
# Days with fewer items than this on average stand under their months.
FEW = 3


def grain_of(question: Question, hits: Sequence[Hit], asked: str) -> str:
    """Whether days or months head the list; nothing by relevance. Later pages ask for what the first page had."""
    if not hits or (question.seeks and question.sort == "relevance"):
        return ""
    if asked in GRAINS:
        return asked
    days = {timezone.localdate(hit.item.created_at) for hit in hits}
    return "day" if len(days) == 1 or len(hits) >= FEW * len(days) else "month"


def by_date(cards: Sequence[Card], grain: str) -> None:
    """Put a line before the first card of each day or month."""
    today, before = timezone.localdate(), ""
    for card in cards:
        day = datetime.fromisoformat(card["moment"]).date()
        line = day.isoformat()[: 10 if grain == "day" else 7]
        if line != before:
            card["line"] = line
            card["head"] = _day(day, today) if grain == "day" else date_format(day, "YEAR_MONTH_FORMAT")
        before = line


def by_likelihood(cards: Sequence[Card]) -> None:
    """Put a line before the first of the weak ones, which end the list. On later pages it stands there already."""
    first = next((card for card in cards if card["weak"]), None)
    if first is not None:
        first["line"] = "weak"


def _day(day: date, today: date) -> str:
    if day == today:
        return _("Today")
    if day == today - timedelta(days=1):
        return _("Yesterday")
    named = {"weekday": WEEKDAYS[day.weekday()], "day": day.day, "month": MONTHS[day.month], "year": day.year}
    return _("%(weekday)s, %(day)s %(month)s %(year)s") % named

"""Amounts and counts of usage, as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from searchsite.accounts.ledger import Sums
from searchsite.accounts.prices import dollars, exactly
from searchsite.library.numbers import grouped

register = template.Library()
register.filter("dollars", dollars)
OPERATIONS: Mapping[str, Any] = {
    "embed": gettext_lazy("Embedding"),
    "query": gettext_lazy("Questions"),
    "read": gettext_lazy("Reading text"),
    "caption": gettext_lazy("Captions"),
    "rerank": gettext_lazy("Reranking"),
    "answer": gettext_lazy("Answers"),
}


@register.filter
def price(sums: Sums) -> str:
    """What is known of the cost, and whether some of it is not."""
    if sums.cost is None:
        return _("unknown") if sums.unpriced else dollars(Decimal(0))
    known = dollars(sums.cost)
    return " + ".join((known, _("unknown"))) if sums.unpriced else known


@register.filter
def count(number: int) -> str:
    """A number with its thousands apart."""
    return grouped(number)


@register.filter
def operation_name(operation: str) -> str:
    """What a network was asked to do, for people."""
    return str(OPERATIONS.get(operation, operation))


@register.filter
def amount(listed: Decimal | None) -> str:
    """One price of a network's; a dash where the table has none."""
    return "–" if listed is None else exactly(listed)

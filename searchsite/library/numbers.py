"""Numbers as people of the page's language write them; for programs they stay plain."""

from __future__ import annotations

from django.template.defaultfilters import floatformat
from django.utils.formats import number_format


def grouped(number: int) -> str:
    """A whole number with its thousands apart."""
    return number_format(number, force_grouping=True)


def rounded(number: float, digits: int) -> str:
    """A number with so many digits after the point."""
    return str(floatformat(number, f"{digits}g"))

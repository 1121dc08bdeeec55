"""Columns of the admin's lists in the language of the page, where Django's own show what is stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from searchsite.library.numbers import grouped

# The stubs of Django's admin know a read-only field by its name alone.
Column = Any


def column(name: str, label: str | Promise, written: Callable[[Any], str]) -> Column:
    """A column, written by a function of its value."""

    def shown(row: Any) -> str:
        return written(getattr(row, name))

    shown.__name__ = name
    description: Any = label  # lazy: said in the language of each request
    return admin.display(description=description, ordering=name)(shown)


def yes_or_no(name: str, label: str | Promise) -> Column:
    """Whether something is so, in a word: Django's icons say it in English."""
    return column(name, label, lambda value: _("Yes") if value else _("No"))


def figure(name: str, label: str | Promise) -> Column:
    """A number with its thousands apart."""
    return column(name, label, grouped)

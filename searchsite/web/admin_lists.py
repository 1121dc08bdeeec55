"""Lists of the admin that stay quick with a million rows: nothing is counted beyond a thousand, deep pages by keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import InvalidPage, Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from searchsite.library.numbers import grouped

# Up to here rows are counted one by one; beyond, the planner's guess is shown as what it is.
COUNTED = 1000
DEEP, DEEPEST = 1000, 200_000


class Estimate(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Pages of a list whose length is only known as far as it matters."""

    exact = False
    # Whether the planner is worth asking: about words and other tables it knows little.
    guesses = True

    @cached_property
    def count(self) -> int:
        """The number of rows, or about how many where they are many."""
        if not isinstance(self.object_list, QuerySet):
            self.exact = True
            return len(self.object_list)
        found = len(self.object_list.order_by().values_list("pk", flat=True)[: COUNTED + 1])
        self.exact = found <= COUNTED
        return found if self.exact or not self.guesses else max(self._guess(), found)

    def page(self, number: Any) -> Page[Any]:
        """One page, and whether there is a next one: it asks for one row more."""
        number = self._valid(number)
        first = (number - 1) * self.per_page
        rows = list(self._rows(first, first + self.per_page + 1))
        if not rows and number > 1:
            raise InvalidPage(_("That page contains no results."))
        self.more = len(rows) > self.per_page
        return Page(rows[: self.per_page], number, self)

    def _valid(self, number: Any) -> int:
        try:
            asked = int(number)
        except (TypeError, ValueError) as error:
            raise InvalidPage(_("That page number is not an integer.")) from error
        if not 1 <= asked <= DEEPEST // self.per_page:
            raise InvalidPage(_("That page is too far away: narrow the list by a filter."))
        return asked

    def _rows(self, first: int, last: int) -> Sequence[Any]:
        """Far down the rows that are passed over cost less where only their keys are read."""
        rows: Any = self.object_list
        if first < DEEP or not isinstance(rows, QuerySet):
            return list(rows[first:last])
        keys = list(rows.values_list("pk", flat=True)[first:last])
        return list(rows.filter(pk__in=keys)) if keys else []

    def _guess(self) -> int:
        rows: Any = self.object_list
        plan = rows.order_by().values_list("pk").explain(format="json")
        return int(json.loads(plan)[0]["Plan"]["Plan Rows"])


class QuickList(ChangeList):
    """Django's list without its counts of everything."""

    more = exact = sure = False

    def get_filters_params(self, params: Any = None) -> Any:
        """What the address filters by. The database takes no NUL, so no list has such a value."""
        asked = super().get_filters_params(params)
        if any("\0" in part for name, values in asked.items() for part in (name, *values)):
            raise IncorrectLookupParameters
        return asked

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page that is asked for."""
        site: Any = self.model_admin
        self.sure = not (self.query or site.unsure & set(self.params))
        pages = Estimate(self.queryset, self.list_per_page)
        pages.guesses = self.sure
        try:
            rows = pages.page(self.page_num).object_list
        except InvalidPage as error:
            raise IncorrectLookupParameters from error
        self.more = pages.more
        # A first page that is not full says how many there are, without another query.
        alone = self.page_num == 1 and not self.more
        self.result_count = len(rows) if alone else pages.count
        self.exact = alone or pages.exact
        self.result_list = site.finished(request, rows)
        self.full_result_count, self.show_full_result_count = None, False
        self.can_show_all, self.show_all = False, False
        self.show_admin_actions = bool(rows) or self.page_num > 1
        self.multi_page = self.more or self.page_num > 1
        self.paginator = pages

    @property
    def total(self) -> str:
        """How many rows there are, as far as that is known."""
        names = (self.opts.verbose_name, self.opts.verbose_name_plural)
        if self.exact:
            return f"{grouped(self.result_count)} {names[self.result_count != 1]}"
        if not self.sure:
            return _("more than %(number)s %(things)s") % {"number": grouped(COUNTED), "things": names[1]}
        return _("about %(number)s %(things)s") % {"number": grouped(rounded(self.result_count)), "things": names[1]}

    @property
    def pages(self) -> str:
        """About how many pages there are; nothing where that can't be told."""
        if self.exact:
            return grouped(-(-self.result_count // self.list_per_page))
        if not self.sure:
            return ""
        return _("about %(number)s") % {"number": grouped(rounded(self.result_count) // self.list_per_page)}

    @property
    def older(self) -> str:
        """The address of the next page."""
        return self.get_query_string({"p": self.page_num + 1}) if self.more else ""

    @property
    def newer(self) -> str:
        """The address of the page before."""
        return self.get_query_string({"p": self.page_num - 1}) if self.page_num > 1 else ""

    @property
    def first(self) -> str:
        """The address of the first page, from the third on."""
        return self.get_query_string(remove=["p"]) if self.page_num > 2 else ""


def rounded(number: int) -> int:
    """A guess with two digits that count."""
    step: int = 10 ** max(len(str(number)) - 2, 0)
    return round(number / step) * step

"""The names of collections and people that a question may say, and those that are said where it says another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import LiteralString

from django.db import connection
from django.utils.translation import gettext as _

from searchsite.library.models import Collection

MOST = 5
# Not EXISTS: that would be joined, which walks through all items.
PEOPLE: LiteralString = """
SELECT username FROM membership JOIN user_account ON user_account.id = membership.user_id
WHERE membership.team_id = %(team)s AND (
    SELECT true FROM item WHERE item.created_by_id = user_account.id AND item.collection_id = ANY(%(within)s::bigint[])
    LIMIT 1)
ORDER BY strpos(upper(username), upper(%(name)s)) = 0, username LIMIT %(most)s
"""


def collections_called(name: str, within: Sequence[int]) -> list[int]:
    """The collections of this name, as it is stored or as it is shown."""
    sought = name.casefold()
    return [one.pk for one in places(within) if sought in (one.name.casefold(), one.shown_name.casefold())]


def collections(name: str, within: Sequence[int]) -> list[str]:
    """Names of collections, those that have this one in them first; one more than are said, where there are."""
    sought = name.casefold()
    named = dict.fromkeys(str(one.shown_name) for one in places(within))
    return sorted(named, key=lambda one: (sought not in one.casefold(), one.casefold()))[: MOST + 1]


def people(name: str, team: int, within: Sequence[int]) -> list[str]:
    """Names of the team's people who have put something into these collections, those that have this one in them first;
    one more than are said, where there are.
    """
    with connection.cursor() as cursor:
        cursor.execute(PEOPLE, {"name": name, "team": team, "within": list(within), "most": MOST + 1})
        return [row[0] for row in cursor.fetchall()]


def with_names(said: str, names: Sequence[str]) -> str:
    """What is not there, and some of the names that are."""
    if not names:
        return said
    pattern = _("There are, among others: %(names)s.") if len(names) > MOST else _("There are: %(names)s.")
    return f"{said} {pattern % {'names': ', '.join(names[:MOST])}}"


def places(within: Sequence[int]) -> Iterable[Collection]:
    """These collections, as far as their names go."""
    return Collection.objects.filter(pk__in=within).only("name", "purpose")

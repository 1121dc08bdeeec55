"""How long suggestions, words put right, folding and the review take in a library as it is: medians and worst in ms.

DATA_DIR=... manage.py make_items --count 200000
DATA_DIR=... python -m bench.suggesting
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

import django
from django.db import OperationalError, transaction

ROUNDS = 15
TYPED = (
    "ha",
    "har",
    "harb",
    "harbo",
    "harbour",
    "red b",
    "old wooden br",
    "wooden",
    "tag:har",
    "in:mea",
    "by:a",
    "zzq",
    "harbuor",
)
MISSPELT = ("harbuor", "wodden", "kitchne window", "mountian", "qwertzuiop")


def main() -> None:
    """Print a line for each."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
    django.setup()
    from searchsite.accounts.models import Membership  # noqa: PLC0415
    from searchsite.library.models import Item  # noqa: PLC0415
    from searchsite.library.scope import scope_for  # noqa: PLC0415
    from searchsite.search import duplicates, reviewing, spelling, suggesting  # noqa: PLC0415

    member = Membership.objects.order_by("pk").first()
    assert member is not None
    scope = scope_for(member.user, member.team_id)
    seen = Item.objects.visible_to(scope)  # type: ignore[attr-defined]
    print(f"{seen.count():,} items, {len(scope.collection_ids)} collections")
    for typed in TYPED:
        _report(f"suggest {typed!r}", lambda typed=typed: len(suggesting.suggest(typed, scope)))

    def near(word: str) -> str:
        try:
            with transaction.atomic():
                return spelling.nearest(word, scope)
        except OperationalError:
            return "too slow"

    for word in MISSPELT:
        _report(f"nearest {word!r}", lambda word=word: near(word.split()[0]))
        _report(f"corrected {word!r}", lambda word=word: spelling.corrected(word, (), scope))
    ids = list(
        Item.objects.filter(collection__in=scope.collection_ids).order_by("-pk").values_list("pk", flat=True)[:300]
    )
    _report("copies among 300", lambda: len(duplicates.among(ids, scope, None)))
    _report("review page", lambda: reviewing.review(scope, first=0, number=10).total)


def _report(name: str, work: Callable[[], object]) -> None:
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found = work()
        took.append((time.perf_counter() - start) * 1000)
    print(f"{name:30} {statistics.median(took):7.1f} {max(took):7.1f}   {found}")


if __name__ == "__main__":
    main()

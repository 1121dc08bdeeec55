"""Opens the pages of the admin, or with `library` those of the library, of this environment: what each costs, warm."""

from __future__ import annotations

import os
import re
import statistics
import sys
import time
from dataclasses import dataclass

import django
import psutil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
django.setup()

from django.contrib import admin  # noqa: E402  # these need Django set up
from django.contrib.auth.models import AbstractUser  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext, setup_test_environment  # noqa: E402
from django.urls import reverse  # noqa: E402

from searchsite.accounts.models import Membership, Role, User  # noqa: E402
from searchsite.library.models import Collection, Item  # noqa: E402

ROUNDS = 5
COUNT = re.compile(r"count\(\*\)", re.IGNORECASE)


@dataclass(frozen=True)
class Visit:
    """What one page cost."""

    path: str
    queries: int
    counts: int
    milliseconds: float
    cpu: float
    slowest: str


def library_pages() -> list[str]:
    """Lists, searches and facets, narrowed and not."""
    some = Item.objects.filter(trashed_at=None).order_by("-id")[0]
    person = f"by={some.created_by.username}" if some.created_by else ""
    asked = ["", "q=red+boat", "q=a+boat+at+the+sea", "kind=image", f"kind=image&{person}", "q=red+boat&kind=image"]
    asked += [f"collection={some.collection.public_id}", f"q=red+boat&kind=image&{person}"]
    found = [f"{reverse(name)}?{one}" for name in ("search", "search-facets") for one in asked]
    return [*found, reverse("item", args=[some.public_id]), reverse("trash"), reverse("queue")]


def admin_pages() -> list[str]:
    """Every list and one form of each, and the item list in all the ways that could be slow."""
    items = reverse("admin:library_item_changelist")
    some = Item.objects.filter(trashed_at=None).order_by("-id").values_list("pk", flat=True)[0]
    place = Collection.objects.order_by("-id").values_list("pk", flat=True)[0]
    asked = ["", "kind__exact=screenshot", "status=failed", "status=embed", "status=ready", "status=processing"]
    asked += ["when=30", f"in={place}", "trash=1", "q=wooden+boat", "q=red", "q=arbo", "kind__exact=text&q=red"]
    asked += ["p=2", "p=200", "p=1900"]
    found = [reverse("admin:index"), *(f"{items}?{one}" for one in asked)]
    found += [reverse("admin:library_item_change", args=[some]), reverse("admin:library_item_history", args=[some])]
    found.append(reverse("admin:library_item_add"))
    for model, site in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if model is not Item:
            found.append(reverse(f"{name}_changelist"))
            row = site.model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
            if row is not None:
                found.append(reverse(f"{name}_change", args=[row]))
    jobs = reverse("admin:jobs_job_changelist")
    return [*found, f"{jobs}?state=dead", f"{jobs}?kind=embed", f"{jobs}?q={some}", f"{jobs}?p=2000"]


def visit(client: Client, path: str) -> Visit:
    """Open a page some times; the first is not counted."""
    client.get(path)
    times, worked = [], _worked()
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    # Each request forgets the queries of those before.
    queries = list(captured.captured_queries)
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = client.get(path)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    cpu = (_worked() - worked) * 1000 / (ROUNDS + 1)
    counts = sum(bool(COUNT.search(one["sql"])) for one in queries)
    slowest = max(queries, key=lambda one: float(one["time"]))
    shown = f"{float(slowest['time']) * 1000:.0f} ms {' '.join(slowest['sql'].split())[:60]}"
    return Visit(path, len(queries), counts, statistics.median(times), cpu, shown)


def _worked() -> float:
    """CPU seconds of this process and of its backend: where others use the cores, time alone says little."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0]).cpu_times()
    return time.process_time() + backend.user + backend.system


def main() -> None:
    """Visit as who leads the house; the admin's item list as an editor of the team, too."""
    setup_test_environment()
    chief: AbstractUser = User.objects.filter(is_superuser=True).order_by("id")[0]
    if "library" in sys.argv:
        visit_all(chief, library_pages())
        return
    found = admin_pages()
    visit_all(chief, found)
    visit_all(_editor(), [path for path in found if "item" in path or path == reverse("admin:index")])


def visit_all(user: AbstractUser, paths: list[str]) -> None:
    """Print a line for each page."""
    print(f"as {user}")
    client = Client()
    client.force_login(user)
    for path in paths:
        one = visit(client, path)
        cost = f"{one.milliseconds:6.0f} ms ({one.cpu:4.0f} of CPU)"
        row = f"{cost} {one.queries:3} queries {one.counts} count(*)  {one.path}"
        print(f"{row}  [{one.slowest}]" if "-v" in sys.argv else row)


def _editor() -> User:
    team = Item.objects.order_by("-id")[0].team
    user, _ = User.objects.get_or_create(username="editor-for-measuring", defaults={"is_staff": True})
    Membership.objects.get_or_create(team=team, user=user, defaults={"role": Role.EDITOR})
    return user


if __name__ == "__main__":
    main()

"""No page of the admin counts a table, and none needs more than twelve queries, however much there is."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from searchsite.accounts.models import ProviderCall, Role, Team, Usage, User
from searchsite.accounts.teams import add_member, create_team
from searchsite.accounts.tokens import create_token
from searchsite.indexing.models import Space
from searchsite.library.models import Collection, Item
from searchsite.ops import factory

MOST = 12
ITEMS = 2000
COUNT = re.compile(r"count\(\*\)", re.IGNORECASE)
WAYS = ("kind__exact=screenshot", "status=failed", "status=embed", "status=ready", "status=processing", "when=30")
WAYS += ("when=2026-01-31", "trash=1", "trash=7", "q=wooden+boat", "q=red", "q=arbo", "p=2", "p=25", "by=1", "team=1")


@pytest.fixture
def library(db, settings, tmp_path) -> Team:
    """2,000 items with all that belongs to them."""
    settings.MEDIA_ROOT = tmp_path / "media"
    alice = User.objects.create_user("alice", is_staff=True)
    team = create_team("garden", alice)
    for name in ("bob", "vera", "dan", "eve", "finn"):
        add_member(team, User.objects.create_user(name, is_staff=name == "bob"), role=Role.EDITOR)
    User.objects.create_superuser("root")
    factory.make(factory.Plan(team, ITEMS, 4))
    for place in Collection.objects.filter(team=team):
        for user in User.objects.exclude(username="root"):
            place.grants.create(user=user)
    Space.objects.create(adapter="http", embedder="small", dimensions=8, means={})
    Usage.objects.create(day="2026-01-01", team=team, operation="embed", embedder="small")
    ProviderCall.objects.create(team=team, operation="embed", network="small", provider="there")
    create_token(alice, team, name="laptop", scopes=frozenset({"read"}))
    return team


def forms() -> list[str]:
    """One form and one history of each registered model, and its page to add one."""
    found = []
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.order_by("pk").first()
        assert row is not None, f"these tests make no {model.__name__}"
        found += [reverse(f"{name}_change", args=[row.pk]), reverse(f"{name}_history", args=[row.pk])]
        found += [reverse(f"{name}_add")] * (Space is not model)
    return found


def lists() -> list[str]:
    """The list of each registered model, and that of items in every way it can be narrowed."""
    index = reverse("admin:index")  # pages register themselves with the addresses
    names = [f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist" for model in admin.site._registry]
    ways = [f"{reverse('admin:library_item_changelist')}?{way}" for way in WAYS]
    jobs = [f"{reverse('admin:jobs_job_changelist')}?{way}" for way in ("state=dead", "kind=embed", "q=7", "p=3")]
    return [index, *map(reverse, names), *ways, *jobs]


def costs(name: str, path: str) -> tuple[int, list[str]]:
    """The number of queries of a page that was opened before, and those that count; nothing where it is not theirs."""
    client = Client()
    client.force_login(User.objects.get(username=name))
    if client.get(path).status_code != 200:
        return 0, []
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    queries = [one["sql"] for one in captured.captured_queries]
    return len(queries), [sql for sql in queries if COUNT.search(sql)]


@pytest.mark.parametrize("name", ["root", "alice"])
def test_every_page_has_few_queries_and_counts_nothing(name, library) -> None:
    found = {path: costs(name, path) for path in [*lists(), *forms()]}
    assert {path: number for path, (number, _) in found.items() if number > MOST} == {}
    assert {path: sql for path, (_, sql) in found.items() if sql} == {}
    items = reverse("admin:library_item_changelist")
    assert all(found[path][0] for path in (reverse("admin:index"), items, f"{items}?q=red", f"{items}?trash=1"))


def test_a_list_says_about_how_long_it_is(library) -> None:
    page = opened("alice", "")
    assert re.search(r"about (1,9|2,0)00 items", page) and "Page 1 of about" in page
    assert "more than 1,000 items" in opened("alice", "status=ready")
    assert re.search(r"\b\d+ items", opened("alice", "trash=1"))


def test_a_page_beyond_the_last_leads_back(library) -> None:
    assert "Next page" in opened("alice", "p=30")
    last = opened("alice", "p=39")
    assert "Previous page" in last
    client = Client()
    client.force_login(User.objects.get(username="alice"))
    for far in ("p=99", "p=999999999999", "p=0"):
        assert client.get(f"{reverse('admin:library_item_changelist')}?{far}").status_code == 302


def test_pages_far_down_follow_each_other(library) -> None:
    ids = [pk for number in range(1, 41) for pk in shown("root", f"p={number}")]
    assert len(ids) == len(set(ids)) == Item.objects.filter(trashed_at=None).count()


def opened(name: str, query: str) -> str:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client.get(f"{reverse('admin:library_item_changelist')}?{query}").content.decode()


def shown(name: str, query: str) -> list[str]:
    return re.findall(r'name="_selected_action" value="(\d+)"', opened(name, query))

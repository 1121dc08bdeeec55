"""A house with something to see on every page, and the addresses of all its pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from searchsite.accounts import teams, tokens
from searchsite.accounts.models import AuditEntry, ProviderCall, Role, Team, Token, Usage, User
from searchsite.indexing.models import Space
from searchsite.jobs.models import Job, State
from searchsite.library import collections, edits, trash
from searchsite.library.models import Collection, CollectionGrant, Item, Kind, Tag
from tests import made

WRONG = "Qwerty quoth qxcv."


@dataclass(frozen=True)
class House:
    """What the pages are about."""

    team: Team
    photo: Item
    screenshot: Item
    note: Item
    failed: Item
    shelf: Collection


def furnish() -> House:
    """alice leads the house and the team, bob edits, vera looks. Nothing is indexed yet."""
    alice = User.objects.create_superuser("alice")
    team = teams.create_team("garden", alice)
    for name, role in (("bob", Role.EDITOR), ("vera", Role.VIEWER)):
        teams.add_member(team, User.objects.create_user(name, is_staff=name == "bob"), role=role)
    teams.create_team("den", User.objects.create_user("charlie"))
    shelf = collections.create_collection(team, "Qshelf", maker=alice)
    inbox = made.place(alice, team)
    photo = made.picture(inbox, "red", "Qboat", words="harbour")
    screenshot = made.picture(inbox, "blue", "Qscreen")
    note = made.note(inbox, "Walnut bread\n\nQlet qit qrest.", "Qnote")
    failed = made.note(inbox, "Qfronds", "Qfern")
    gone = made.note(inbox, "Qmossy", "Qmoss")
    made.note(made.place(alice, team, shelf), "Qrind", "Qbark")
    scope = made.rights_of(photo)
    edits.set_caption(photo, "Qcaption", scope=scope)
    edits.retag(photo, ["qtag", "qsea"], scope=scope)
    edits.set_kind(screenshot, Kind.SCREENSHOT, scope=scope)
    trash.trash(gone, scope=scope)
    CollectionGrant.objects.create(collection=shelf, user=User.objects.get(username="vera"), may_edit=True)
    tokens.create_token(alice, team, name="Qtoken", scopes=frozenset({"read"}))
    Token.objects.update(prefix="Qprefix")
    return House(team, photo, screenshot, note, failed, shelf)


def wear(house: House) -> None:
    """Let time leave its traces: a failure, what was spent, numbers that need separators."""
    Job.objects.filter(subject=house.failed.pk).update(
        state=State.DEAD, attempts=3, last_error=WRONG, finished_at=timezone.now() - timedelta(days=3)
    )
    spent = {"operation": "embed", "provider": "qhost.example", "team": house.team, "calls": 1234, "inputs": 56789}
    spent |= {"tokens": 1234567, "output_tokens": 1, "cost": Decimal("1234.5"), "seconds": 12.5}
    Usage.objects.create(day=timezone.now().date(), embedder="qnet", **spent)
    ProviderCall.objects.create(network="qnet", **spent)
    Team.objects.filter(pk=house.team.pk).update(budget_month=Decimal(1000))


def pages(house: House) -> Iterator[str]:
    """The addresses of all pages that can be looked at."""
    one, listed = house.photo.public_id, urlencode({"in": "kind=image"})
    yield from (
        "/",
        "/?kind=image&sort=oldest",
        "/?q=walnut",
        "/?q=hello",
        f"/?like={one}",
        "/?q=zzzz&by=alice&kind=image&kind=text",
    )
    yield from (f"/?collection={house.shelf.public_id}&tag=qtag", "/search/facets?q=walnut")
    yield from (
        "/search/picture",
        "/ask",
        "/ask?q=Why",
        f"/items/{one}?{listed}",
        f"/items/{house.screenshot.public_id}",
    )
    yield from (
        f"/items/{house.note.public_id}",
        f"/items/{house.failed.public_id}",
        f"/items/{house.note.public_id}/edit",
    )
    yield from (
        "/notes/new",
        "/upload",
        "/trash",
        "/duplicates",
        f"/selection/move?id={one}",
        "/usage",
        "/spaces",
        "/queue",
        "/saved",
        "/quality",
        "/quality/compare",
    )
    yield from ("/queue/missing", f"/queue/group?{urlencode({'kind': 'embed', 'state': 'dead', 'reason': WRONG})}")
    yield from ("/accounts/logout/", "/accounts/inactive/")


def refused() -> Iterator[str]:
    """Addresses that are answered by a page that says what is wrong with them."""
    yield from ("/?q=walnut&limit=x", "/nothing-here", "/items/11111111-1111-4111-8111-111111111111")


def admin_pages(house: House) -> Iterator[str]:
    """The admin's: each list, and one row of it, its history, and its end."""
    yield "/admin/"
    yield from ("/admin/library/item/?trash=1", "/admin/library/item/?q=zzzz", "/admin/password_change/")
    rows = {Item: house.photo, Collection: house.shelf, Team: house.team, Tag: Tag.objects.get(name="qtag")}
    for model in admin.site._registry:
        row = rows.get(model) or model._default_manager.first()
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        if model not in (AuditEntry, Job, Space, Usage, ProviderCall, Tag):
            yield reverse(f"{name}_add")
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])
            yield reverse(f"{name}_history", args=[row.pk])
        if model in (Collection, Tag, User, Token, Team):
            yield reverse(f"{name}_delete", args=[row.pk if row else 0])

"""People of the admin: alice leads the garden, bob edits, vera looks, all of staff; dan is not. charlie is away."""

from __future__ import annotations

from django.test import Client

from searchsite.accounts import teams
from searchsite.accounts.models import Role, Team, User
from searchsite.library import intake
from searchsite.library.models import Item
from searchsite.library.scope import scope_for


def garden() -> Team:
    team = teams.create_team("garden", User.objects.create_user("alice", is_staff=True))
    for name, role, staff in (("bob", Role.EDITOR, True), ("vera", Role.VIEWER, True), ("dan", Role.EDITOR, False)):
        teams.add_member(team, User.objects.create_user(name, is_staff=staff), role=role)
    return team


def burrow() -> Team:
    return teams.create_team("burrow", User.objects.create_user("charlie", is_staff=True))


def who(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def kept(team: Team, name: str, title: str) -> Item:
    """A note of somebody in the team's Inbox."""
    scope = scope_for(User.objects.get(username=name), team)
    return intake.add_text(f"{title} text", title=title, into=intake.place_for(scope, None, lane=5)).item


def act(client: Client, action: str, *ids: int, address: str = "/admin/library/item/", **asked: str) -> str:
    """Choose items and confirm at once; what the next page says."""
    data = {"action": action, "_selected_action": ids, "confirmed": "yes", **asked}
    return client.post(address, data, follow=True).content.decode()

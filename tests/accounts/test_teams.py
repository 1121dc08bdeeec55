"""Teams keep an admin, whatever happens."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from searchsite.accounts import teams
from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.accounts.tokens import create_token

pytestmark = pytest.mark.django_db


def membership(team: Team, user: User) -> Membership:
    return Membership.objects.get(team=team, user=user)


def test_the_maker_of_a_team_is_its_admin(team, alice) -> None:
    assert membership(team, alice).role == Role.ADMIN


def test_the_last_admin_can_neither_step_down_nor_leave(team, alice) -> None:
    with pytest.raises(teams.LastAdmin, match="garden needs an admin"):
        teams.change_role(membership(team, alice), Role.EDITOR)
    with pytest.raises(teams.LastAdmin):
        teams.remove_member(membership(team, alice))
    assert membership(team, alice).role == Role.ADMIN


def test_an_admin_may_leave_once_there_is_another(team, alice, bob) -> None:
    teams.change_role(membership(team, bob), Role.ADMIN)
    teams.remove_member(membership(team, alice))
    assert list(team.memberships.values_list("user__username", "role")) == [("bob", "admin")]


def test_an_admin_who_is_switched_off_does_not_count(team, alice, bob) -> None:
    teams.change_role(membership(team, bob), Role.ADMIN)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(teams.LastAdmin):
        teams.remove_member(membership(team, alice))


def test_an_unknown_role_is_refused(team, bob) -> None:
    with pytest.raises(ValueError, match="no role 'owner'"):
        teams.change_role(membership(team, bob), "owner")


def test_leaving_a_team_takes_the_tokens_along(team, bob) -> None:
    create_token(bob, team, name="laptop", scopes=frozenset({"read"}))
    teams.remove_member(membership(team, bob))
    assert not bob.tokens.exists()


def test_a_stranger_falls_back_to_a_team_of_their_own(team, charlie) -> None:
    own = teams.create_team("den", charlie)
    found = teams.membership_of(charlie, team.pk)
    assert found is not None and found.team == own


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_step_down_at_once() -> None:
    first, second = (User.objects.create_user(name) for name in ("first", "second"))
    team = teams.create_team("pair", first)
    teams.add_member(team, second, role=Role.ADMIN)
    start = threading.Barrier(2)

    def step_down(user: User) -> None:
        start.wait()
        try:
            teams.change_role(membership(team, user), Role.VIEWER)
        except teams.LastAdmin:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=step_down, args=(user,)) for user in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert team.memberships.filter(role=Role.ADMIN).count() == 1

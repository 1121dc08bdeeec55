"""The admin: staff work within their team, superusers everywhere."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.checks import check_admin_app
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from searchsite.accounts import teams
from searchsite.accounts.models import ProviderCall, Role, Team, Token, Usage, User
from searchsite.accounts.tokens import check_token, create_token
from searchsite.indexing.models import Space
from searchsite.jobs.models import Job
from searchsite.library import collections, intake, tags
from searchsite.library.models import Collection, Item, Part, Tag
from searchsite.library.scope import scope_for

pytestmark = pytest.mark.django_db

LISTS = [
    "library_item",
    "library_collection",
    "library_tag",
    "jobs_job",
    "indexing_space",
    "accounts_team",
    "accounts_token",
    "accounts_usage",
    "accounts_providercall",
    "accounts_user",
]


def entered(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def picture(colour: str = "teal") -> bytes:
    file = BytesIO()
    Image.new("RGB", (32, 24), colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def garden(db) -> Team:
    """alice leads it and is of staff, bob edits and is of staff, vera looks and is of staff, dan edits and is not."""
    team = teams.create_team("garden", User.objects.create_user("alice", is_staff=True))
    for name, role, staff in (("bob", Role.EDITOR, True), ("vera", Role.VIEWER, True), ("dan", Role.EDITOR, False)):
        teams.add_member(team, User.objects.create_user(name, is_staff=staff), role=role)
    return team


@pytest.fixture
def den(db) -> Team:
    return teams.create_team("burrow", User.objects.create_user("charlie", is_staff=True))


def who(name: str) -> Client:
    return entered(User.objects.get(username=name))


@pytest.fixture
def root(garden, den) -> Client:
    return entered(User.objects.create_superuser("root"))


def kept(team: Team, name: str, title: str) -> Item:
    scope = scope_for(User.objects.get(username=name), team)
    return intake.add_text(f"{title} text", title=title, into=intake.place_for(scope, None, lane=5)).item


@pytest.fixture
def both(garden, den) -> tuple[Item, Item]:
    return kept(garden, "alice", "Rose"), kept(den, "charlie", "Secret")


def everything(both: tuple[Item, Item], garden: Team) -> dict[str, int]:
    alice = User.objects.get(username="alice")
    tag = Tag.objects.create(team=garden, name="red")
    space = Space.objects.create(adapter="http", embedder="small", dimensions=8, means={})
    usage = Usage.objects.create(day="2026-01-01", operation="embed", embedder="small")
    call = ProviderCall.objects.create(team=garden, operation="embed", network="small", provider="there")
    token, _ = create_token(alice, garden, name="laptop", scopes=frozenset({"read"}))
    return {
        "library_item": both[0].pk,
        "library_collection": both[0].collection_id,
        "library_tag": tag.pk,
        "jobs_job": Job.objects.filter(subject=both[0].pk).get().pk,
        "indexing_space": space.pk,
        "accounts_team": garden.pk,
        "accounts_token": token.pk,
        "accounts_usage": usage.pk,
        "accounts_providercall": call.pk,
        "accounts_user": alice.pk,
    }


def test_every_page_opens_for_a_superuser(root, both, garden) -> None:
    assert root.get("/admin/").status_code == 200
    for name, pk in everything(both, garden).items():
        for address in (reverse(f"admin:{name}_changelist"), reverse(f"admin:{name}_change", args=[pk])):
            response = root.get(address)
            assert response.status_code == 200, address
            page = response.content.decode()
            assert " style=" not in page and "<style" not in page and " onclick=" not in page, address
            assert all(" src=" in tag.split(">")[0] for tag in page.split("<script")[1:]), address


def test_every_search_and_filter_answers(root, both) -> None:
    for query in ("q=rose", "status=processing", "status=ready", "status=failed", "kind=text", "q=%25%27", "p=9"):
        assert root.get(f"/admin/library/item/?{query}").status_code in (200, 302)


def test_the_admin_has_one_door_and_it_is_for_staff(garden) -> None:
    assert Client().get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/")
    assert Client().get("/admin/login/?next=/admin/")["Location"].startswith("/accounts/login/")
    assert who("dan").get("/admin/login/").status_code == 403
    assert who("dan").get("/admin/library/item/", follow=True).status_code == 403


def test_staff_see_only_their_team(both) -> None:
    page = who("alice").get("/admin/library/item/").content.decode()
    assert "Rose" in page and "Secret" not in page
    ours, theirs = (reverse("admin:library_item_change", args=[item.pk]) for item in both)
    assert who("bob").get(ours).status_code == 200
    assert "Secret" not in who("bob").get(theirs, follow=True).content.decode()


@pytest.mark.parametrize("name", ["library_collection", "library_tag", "jobs_job", "accounts_team", "accounts_token"])
def test_nothing_of_another_team_shows_in_any_list(both, garden, den, name) -> None:
    Tag.objects.create(team=den, name="secret")
    Collection.objects.create(team=den, name="Secret")
    create_token(User.objects.get(username="charlie"), den, name="Secret", scopes=frozenset({"read"}))
    page = who("alice").get(reverse(f"admin:{name}_changelist")).content.decode().lower()
    assert "secret" not in page and "burrow" not in page
    assert f">{Job.objects.get(subject=both[1].pk).pk}<" not in page


def test_people_and_their_rights_are_for_superusers(garden) -> None:
    assert who("alice").get("/admin/accounts/user/").status_code == 403
    assert who("alice").get("/admin/accounts/team/add/").status_code == 403


def test_a_private_collection_hides_from_other_staff(garden) -> None:
    alice = User.objects.get(username="alice")
    place = collections.create_collection(garden, "Diary", maker=alice, visibility="private")
    into = intake.place_for(scope_for(alice, garden), place.public_id, lane=5)
    intake.add_text("Dear diary", title="Private page", into=into)
    assert "Private page" in who("alice").get("/admin/library/item/").content.decode()
    assert "Private page" not in who("bob").get("/admin/library/item/").content.decode()


def send(client: Client, *files: SimpleUploadedFile, **more: object):
    return client.post("/admin/library/item/add/", {"file": list(files), **more}, follow=True)


def test_many_files_go_in_at_once_and_each_is_reported(garden) -> None:
    files = [SimpleUploadedFile(f"{name}.png", picture(name)) for name in ("red", "blue")]
    page = send(who("bob"), *files, SimpleUploadedFile("bad.png", b"<svg onload=alert(1)>")).content.decode()
    assert "“red.png” is in." in page and "“blue.png” is in." in page and "“bad.png”: " in page
    assert list(Item.objects.values_list("title", "created_by__username").order_by("id")) == [
        ("red", "bob"),
        ("blue", "bob"),
    ]
    again = send(who("bob"), SimpleUploadedFile("red.png", picture("red"))).content.decode()
    assert "“red.png” was there already." in again


def test_an_upload_without_files_says_so(garden) -> None:
    assert "This field is required" in send(who("bob")).content.decode()


def test_a_strange_name_is_shown_as_text(garden) -> None:
    page = send(who("bob"), SimpleUploadedFile("<img src=x onerror=alert(1)>.png", b"x")).content.decode()
    assert "<img src=x" not in page


def test_viewers_and_strangers_upload_nothing(both, garden, den) -> None:
    assert send(who("vera"), SimpleUploadedFile("a.png", picture())).status_code == 403
    theirs = both[1].collection
    send(who("bob"), SimpleUploadedFile("a.png", picture()), collection=theirs.public_id)
    assert Item.objects.filter(collection=theirs).count() == 1


def act(client: Client, name: str, action: str, *ids: int, **asked: str):
    data = {"action": action, "_selected_action": ids, "confirmed": "yes", **asked}
    return client.post(reverse(f"admin:{name}_changelist"), data, follow=True)


def test_items_go_to_the_trash_and_through_the_stages_again(both, garden) -> None:
    rose, secret = both
    Job.objects.update(state="done")
    act(who("bob"), "library_item", "reprocess", rose.pk, secret.pk, stage="decode")
    assert set(Job.objects.filter(state="ready").values_list("subject", flat=True)) == {rose.pk}
    act(who("bob"), "library_item", "move_to_trash", rose.pk, secret.pk)
    assert list(Item.objects.filter(trashed_at__isnull=False)) == [rose]


def test_a_viewer_has_no_actions(both) -> None:
    act(who("vera"), "library_item", "move_to_trash", both[0].pk)
    assert not Item.objects.filter(trashed_at__isnull=False).exists()


def test_jobs_are_cancelled_and_tried_again_within_the_team(both) -> None:
    ours, theirs = (Job.objects.get(subject=item.pk) for item in both)
    act(who("bob"), "jobs_job", "cancel", ours.pk, theirs.pk)
    assert [Job.objects.get(pk=one.pk).state for one in (ours, theirs)] == ["cancelled", "ready"]
    act(who("bob"), "jobs_job", "retry", ours.pk)
    assert Job.objects.get(pk=ours.pk).state == "ready"
    assert who("bob").post(reverse("admin:jobs_job_change", args=[ours.pk]), {"state": "done"}).status_code == 403


def test_a_token_is_shown_once_and_never_edited(garden) -> None:
    alice = User.objects.get(username="alice")
    data = {"user": alice.pk, "team": garden.pk, "name": "laptop", "scopes": ["read", "write"]}
    page = who("alice").post("/admin/accounts/token/add/", data, follow=True).content.decode()
    secret = page.split('class="secret">')[1].split("<")[0]
    token = check_token(secret)
    assert token is not None and token.scope_names == {"read", "write"}
    address = reverse("admin:accounts_token_change", args=[token.pk])
    assert secret not in who("alice").get(address).content.decode()
    assert who("alice").post(address, {"scopes": "read"}).status_code == 403


def test_nobody_makes_a_token_for_another(garden, den) -> None:
    charlie = User.objects.get(username="charlie")
    for user, team in ((charlie, den), (User.objects.get(username="bob"), garden)):
        data = {"user": user.pk, "team": team.pk, "name": "x", "scopes": ["read"]}
        assert who("alice").post("/admin/accounts/token/add/", data).status_code == 200
    assert not Token.objects.exists()


def members(garden: Team, **roles: str) -> dict[str, object]:
    rows = list(garden.memberships.order_by("id"))
    data: dict[str, object] = {"name": "garden", "memberships-TOTAL_FORMS": len(rows), "memberships-INITIAL_FORMS": 4}
    for number, row in enumerate(rows):
        role = roles.get(row.user.username, row.role)
        data |= {f"memberships-{number}-id": row.pk, f"memberships-{number}-team": garden.pk}
        data |= {f"memberships-{number}-user": row.user_id, f"memberships-{number}-role": role}
    return data


def test_a_team_keeps_an_admin(garden) -> None:
    address = reverse("admin:accounts_team_change", args=[garden.pk])
    page = who("alice").post(address, members(garden, alice="viewer")).content.decode()
    assert "A team needs an admin." in page
    assert who("alice").post(address, members(garden, bob="admin")).status_code == 302
    assert set(garden.memberships.filter(role="admin").values_list("user__username", flat=True)) == {"alice", "bob"}


def test_only_the_teams_admins_change_roles(garden) -> None:
    address = reverse("admin:accounts_team_change", args=[garden.pk])
    assert who("bob").post(address, members(garden, bob="admin")).status_code == 403


def test_an_admin_who_is_switched_off_does_not_count(garden) -> None:
    User.objects.filter(username="bob").update(is_active=False)
    address = reverse("admin:accounts_team_change", args=[garden.pk])
    page = who("alice").post(address, members(garden, bob="admin", alice="viewer")).content.decode()
    assert "A team needs an admin." in page


def test_an_admin_steps_down_for_another(garden) -> None:
    address = reverse("admin:accounts_team_change", args=[garden.pk])
    assert who("alice").post(address, members(garden, dan="admin", alice="viewer")).status_code == 302
    assert list(garden.memberships.filter(role="admin").values_list("user__username", flat=True)) == ["dan"]


def test_who_is_taken_out_loses_their_tokens_in_the_team(root, garden, den) -> None:
    bob = User.objects.get(username="bob")
    teams.add_member(den, bob, role="viewer")
    for team in (garden, den):
        create_token(bob, team, name="laptop", scopes=frozenset({"read"}))
    data = members(garden) | {"memberships-1-DELETE": "on"}
    assert root.post(reverse("admin:accounts_team_change", args=[garden.pk]), data).status_code == 302
    assert list(bob.memberships.values_list("team", flat=True)) == [den.pk]
    assert list(bob.tokens.values_list("team", flat=True)) == [den.pk]


def test_a_superuser_adds_members_but_passes_no_membership_on(root, garden) -> None:
    charlie = User.objects.get(username="charlie")
    data = members(garden) | {
        "memberships-TOTAL_FORMS": 5,
        "memberships-1-user": charlie.pk,
        "memberships-1-role": "admin",
    }
    data |= {"memberships-4-team": garden.pk, "memberships-4-user": charlie.pk, "memberships-4-role": "viewer"}
    assert root.post(reverse("admin:accounts_team_change", args=[garden.pk]), data).status_code == 302
    roles = dict(garden.memberships.values_list("user__username", "role"))
    assert (roles["bob"], roles["charlie"]) == ("admin", "viewer")


def test_a_new_person_is_put_into_teams_where_the_account_is_made(root, garden) -> None:
    data: dict[str, object] = {"username": "eve", "usable_password": "true"}
    data |= dict.fromkeys(("password1", "password2"), "wheel-of-cheese-7")
    data |= {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 0}
    data |= {"memberships-0-team": garden.pk, "memberships-0-role": "editor"}
    assert root.post("/admin/accounts/user/add/", data).status_code == 302
    assert dict(garden.memberships.values_list("user__username", "role"))["eve"] == "editor"


def test_no_team_loses_its_only_admin_on_the_form_of_a_person(root, garden) -> None:
    alice = User.objects.get(username="alice")
    row = garden.memberships.get(user=alice)
    data: dict[str, object] = {"username": "alice", "first_name": "Al", "is_active": "on"}
    data |= {"memberships-TOTAL_FORMS": 1, "memberships-INITIAL_FORMS": 1}
    data |= {"memberships-0-id": row.pk, "memberships-0-user": alice.pk, "memberships-0-team": garden.pk}
    address = reverse("admin:accounts_user_change", args=[alice.pk])
    for change in ({"memberships-0-role": "viewer"}, {"memberships-0-role": "admin", "memberships-0-DELETE": "on"}):
        page = root.post(address, data | change, follow=True).content.decode()
        assert "Garden needs an admin: make somebody else an admin first." in page
        row.refresh_from_db()
        assert (row.role, User.objects.get(pk=alice.pk).first_name) == ("admin", "")
    assert root.post(address, data | {"memberships-0-role": "admin"}).status_code == 302
    assert User.objects.get(pk=alice.pk).first_name == "Al"


@pytest.fixture
def red(both, garden) -> Tag:
    tags.set_all(both[0], ["red", "flower"])
    return Tag.objects.get(team=garden, name="red")


def test_a_tag_is_renamed_on_its_items(red, both) -> None:
    address = reverse("admin:library_tag_change", args=[red.pk])
    assert who("bob").post(address, {"name": " Crimson "}).status_code == 302
    assert Part.objects.get(item=both[0], role="tags").text == "crimson, flower"


def test_a_tag_of_what_is_private_shows_to_who_sees_it(red, both, garden) -> None:
    alice = User.objects.get(username="alice")
    drawer = collections.create_collection(garden, "Drawer", maker=alice, visibility="private")
    place = intake.place_for(scope_for(alice, garden), drawer.public_id, lane=5)
    mine = intake.add_text("Mine.", title="Mine", into=place).item
    tags.set_all(mine, ["red", "quiet"])
    address = reverse("admin:library_tag_changelist")
    hers, his = (who(name).get(address).content.decode() for name in ("alice", "bob"))
    red_row = f'tag={red.pk}">{{}}</a>'
    assert "quiet" in hers and red_row.format(2) in hers
    assert "quiet" not in his and red_row.format(1) in his


def test_each_app_has_a_page_of_its_lists(root, garden) -> None:
    for name in ("library", "accounts", "jobs", "indexing"):
        assert "New items in the last 30 days" not in (page := root.get(f"/admin/{name}/").content.decode())
        assert f"/admin/{name}/" in page


def test_a_collection_of_no_team_is_refused_in_words(root, garden) -> None:
    page = root.post(reverse("admin:library_collection_add"), {"name": "Attic", "visibility": "team"})
    assert page.status_code == 200 and "This field is required" in page.content.decode()


def test_two_tags_have_two_names(red) -> None:
    page = who("bob").post(reverse("admin:library_tag_change", args=[red.pk]), {"name": "Flower"}).content.decode()
    assert "There already is a tag “flower”." in page and Tag.objects.get(pk=red.pk).name == "red"


def test_deleted_tags_leave_their_items(red, both) -> None:
    who("bob").post(reverse("admin:library_tag_delete", args=[red.pk]), {"post": "yes"})
    assert Part.objects.get(item=both[0], role="tags").text == "flower"
    flower = {"action": "delete_selected", "_selected_action": Tag.objects.get(name="flower").pk, "post": "yes"}
    who("bob").post(reverse("admin:library_tag_changelist"), flower)
    assert not Tag.objects.exists() and not Part.objects.filter(role="tags").exists()


def test_a_collection_made_here_belongs_to_the_team(garden) -> None:
    data = {"name": " Roses  ", "visibility": "team", "grants-TOTAL_FORMS": 0, "grants-INITIAL_FORMS": 0}
    assert who("bob").post("/admin/library/collection/add/", data).status_code == 302
    made = Collection.objects.get(name="Roses")
    assert (made.team, str(made.created_by)) == (garden, "bob")
    again = who("bob").post("/admin/library/collection/add/", data | {"name": "ROSES"})
    assert again.status_code == 200 and "already" in again.content.decode()


def test_inbox_and_full_collections_stay(both) -> None:
    inbox = both[0].collection_id
    assert (
        who("alice").post(reverse("admin:library_collection_delete", args=[inbox]), {"post": "yes"}).status_code == 403
    )
    assert Collection.objects.filter(pk=inbox).exists()


def test_what_was_spent_is_for_admins_of_the_team_and_the_budget_for_the_house(garden, den) -> None:
    Usage.objects.create(day="2026-01-01", team=den, operation="embed", embedder="theirs", cost=3)
    Usage.objects.create(day="2026-01-01", team=garden, operation="embed", embedder="ours")
    lists = [reverse(f"admin:accounts_{name}_changelist") for name in ("usage", "providercall")]
    assert [who("bob").get(address).status_code for address in lists] == [403, 403]
    page = who("alice").get(lists[0]).content.decode()
    assert "ours" in page and "unknown" in page and "theirs" not in page
    page = who("alice").get(reverse("admin:accounts_team_change", args=[garden.pk])).content.decode()
    assert "Budget:" in page and 'name="budget_month"' not in page


def test_who_leads_the_house_sets_a_budget(root, garden) -> None:
    address = reverse("admin:accounts_team_change", args=[garden.pk])
    assert 'name="budget_month"' in root.get(address).content.decode()


def test_the_admins_own_checks_pass() -> None:
    """Its pages register with the addresses, so a check may come before there is anything to check."""
    import_module(settings.ROOT_URLCONF)
    assert len(admin.site._registry) > 5
    assert check_admin_app(None) == []

"""Who comes to a door, and what lies behind it: a team's things, each with a word that no stranger may ever read."""

from __future__ import annotations

import io

from django.conf import settings
from django.test import Client
from django.utils import timezone

from searchsite.accounts import teams
from searchsite.accounts.models import Membership, ProviderCall, Role, Team, Token, Usage, User
from searchsite.accounts.tokens import create_token
from searchsite.indexing import worker
from searchsite.jobs.models import Job
from searchsite.library import collections, pictures, tags, trash, uploads
from searchsite.library.models import Tag, Visibility
from searchsite.library.scope import scope_for
from searchsite.quality import judging
from searchsite.search.questions import Question, Term
from tests import made

SESSION = settings.SESSION_COOKIE_NAME
SECRET, PRIVATE = "Zebrawood", "Quagga"
"""In all that is the garden's, and in what is alice's alone."""
IN = ("vera", "bob", "alice", "sue", "root")
OUT = ("nobody", "gone", "nell", "charlie", "cora")
EVERYBODY = (*OUT, *IN)
"""nobody: not signed in. gone: was switched off while signed in. nell: in no team. charlie: leads another team.
cora: leads another, and is of staff.

In the garden vera looks, bob edits, alice leads; sue edits and is of staff, root edits and leads the house.
"""


class Crowd:
    """The garden, its things by the names that addresses have for them, and a browser and a token of each person."""

    def __init__(self) -> None:
        self.team = self._people()
        self.browsers = {name: self._browser(name) for name in EVERYBODY}
        self.tokens = {name: self._token(name) for name in EVERYBODY if name not in ("nobody", "nell")}
        self.tokens["nell"] = self._token_of_one_who_left()
        signed_in = {name: client.cookies.get(SESSION) for name, client in self.browsers.items()}
        self.sessions = {name: cookie.value for name, cookie in signed_in.items() if cookie is not None}
        self.callers = {name: self._caller(name) for name in EVERYBODY}
        self._things()
        User.objects.filter(username="gone").update(is_active=False)

    def user(self, name: str) -> User:
        return User.objects.get(username=name)

    def browser(self, name: str) -> Client:
        """The person's browser, which remembers nothing but who is signed in."""
        client = self.browsers[name]
        client.cookies.clear()
        client.cookies.load({SESSION: self.sessions[name]} if name in self.sessions else {})
        return client

    def caller(self, name: str) -> Client:
        """The person's program, with a token."""
        self.callers[name].cookies.clear()
        return self.callers[name]

    def _people(self) -> Team:
        team = teams.create_team(f"{SECRET} garden", User.objects.create_user("alice"))
        people = {"vera": Role.VIEWER, "bob": Role.EDITOR, "sue": Role.EDITOR, "root": Role.EDITOR, "gone": Role.EDITOR}
        for name, role in people.items():
            teams.add_member(team, User.objects.create_user(name), role=role)
        User.objects.filter(username__in=("sue", "root")).update(is_staff=True)
        User.objects.filter(username="root").update(is_superuser=True)
        User.objects.create_user("nell")
        for other in (
            teams.create_team("den", User.objects.create_user("charlie")),
            teams.create_team("burrow", User.objects.create_user("cora", is_staff=True)),
        ):
            collections.ensure_system(other)
        return team

    def _browser(self, name: str) -> Client:
        client = Client(raise_request_exception=False)
        if name != "nobody":
            client.force_login(self.user(name))
        return client

    def _caller(self, name: str) -> Client:
        headers = {"authorization": f"Bearer {self.tokens[name]}"} if name in self.tokens else {}
        return Client(raise_request_exception=False, headers=headers)

    def _token(self, name: str, scopes: frozenset[str] = frozenset({"read", "write"})) -> str:
        user = self.user(name)
        membership = Membership.objects.get(user=user)
        return create_token(user, membership.team, name=f"{membership.team.name} token", scopes=scopes)[1]

    def _token_of_one_who_left(self) -> str:
        member = teams.add_member(self.team, self.user("nell"), role=Role.EDITOR)
        secret = self._token("nell")
        Membership.objects.filter(pk=member.pk).delete()
        return secret

    def _things(self) -> None:
        alice, sue = self.user("alice"), self.user("sue")
        place = made.place(alice, self.team)
        self.scope = scope_for(alice, self.team)
        self.note = made.note(place, f"{SECRET} bread\n\nLet it rest.", f"{SECRET} recipe")
        self.picture = made.picture(place, title=f"{SECRET} picture")
        self.trashed = made.note(place, f"{SECRET} cake", f"{SECRET} thrown away")
        drawer = collections.create_collection(
            self.team, f"{PRIVATE} drawer", maker=alice, visibility=Visibility.PRIVATE
        )
        self.private = made.note(made.place(alice, self.team, drawer), f"{PRIVATE} diary", f"{PRIVATE} diary")
        tags.set_all(self.note, [f"{SECRET} tag"])
        tags.set_all(self.private, [f"{PRIVATE} tag"])
        # Reading pictures loads a network, and is of no matter here.
        while sum(worker.work(queue) for queue in ("decode", "embed")):
            pass
        trash.trash(self.trashed, scope=self.scope)
        question = Question(terms=(Term(text=SECRET),))
        judging.save(question, scope=self.scope)
        judging.mark(question, self.note, scope=self.scope, grade=judging.THIS)
        Usage.objects.create(day=timezone.localdate(), team=self.team, operation="embed", embedder=f"{SECRET} network")
        call = ProviderCall.objects.create(team=self.team, operation="embed", network=f"{SECRET} network")
        upload, broken = (uploads.create(f"{SECRET}.jpg", 1000, into=place) for _ in range(2))
        shelf = collections.create_collection(self.team, f"{SECRET} shelf", maker=alice)
        shown = pictures.add_query_picture(io.BytesIO(made.drawn("blue")), scope=self.scope)
        self.known = {
            "public_id": self.note.public_id,
            "item_id": self.note.public_id,
            "size": 480,
            "number": made.active_space().pk,
            "picture": shown.public_id,
            "upload": upload.public_id,
            "broken": broken.public_id,
            "saved": judging.saved(self.scope)[0].public_id,
            "trashed": self.trashed.public_id,
            "photo": self.picture.public_id,
        }
        self.rows = {
            "item": self.note.pk,
            "collection": shelf.pk,
            "tag": Tag.objects.get(team=self.team, name=f"{SECRET} tag".casefold()).pk,
            "usage": Usage.objects.filter(team=self.team).latest("pk").pk,
            "providercall": call.pk,
            "user": alice.pk,
            "team": self.team.pk,
            "token": Token.objects.filter(user=sue).latest("pk").pk,
            "job": Job.objects.filter(team_id=self.team.pk).latest("pk").pk,
            "space": made.active_space().pk,
        }
        chosen = {"id": str(self.note.public_id)}
        answer = self.browser("alice").post("/selection/zip", chosen, headers={"HX-Request": "true"})
        self.place = place.collection.public_id
        self.known["key"] = answer.json()["address"].rpartition("/")[2]

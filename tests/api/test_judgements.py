"""Marks over the API: of what the caller sees, and nothing of anybody else's."""

from __future__ import annotations

from uuid import UUID

import pytest

from searchsite.accounts.models import Team, User
from searchsite.library import collections
from searchsite.library.models import Item, Visibility
from searchsite.quality.models import Judgement
from tests import made
from tests.api.conftest import note

pytestmark = pytest.mark.django_db
JUDGEMENTS = "/api/v1/judgements"


def say(api, item, grade=3, words="roses", **more):
    body = {"query": [{"text": words}], "item": str(item), "grade": grade, **more}
    return api.post(JUDGEMENTS, body, content_type="application/json")


def test_a_mark_is_made_changed_and_taken_back(api):
    item = note(api)["id"]
    body = say(api, item, filters={"kind": "text"}).json()
    assert (body["question"], body["item"], body["grade"], body["own"]) == ("q=roses&kind=text", item, 3, True)
    say(api, item, grade=0, filters={"kind": "text"})
    assert Judgement.objects.get().grade == 0
    assert say(api, item, grade=None, filters={"kind": "text"}).json()["grade"] is None
    assert not Judgement.objects.exists()


def test_viewers_may_say_it_and_strangers_learn_nothing(caller, api, garden):
    alice = User.objects.get(username="alice")
    drawer = collections.create_collection(garden, "drawer", maker=alice, visibility=Visibility.PRIVATE)
    secret = made.note(made.place(alice, Team.objects.get(pk=garden.pk), drawer), "Roses for mother")
    item = note(api)["id"]
    assert say(caller("vera"), item).status_code == 200
    assert say(caller("vera", "read"), item).status_code == 403
    for name, wanted in (("charlie", item), ("bob", secret.public_id), ("alice", UUID(int=1))):
        assert say(caller(name), wanted).status_code == 404
    assert say(api, secret.public_id, words="hush").status_code == 200
    # What somebody else says is no answer tells what they asked.
    assert say(api, item, grade=0, words="hush again").status_code == 200
    for name in ("bob", "vera", "charlie"):
        assert b"hush" not in caller(name).get(JUDGEMENTS).content
    # Who leads the team sees what others marked; others see their own alone.
    assert caller("bob").get(JUDGEMENTS).json()["judgements"] == []
    assert say(caller("bob"), item, words="tea").status_code == 200
    assert [one["own"] for one in caller("bob").get(JUDGEMENTS).json()["judgements"]] == [True]
    assert [one["own"] for one in api.get(JUDGEMENTS).json()["judgements"]].count(False) == 2
    assert caller("charlie").get(JUDGEMENTS).json()["judgements"] == []
    assert len(api.get(JUDGEMENTS).json()["judgements"]) == 4


def test_a_list_is_read_page_by_page(api):
    for number in range(3):
        say(api, note(api, f"Rose {number}")["id"])
    first = api.get(f"{JUDGEMENTS}?limit=2").json()
    rest = api.get(f"{JUDGEMENTS}?limit=2&cursor={first['next_cursor']}").json()
    assert (len(first["judgements"]), len(rest["judgements"]), rest["next_cursor"]) == (2, 1, None)
    assert len({one["item"] for one in [*first["judgements"], *rest["judgements"]]}) == Item.objects.count()
    assert api.get(f"{JUDGEMENTS}?cursor=x").status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [{"grade": 4}, {"grade": -1}, {"grade": "x"}, {"item": "x"}, {"query": []}, {"query": [{"text": "kind:text"}]}],
)
def test_what_is_no_judgement_is_refused(api, wrong):
    body = {"query": [{"text": "roses"}], "item": note(api)["id"], **wrong}
    assert api.post(JUDGEMENTS, body, content_type="application/json").status_code in (400, 422)
    assert not Judgement.objects.exists()

"""Tags of a whole team: renamed and deleted on all items at once."""

from __future__ import annotations

import pytest
from django.db import connection

from searchsite.accounts.models import Team, User
from searchsite.jobs.models import Job
from searchsite.library import edits, tags
from searchsite.library.models import DeclinedTag, Item, Part, Tag
from searchsite.library.refusals import Refusal
from tests.library import drawn
from tests.library.conftest import place, take
from tests.made import rights_of


@pytest.fixture
def two(alice: User, team: Team) -> list[Item]:
    """Both are tagged red; one is tagged car as well."""
    items = [take(drawn.jpeg(seed=number), place(alice, team)).item for number in range(2)]
    edits.retag(items[0], ["red", "car"], scope=rights_of(items[0]))
    edits.retag(items[1], ["red"], scope=rights_of(items[1]))
    Job.objects.all().delete()
    return items


def said() -> list[str]:
    return list(Part.objects.filter(role="tags").order_by("item_id").values_list("text", flat=True))


def embedded_anew() -> list[int]:
    return list(Job.objects.filter(kind="embed", state="ready").order_by("subject").values_list("subject", flat=True))


def test_a_renamed_tag_is_searched_by_its_new_name(two: list[Item]) -> None:
    tags.rename_tag(Tag.objects.get(name="red"), " Dark  Red")
    assert said() == ["dark red, car", "dark red"]
    assert embedded_anew() == [one.pk for one in two]


def test_a_deleted_tag_is_searched_no_more(two: list[Item]) -> None:
    tags.delete_tag(Tag.objects.get(name="red"))
    assert said() == ["car"]
    assert embedded_anew() == [one.pk for one in two]
    assert list(Tag.objects.values_list("name", flat=True)) == ["car"]


@pytest.mark.parametrize(("name", "status"), [("Car", 409), (" # ", 422)])
def test_a_tag_takes_no_name_that_is_taken_or_empty(two: list[Item], name: str, status: int) -> None:
    with pytest.raises(Refusal) as refused:
        tags.rename_tag(Tag.objects.get(name="red"), name)
    assert refused.value.status == status
    assert said() == ["red, car", "red"]
    assert embedded_anew() == []


def test_a_tag_may_be_renamed_to_what_it_is_called(two: list[Item]) -> None:
    tags.rename_tag(Tag.objects.get(name="red"), "RED")
    assert said() == ["red, car", "red"]


def test_a_machine_brings_back_neither_a_renamed_nor_a_deleted_tag(two: list[Item]) -> None:
    tags.set_machine(two[0], ["cat", "dog"])
    tags.rename_tag(Tag.objects.get(name="cat"), "kitty")
    tags.delete_tag(Tag.objects.get(name="dog"))
    tags.set_machine(two[0], ["cat", "dog"])
    assert said() == ["red, car, kitty", "red"]


def test_a_tag_renamed_to_what_was_taken_off_is_on(two: list[Item]) -> None:
    edits.retag(two[1], [], scope=rights_of(two[1]))
    edits.retag(two[1], ["car"], scope=rights_of(two[1]))
    tags.delete_tag(Tag.objects.get(name="red"))
    tags.rename_tag(Tag.objects.get(name="car"), "red")
    assert not DeclinedTag.objects.filter(name="red").exists()


@pytest.mark.parametrize("times", [1, 9])
def test_a_new_tag_that_another_takes_away_at_once_is_made_again(two: list[Item], times: int) -> None:
    """Twice at once only by chance, else it is said."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY SEQUENCE tried")
        body = f"BEGIN IF nextval('tried') <= {times} THEN RETURN NULL; END IF; RETURN NEW; END"
        cursor.execute(f"CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
        cursor.execute("CREATE TRIGGER lost BEFORE INSERT ON tag FOR EACH ROW EXECUTE FUNCTION lost()")
    if times > 1:
        with pytest.raises(Refusal):
            edits.retag(two[0], ["red", "boat"], scope=rights_of(two[0]))
        return
    edits.retag(two[0], ["red", "boat"], scope=rights_of(two[0]))
    assert said() == ["red, boat", "red"]

"""A selection as one zip: what lies in it, under which names, who gets it, and what ends it."""

from __future__ import annotations

import io
import json
import time
import zipfile

import pytest

from searchsite.accounts.models import User
from searchsite.library import bulk, files, trash
from searchsite.library.models import Item
from searchsite.library.scope import scope_for
from searchsite.web import zip_names, zipping, zips
from searchsite.web.pace import Pace
from tests import made
from tests.library import drawn
from tests.library.conftest import take

SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def items(garden) -> list[Item]:
    """Two pictures of one title, and a note."""
    place = made.place(User.objects.get(username="alice"), garden)
    two = [take(drawn.jpeg(seed=number), place, "Meadow.jpg").item for number in range(2)]
    return [*two, made.note(place, "Wärme *und* Wasser.\n", "../Brot: 50% / Roggen")]


def asked(client, items: list[Item], **more):
    ids = " ".join(str(one.public_id) for one in items)
    return client.post("/selection/zip", {"id": ids, **more}, headers=SCRIPT)


def opened(answer) -> zipfile.ZipFile:
    data = b"".join(answer.streaming_content)
    assert len(data) == int(answer["Content-Length"])
    return zipfile.ZipFile(io.BytesIO(data))


def test_a_zip_holds_the_files_as_they_came_notes_and_what_is_known(alice, items):
    bulk.tag_all([items[0].pk], add=["grass"], scope=scope_for(User.objects.get(username="alice"), items[0].team_id))
    answer = alice.get(asked(alice, items).json()["address"])
    assert answer["Content-Disposition"].startswith('attachment; filename="searchsite-')
    with opened(answer) as held:
        assert held.testzip() is None
        assert held.namelist() == [
            "Meadow.jpg",
            "Meadow (2).jpg",
            "..-Brot- 50% - Roggen.md".lstrip("."),
            "manifest.json",
        ]
        assert held.read("Meadow.jpg") == files.original_path(items[0].blob).read_bytes()
        assert held.read(held.namelist()[2]).decode() == "Wärme *und* Wasser.\n"
        known = json.loads(held.read("manifest.json"))
    assert [one["id"] for one in known] == [str(one.public_id) for one in items]
    assert known[0]["tags"] == ["grass"] and known[2]["title"] == "../Brot: 50% / Roggen"


def test_without_a_script_the_form_leads_to_it(alice, items):
    answer = alice.post("/selection/zip", {"id": [str(one.public_id) for one in items]}, follow=True)
    assert len(opened(answer).namelist()) == 4


def test_all_results_come_in_one_zip(alice, items):
    address = alice.post("/selection/zip?kind=text", {"all": "1"}, headers=SCRIPT).json()["address"]
    assert len(opened(alice.get(address)).namelist()) == 2


def test_a_viewer_may_download_and_a_stranger_may_not(alice, signed_in, items):
    address = asked(signed_in("vera"), items).json()["address"]
    assert len(opened(signed_in("vera").get(address)).namelist()) == 4
    for other in ("alice", "bob", "charlie"):
        assert signed_in(other).get(address).status_code == 404
    assert asked(signed_in("charlie"), items).status_code == 404


def test_what_was_thrown_away_since_is_not_in_it(alice, items):
    address = asked(alice, items).json()["address"]
    trash.trash(items[0])
    assert opened(alice.get(address)).namelist()[:1] == ["Meadow.jpg"]
    bulk.trash_all([one.pk for one in items], scope=scope_for(User.objects.get(username="alice"), items[0].team_id))
    assert alice.get(address).status_code == 404


def test_a_missing_file_is_named_and_the_zip_is_whole(alice, items):
    files.original_path(items[0].blob).unlink()
    with opened(alice.get(asked(alice, items).json()["address"])) as held:
        assert held.testzip() is None
        assert str(items[0].public_id) in held.read("MISSING.txt").decode()
        assert len(held.namelist()) == 4


@pytest.mark.parametrize("lost", ["the right", "the file"])
def test_what_is_lost_on_the_way_breaks_it_off(garden, items, lost):
    scope = scope_for(User.objects.get(username="alice"), garden)
    contents = zipping.contents_of([one.pk for one in items], scope)
    pieces = iter(zipping.stream(contents, scope))
    next(pieces)
    if lost == "the right":
        trash.trash(items[1])
    else:
        files.original_path(items[1].blob).unlink()
    with pytest.raises(zipping.Gone):
        list(pieces)


def test_a_right_that_is_lost_within_a_file_breaks_it_off(garden, items):
    """One large file: its turn came while the right was there."""
    files.original_path(items[0].blob).write_bytes(b"x" * 8 * files.CHUNK)
    scope = scope_for(User.objects.get(username="alice"), garden)
    pieces = iter(zipping.stream(zipping.contents_of([items[0].pk], scope), scope))
    for _piece in range(3):
        next(pieces)
    trash.trash(items[0])
    time.sleep(1.1 * zipping.RENEWED_SECONDS)
    with pytest.raises(zipping.Gone):
        next(pieces)


def test_who_signs_out_gets_no_more_of_a_zip(alice, items):
    files.original_path(items[0].blob).write_bytes(b"x" * 8 * files.CHUNK)
    pieces = alice.get(asked(alice, items).json()["address"]).streaming_content
    for _piece in range(3):
        next(pieces)
    alice.session.flush()
    time.sleep(1.1 * zipping.RENEWED_SECONDS)
    with pytest.raises(zipping.Gone):
        list(pieces)


@pytest.mark.parametrize(("limit", "said"), [({"zip_items": 2}, "at most 2"), ({"zip_bytes": 10}, "at most 10")])
def test_a_zip_has_its_limits(alice, items, settings, limit, said):
    settings.CONFIG = settings.CONFIG.model_copy(update=limit)
    refused = asked(alice, items)
    assert refused.status_code == 413 and said in refused.content.decode()


def test_only_so_many_at_a_time_and_whoever_leaves_makes_room(alice, signed_in, items, settings):
    settings.CONFIG = settings.CONFIG.model_copy(update={"zip_streams": 1})
    bob = signed_in("bob")
    address = asked(bob, items).json()["address"]
    first = alice.get(asked(alice, items).json()["address"])
    next(first.streaming_content)
    busy = bob.get(address)
    assert busy.status_code == 503 and busy["Retry-After"] == "30"
    # As the server does when its client is gone.
    first._iterator.close()
    assert len(opened(bob.get(address)).namelist()) == 4


def test_a_person_has_one_on_the_way_and_others_have_theirs(alice, signed_in, items):
    address = asked(alice, items).json()["address"]
    first = alice.get(address)
    busy = alice.get(address)
    assert busy.status_code == 429 and busy["Retry-After"] == "30"
    assert "Your last zip is still on its way" in busy.content.decode()
    assert len(opened(signed_in("bob").get(asked(signed_in("bob"), items).json()["address"])).namelist()) == 4
    opened(first).close()
    opened(alice.get(address)).close()


def test_what_takes_too_long_is_broken_off_and_blocks_nobody(alice, items, settings):
    address = asked(alice, items).json()["address"]
    settings.CONFIG = settings.CONFIG.model_copy(update={"zip_hours": 1e-9})
    stuck = alice.get(address)
    settings.CONFIG = settings.CONFIG.model_copy(update={"zip_hours": 1})
    later = alice.get(address)
    with pytest.raises(zips.TooSlow):
        next(stuck.streaming_content)
    assert alice.get(address).status_code == 429
    assert len(opened(later).namelist()) == 4


def test_the_pace_is_looked_at_each_minute():
    pace = Pace(0.0, 1000.0)
    pace.count(1, 59.0)
    assert not pace.is_over(59.9) and pace.is_over(60.0)
    pace = Pace(0.0, 1000.0)
    for second in range(0, 301, 10):
        assert not pace.is_over(second)
        pace.count(10 * 65 * 1024, second)
    assert not pace.is_over(359.9) and pace.is_over(360.0)
    for second in range(360, 1001, 10):
        pace.count(10**9, second)
    assert pace.is_over(1000.0)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "-..-etc-passwd"),
        ("a\x00b\u202ec", "abc"),
        ("con", "_con"),
        ("COM1.tar", "_COM1.tar"),
        (" ... ", "-"),
        ("x" * 300, "x" * 150),
        ("中" * 100, "中" * 50),
        ('a/b\\c:d*e?f"g<h>i|j', "a-b-c-d-e-f-g-h-i-j"),
    ],
)
def test_names_are_safe_everywhere(title, name):
    assert zip_names.safe(title) == name


def test_no_name_comes_twice():
    names = zip_names.Names()
    given = [names.give(title, ".jpg") for title in ("Meadow", "meadow", "Meadow (2)", "MEADOW", "Meadow")]
    assert given == ["Meadow.jpg", "meadow (2).jpg", "Meadow (2) (2).jpg", "MEADOW (3).jpg", "Meadow (4).jpg"]

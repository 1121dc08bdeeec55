"""What a team learns from putting in bytes that another team has: nothing."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

import pytest
from django.utils.http import parse_http_date

from searchsite.accounts.models import Team, User
from searchsite.library import files
from searchsite.library.models import Item
from tests import figures, made
from tests.library import drawn
from tests.people import alice, charlie, team
from tests.web.test_files import ADDRESSES, decoded, media, put, signed_in

__all__ = ["alice", "charlie", "media", "team"]
LONG_AGO = 1_500_000_000
TIMES = 40


@pytest.fixture
def strangers(charlie: User) -> Team:
    return made.team_of(charlie, "strangers")


def paths(item: Item) -> list[Path]:
    """The original and its derivatives, which all teams that have these bytes share."""
    original = files.original_path(item.blob)
    return [path for path in (original, *files.derivative_paths(original)) if path.exists()]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_file_tells_when_another_team_put_it_in(alice, charlie, team, strangers, address: str) -> None:
    theirs = decoded(put(alice, team, drawn.jpeg(), "meadow.jpg"))
    ours = put(charlie, strangers, drawn.jpeg(), "forest.jpg")
    ours.width, ours.height = theirs.width, theirs.height
    ours.save()
    for path in paths(theirs):
        os.utime(path, (LONG_AGO, LONG_AGO))
    answer = signed_in(charlie).get(address.format(ours.public_id))
    ours.refresh_from_db()
    assert parse_http_date(answer.headers["Last-Modified"]) == int(ours.created_at.timestamp()) > LONG_AGO


def test_no_file_tells_that_another_team_put_it_in_since(alice, charlie, team, strangers) -> None:
    theirs = decoded(put(alice, team, drawn.jpeg(), "meadow.jpg"))
    Item.objects.filter(pk=theirs.pk).update(created_at="2024-02-03T04:05:06Z")
    decoded(put(charlie, strangers, drawn.jpeg(), "forest.jpg"))
    for address in ADDRESSES:
        answer = signed_in(alice).get(address.format(theirs.public_id))
        assert answer.headers["Last-Modified"] == "Sat, 03 Feb 2024 04:05:06 GMT"


def test_bytes_that_another_team_has_go_the_whole_way_to_the_disk(alice, charlie, team, strangers) -> None:
    """A shorter way would be a faster one."""
    first = files.original_path(put(alice, team, drawn.jpeg(), "meadow.jpg").blob)
    was = first.stat().st_ino
    held = first.open("rb")
    second = files.original_path(put(charlie, strangers, drawn.jpeg(), "forest.jpg").blob)
    assert second == first and second.stat().st_ino != was
    with held:
        assert held.read() == second.read_bytes() == drawn.jpeg()


def test_bytes_that_another_team_has_take_as_long(alice, charlie, team, strangers) -> None:
    """Counted for the page of promises; the machine is too noisy for a verdict on milliseconds."""
    for seed in range(TIMES):
        put(alice, team, drawn.jpeg(seed), f"{seed}.jpg")
    taken: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(TIMES):
        for known in (True, False):
            data = drawn.jpeg(seed if known else TIMES + seed)
            began = time.perf_counter()
            put(charlie, strangers, data, "photo.jpg")
            taken[known].append(time.perf_counter() - began)
    known_ms, new_ms = (round(1000 * statistics.median(taken[known]), 1) for known in (True, False))
    assert Item.objects.filter(team=strangers).count() == 2 * TIMES
    figures.keep(10, "bytes of another team", uploads=2 * TIMES, known_ms=known_ms, new_ms=new_ms)

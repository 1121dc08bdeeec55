"""Teams take turns, whoever has most waiting; and what is not urgent has its turn, too."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connection
from django.db.models.functions import Now

from searchsite.jobs import queue
from searchsite.jobs.models import Job, Lane

BACKLOG = """
INSERT INTO job (kind, queue, lane, team_id, subject, space_id, input_hash, state, token, attempts, last_error)
SELECT 'embed', 'embed', %s, %s, %s + number, %s, '', 'ready', 0, 0, '' FROM generate_series(1, %s) AS number
"""
A, B, C = 1, 2, 3
pytestmark = pytest.mark.django_db


def wait(team: int, count: int, lane: Lane = Lane.BULK, space_id: int | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            BACKLOG, [lane, team, team * 10_000_000 + lane * 1_000_000 + (space_id or 0) * 1000, space_id, count]
        )


def claimed(limit: int = 32, **given) -> Counter[int]:
    """How many a claim has of each team."""
    return Counter(claim.team_id for claim in queue.claim("embed", limit=limit, **given))


@pytest.mark.parametrize("limit", [1, 4, 32])
def test_one_job_passes_the_backlog_of_another_team(limit):
    wait(A, 5000)
    claimed(limit)
    wait(B, 1)
    assert any(B in claimed(limit) for _ in range(2))


def test_what_one_team_does_not_use_goes_to_the_others():
    wait(A, 100)
    wait(B, 1)
    assert claimed() == {A: 31, B: 1}


def test_teams_share_a_claim():
    for team in (A, B, C):
        wait(team, 100)
    assert min(claimed(30).values()) == 10


def test_each_team_has_its_turn_when_a_claim_is_smaller_than_they_are_many():
    for team in range(1, 21):
        wait(team, 50)
    turns = Counter[int]()
    for _ in range(10):
        turns += claimed(4)
    assert set(turns.values()) == {2}


def test_a_person_passes_the_bulk_of_all_teams():
    for team in (A, B, C):
        wait(team, 100)
    wait(A, 2, Lane.WAITING)
    lanes = [claim.lane for claim in queue.claim("embed", limit=8)]
    assert lanes == [Lane.WAITING] * 2 + [Lane.BULK] * 6


def test_bulk_moves_on_however_many_people_wait():
    wait(A, 1000, Lane.WAITING)
    wait(B, 1000, Lane.BULK)
    wait(C, 1000, Lane.NORMAL)
    begun = [queue.claim("embed", limit=4)[0].lane for _ in range(32)]
    assert Counter(begun) == {Lane.WAITING: 28, Lane.NORMAL: 2, Lane.BULK: 2}


def test_a_busy_lane_has_no_team_of_another_passed_over():
    """Between two turns of a later lane, a person's team in the midst of all others is served again and again."""
    later = set(range(1, 11))
    for team in later:
        wait(team, 3, Lane.NORMAL)
        wait(team, 3, Lane.BULK)
    wait(5, 1000, Lane.WAITING)
    turns = Counter[tuple[int, int]]()
    for _ in range(16 * len(later)):
        turns += Counter((claim.lane, claim.team_id) for claim in queue.claim("embed", limit=1))
    served = {team: (turns[Lane.NORMAL, team], turns[Lane.BULK, team]) for team in later}
    assert served == dict.fromkeys(later, (1, 1))


def test_a_claim_of_two_lanes_moves_the_round_of_each():
    """Two people are served in each, and what is left of it goes to teams in bulk, by turns."""
    for team in range(1, 13):
        wait(team, 4)
    wait(7, 100, Lane.WAITING)
    Job.objects.filter(lane=Lane.WAITING).update(run_at="2200-01-01T00:00:00Z")
    turns = Counter[int]()
    for _ in range(6):
        ids = Job.objects.filter(lane=Lane.WAITING, state="ready", run_at__gt=Now())[:2]
        Job.objects.filter(pk__in=list(ids.values_list("pk", flat=True))).update(run_at=Now())
        turns += Counter(claim.team_id for claim in queue.claim("embed", limit=4) if claim.lane == Lane.BULK)
    assert turns == dict.fromkeys(range(1, 13), 1)


def test_a_teams_spaces_take_turns_as_well():
    for space in (7, 8, 9):
        wait(A, 20, space_id=space)
    wait(B, 20)
    spaces = Counter(claim.space_id for _ in range(8) for claim in queue.claim("embed", limit=1))
    assert spaces == {7: 2, 8: 2, 9: 2, None: 2}


def test_a_team_whose_jobs_are_put_off_keeps_no_place():
    wait(A, 100)
    wait(B, 100)
    Job.objects.filter(team_id=A).update(run_at="2200-01-01T00:00:00Z")
    assert claimed() == {B: 32}


def test_a_space_that_is_left_alone_keeps_no_place():
    wait(A, 100, space_id=7)
    wait(B, 3)
    assert claimed(without=[7]) == {B: 3}
    assert claimed(without_teams=[A]) == {}


@pytest.mark.django_db(transaction=True)
def test_many_at_once_share_fairly_and_miss_nothing():
    """What one has locked, another passes over, and neither believes that there is nothing left."""
    wait(A, 600)
    wait(B, 40)
    taken: list[tuple[int, int]] = []

    def work() -> None:
        while claims := queue.claim("embed", limit=16):
            taken.extend((claim.id, claim.team_id) for claim in claims)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 640
    assert all(team in (A, B) for _, team in taken)


@pytest.mark.django_db(transaction=True)
def test_a_claim_and_the_sweep_read_no_more_than_they_need():
    """Both jump through one index; nothing sorts or reads the backlog."""
    wait(A, 20_000)
    wait(B, 1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE job")
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        before = read(cursor)
    assert len(queue.claim("embed", limit=32)) == 32
    assert queue.due_queues() == ["embed"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        assert read(cursor) - before < 500


def read(cursor) -> int:
    """How many rows of the table were read so far, one way or another."""
    cursor.execute("SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'job'")
    return cursor.fetchone()[0]

"""A queue whose teams run out of money: no call is made then, and nobody else waits."""

from __future__ import annotations

import pytest

from searchsite import config
from searchsite.accounts import budgets, meter, teams
from searchsite.accounts.models import ProviderCall, Team, Usage
from searchsite.indexing import board, holding, metering, stages, worker
from searchsite.inference.errors import OutOfBudget
from searchsite.inference.stages import EMBEDDED, Endpoint
from searchsite.jobs import queue
from searchsite.jobs.models import Job, State
from searchsite.search import find, questions
from tests import made
from tests.fake_inference import FakeInference

# Work is done in threads with connections of their own.
pytestmark = pytest.mark.django_db(transaction=True)
SPENT = "The budget of the team garden for "


@pytest.fixture(autouse=True)
def dear(fake: FakeInference, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each token costs a dollar."""
    monkeypatch.setenv("PRICES", '{"fake": {"input": 1000000}}')
    config.load.cache_clear()


def _anew() -> None:
    budgets.forget()
    holding._left.clear()
    worker._pauses.clear()


def make_due() -> None:
    """Let the time pass that jobs wait for."""
    _anew()
    Job.objects.filter(state=State.READY).update(run_at="2020-01-01T00:00:00Z")


def embed_stage(item) -> stages.StageView:
    return stages.status_of([item])[item.pk].stages["embed"]


@pytest.fixture
def den(db) -> made.Place:
    """The Inbox of another team."""
    charlie = made.person("charlie")
    return made.place(charlie, teams.create_team("den", charlie))


def test_a_spent_team_waits_with_the_reason_and_another_goes_on(inbox, den, team, fake) -> None:
    Team.objects.filter(pk=team.pk).update(budget_month=0)
    waiting, done = made.note(inbox, "Tulips want sun."), made.note(den, "Roses want rain.")
    made.work_through_everything()
    assert embed_stage(done).state == "done"
    assert embed_stage(waiting).state == "waiting" and embed_stage(waiting).error.startswith(SPENT)
    job = Job.objects.get(subject=waiting.pk, kind="embed")
    assert (job.state, job.attempts) == (State.READY, 0)
    # The house itself looks whether the embedder is the right one.
    assert {call.team.name for call in ProviderCall.objects.exclude(team=None)} == {"den"}


def test_of_another_teams_budget_a_number_is_told(inbox, den, team, fake) -> None:
    Team.objects.filter(pk=team.pk).update(budget_month=0)
    made.note(inbox, "Tulips want sun.")
    budgets.forget()
    for told, said in ((None, SPENT), ([team.pk], SPENT), ([], "Jobs of other teams are held up.")):
        (wait,) = next(row for row in board.board(told=told).rows if row.kind == "embed").waits
        assert wait.reason.startswith(said) and wait.number == 1


def test_no_call_is_made_once_the_budget_is_spent_in_the_middle_of_a_queue(inbox, team, fake, monkeypatch) -> None:
    monkeypatch.setenv("EMBEDS_AT_ONCE", "1")
    config.load.cache_clear()
    Team.objects.filter(pk=team.pk).update(budget_month=100)
    for number in range(100):
        made.note(inbox, f"note number {number}")
    made.work_through_everything()
    cost, calls = Usage.objects.get(team=team).cost, fake.calls
    assert cost >= 100 and sum(ProviderCall.objects.values_list("calls", flat=True)) == calls
    make_due()
    made.work_through_everything()
    assert (fake.calls, Usage.objects.get(team=team).cost) == (calls, cost)
    # Two calls for 32 notes of three words each were more than enough.
    assert Job.objects.filter(state=State.READY, last_error__startswith=SPENT).count() == 100 - 64


def test_jobs_go_on_by_themselves_when_the_budget_is_raised(inbox, team, fake) -> None:
    Team.objects.filter(pk=team.pk).update(budget_month=0)
    item = made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    Team.objects.filter(pk=team.pk).update(budget_month=1000)
    make_due()
    made.work_through_everything()
    assert embed_stage(item).state == "done" and embed_stage(item).error == ""
    assert holding.WAIT_SECONDS + holding.LEAVE_SECONDS < 60


def test_jobs_go_on_by_themselves_in_the_next_month(inbox, team, fake) -> None:
    Team.objects.filter(pk=team.pk).update(budget_month=20)
    Usage.objects.create(day="2026-01-31", team=team, operation="embed", embedder="fake", cost=500)
    item = made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    assert embed_stage(item).state == "done"


def test_a_job_that_was_never_claimed_says_why_it_waits(inbox, team, fake) -> None:
    Team.objects.filter(pk=team.pk).update(budget_month=0)
    item = made.note(inbox, "Tulips want sun.")
    assert embed_stage(item).error.startswith(SPENT)


def test_the_team_that_ran_out_in_the_middle_of_a_batch_waits_and_the_others_begin_anew(inbox, den, team) -> None:
    made.note(inbox, "Tulips want sun.")
    made.note(den, "Roses want rain.")
    claims = queue.claim("embed", limit=9)
    Team.objects.filter(pk=team.pk).update(budget_month=0)
    budgets.forget()
    holding.give_back("embed", claims)
    (mine,), (theirs,) = (Job.objects.filter(team_id=one, kind="embed") for one in (team.pk, den.collection.team_id))
    assert (mine.attempts, theirs.attempts, theirs.last_error) == (0, 0, "")
    assert mine.run_at > theirs.run_at and holding.left("embed") == [team.pk]
    Job.objects.update(run_at="2020-01-01T00:00:00Z")
    assert [claim.team_id for claim in queue.claim("embed", limit=9, without_teams=[team.pk])] == [theirs.team_id]


def test_captions_wait_for_the_budget_and_what_costs_nothing_goes_on(inbox, team, fake, monkeypatch) -> None:
    monkeypatch.setenv("CAPTIONER", "fake")
    config.load.cache_clear()
    Team.objects.filter(pk=team.pk).update(budget_month=0)
    item = made.picture(inbox)
    made.work_through_everything()
    found = stages.status_of([item])[item.pk].stages
    assert found["decode"].state == "done" and fake.requests == []
    assert found["caption"].state == "waiting" and found["caption"].error.startswith(SPENT)


def test_words_still_find_and_the_page_says_why(inbox, team, fake) -> None:
    item = made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    Team.objects.filter(pk=team.pk).update(budget_month=1)
    budgets.forget()
    calls = fake.calls
    results = find.find(questions.from_query({"q": "tulips"}), inbox.scope)
    assert [hit.item.id for hit in results.hits] == [item.public_id]
    assert any(note.startswith(SPENT) and note.endswith("Found by words alone.") for note in results.notes)
    assert fake.calls == calls


def test_a_question_is_paid_by_the_team_of_who_asks(inbox, team, fake) -> None:
    made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    find.find(questions.from_query({"q": "yellow tulips in spring"}), inbox.scope)
    assert ProviderCall.objects.filter(operation="query").latest("id").team == team


def test_what_is_free_goes_on(team) -> None:
    Team.objects.filter(pk=team.pk).update(budget_month=0)
    embedded = Endpoint(EMBEDDED, config.load().inference_socket, "Qwen/Qwen3-VL-Embedding-2B")
    remote = Endpoint("https://there.example", None, "qwen/qwen3-8b")
    with meter.paying([team.pk]):
        metering.admit("embed", embedded)
        metering.admit("read", Endpoint("https://there.example", None, "builtin"))
        with pytest.raises(OutOfBudget, match=SPENT) as refused:
            metering.admit("answer", remote)
    assert 1 <= refused.value.retry_after <= 600

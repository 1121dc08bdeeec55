"""The operators' page of the queue: what it shows to whom, and what its verbs do."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from searchsite.accounts.models import Membership, Role, Team, User
from searchsite.indexing import reasons
from searchsite.indexing.models import ProviderPause
from searchsite.jobs import failures, pausing
from searchsite.jobs.models import Job, Lane, State
from searchsite.library.models import Collection, Item, Visibility
from tests import made
from tests.fake_inference import FakeInference
from tests.served import fake
from tests.web.conftest import text

__all__ = ["fake"]
pytestmark = pytest.mark.django_db
VERBS = ("retry", "cancel", "pause", "resume", "make")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def operator(signed_in) -> Client:
    """alice, who leads the house as well."""
    User.objects.filter(username="alice").update(is_superuser=True, is_staff=True)
    return signed_in("alice")


@pytest.fixture
def staff(signed_in) -> Client:
    """bob, who is of staff and edits in his team."""
    User.objects.filter(username="bob").update(is_staff=True)
    return signed_in("bob")


def place_of(name: str, team: Team):
    return made.place(User.objects.get(username=name), team)


def dead(item: Item, error: str = "The picture has 300 megapixels.", **fields) -> Job:
    known = {"kind": "embed", "queue": "embed", "team_id": item.team_id, "subject": item.pk, "state": State.DEAD}
    Job.objects.filter(subject=item.pk).delete()
    return Job.objects.create(
        **known | {"attempts": 3, "last_error": error, "finished_at": "2026-01-01T10:00:00Z"} | fields
    )


@pytest.fixture
def notes(garden) -> list[Item]:
    place = place_of("alice", garden)
    return [made.note(place, f"Note number {n}", title=f"Note {n}") for n in range(3)]


@pytest.fixture
def elsewhere(garden) -> Item:
    """A note of charlie's own team."""
    return made.note(place_of("charlie", Team.objects.get(name="den")), "A secret.", title="Charlie's secret")


def test_only_people_of_staff_see_it(alice, client, garden):
    assert alice.get("/queue").status_code == 403
    for way in ("live", "group", "missing"):
        assert alice.get(f"/queue/{way}").status_code == 403
    for verb in VERBS:
        assert alice.post(f"/queue/{verb}", {"kind": "embed"}).status_code == 403
        assert client.post(f"/queue/{verb}").status_code == 302
    assert 'href="/queue"' not in text(alice.get("/"))


def test_nothing_is_changed_by_a_link(operator):
    for verb in VERBS:
        assert operator.get(f"/queue/{verb}").status_code == 405


def test_an_empty_queue_says_so(operator):
    page = text(operator.get("/queue"))
    assert "Nothing has failed." in page and page.count("Idle") == 3 and "Not configured" in page
    assert 'href="/queue"' in text(operator.get("/"))


def test_it_counts_by_stage_and_state(operator, notes):
    dead(notes[0])
    page = text(operator.get("/queue"))
    assert re.search(r"<b>2</b>\s*waiting", page) and re.search(r"<b>1</b>\s*failed", page)
    assert "oldest waits less than a minute" in page
    assert re.search(r"normal</dt><dd>2</dd>", page) and re.search(r"garden</dt><dd>2</dd>", page)


def test_failures_are_grouped_by_what_they_have_in_common(operator, notes):
    for item, error in zip(
        notes, ("Has 300 megapixels.", "Has 1,250 megapixels.", "The file is missing."), strict=True
    ):
        dead(item, error)
    page = text(operator.get("/queue"))
    assert page.count('<details class="failures') == 2
    assert "Has # megapixels." in page and "Has 300 megapixels." in page
    assert f'href="/items/{notes[0].public_id}"' in page and "3 attempts" in page


def test_one_a_group_a_stage_and_everything_are_tried_again(operator, notes):
    jobs = [dead(item, f"Broken at byte {n}.") for n, item in enumerate(notes)]
    assert "1 job will be tried again." in text(operator.post("/queue/retry", {"job": jobs[0].pk}, follow=True))
    group = {"kind": "embed", "state": "dead", "reason": "Broken at byte #."}
    assert "2 jobs will be tried again." in text(operator.post("/queue/retry", group, follow=True))
    for asked in ({"kind": "embed"}, {}):
        Job.objects.update(state=State.DEAD)
        assert "3 jobs will be tried again." in text(operator.post("/queue/retry", asked, follow=True))
    assert set(Job.objects.values_list("state", "attempts")) == {(State.READY, 0)}


def test_what_waits_is_cancelled_shows_it_and_comes_back(operator, notes):
    assert "3 jobs were cancelled." in text(operator.post("/queue/cancel", {"kind": "embed"}, follow=True))
    assert "cancelled" in text(operator.get(f"/items/{notes[0].public_id}"))
    assert "Cancelled by a person" in text(operator.get("/queue"))
    operator.post("/queue/retry", {"kind": "embed", "state": "cancelled", "reason": ""})
    assert set(Job.objects.values_list("state", flat=True)) == {State.READY}


def test_a_failure_that_is_cancelled_keeps_its_reason(operator, notes):
    job = dead(notes[0])
    operator.post("/queue/cancel", {"job": job.pk})
    job.refresh_from_db()
    assert (job.state, job.last_error) == (State.CANCELLED, "The picture has 300 megapixels.")
    assert "Nothing has failed." not in text(operator.get("/queue"))


def test_a_stage_is_paused_with_a_reason_that_everyone_reads(operator, signed_in, notes):
    page = text(operator.post("/queue/pause", {"kind": "embed", "reason": "The bill <b>"}, follow=True))
    assert "Paused by alice" in page and "The bill &lt;b&gt;" in page and pausing.paused() == {"embed"}
    shown = text(signed_in("vera").get(f"/items/{notes[0].public_id}"))
    assert "An operator has paused this stage: The bill" in shown
    assert "goes on" in text(operator.post("/queue/resume", {"kind": "embed"}, follow=True))
    assert pausing.paused() == set()


def test_a_stage_that_does_not_exist_is_refused_in_words(operator):
    for verb in ("cancel", "pause", "resume", "make"):
        answer = operator.post(f"/queue/{verb}", {"kind": "\0dance"})
        assert answer.status_code == 400 or "There is no such stage." in text(answer)
    assert operator.post("/queue/retry", {"job": "9" * 40}).status_code == 302
    assert operator.post("/queue/retry", {"job": "x"}).status_code == 302


def test_a_form_that_lacks_its_reason_changes_nothing(operator, notes):
    for verb in ("retry", "cancel"):
        for state in ({}, {"state": "ready"}, {"state": "\0"}):
            answer = operator.post(f"/queue/{verb}", {"job": "", "kind": "embed", **state})
            assert answer.status_code < 500
    assert set(Job.objects.values_list("state", flat=True)) == {State.READY}


def test_staff_see_all_counts_but_other_teams_words_never(staff, notes, elsewhere):
    dead(elsewhere, "Charlie's words.")
    dead(notes[0], "Alice's words.")
    page = unescape(text(staff.get("/queue")))
    assert re.search(r"<b>2</b>\s*failed", page) and "Alice's words." in page
    assert "Charlie's" not in page
    for name, status in (("Alice", 200), ("Charlie", 302)):
        answer = staff.get("/queue/group", {"kind": "embed", "state": "dead", "reason": f"{name}'s words."})
        assert answer.status_code == status


def test_where_only_others_have_failed_staff_read_a_number(staff, elsewhere):
    dead(elsewhere, "Charlie's words.")
    page = text(staff.get("/queue"))
    assert re.search(r"<b>1</b>\s*failed", page) and "Nothing of your teams has failed." in page


def test_staff_read_no_other_teams_name_nor_why_it_waits(staff, operator, notes, elsewhere):
    Job.objects.filter(subject=elsewhere.pk).update(last_error="Charlie contract.pdf is held.")
    for browser, told in ((operator, True), (staff, False)):
        page = unescape(text(browser.get("/queue")))
        assert (("Charlie contract.pdf" in page), ("</svg>den</dt>" in page)) == (told, told)
        assert (("Jobs of other teams are held up." in page), ("Other teams</dt><dd>1" in page)) == (not told, not told)
        assert "garden</dt><dd>3</dd>" in page


def test_staff_see_no_titles_of_private_collections(staff, garden, notes):
    alice = User.objects.get(username="alice")
    diary = Collection.objects.create(team=garden, name="Diary", visibility=Visibility.PRIVATE, created_by=alice)
    Item.objects.filter(pk=notes[0].pk).update(collection=diary, title="Dear diary")
    dead(notes[0])
    assert "Dear diary" not in text(staff.get("/queue"))


@pytest.fixture
def diary(garden, notes) -> Item:
    """The first note, in alice's private collection."""
    alice = User.objects.get(username="alice")
    private = Collection.objects.create(team=garden, name="Diary", visibility=Visibility.PRIVATE, created_by=alice)
    Item.objects.filter(pk=notes[0].pk).update(collection=private, title="Dear diary")
    return notes[0]


def test_what_a_server_says_of_a_private_item_is_read_by_nobody_else(staff, operator, diary):
    dead(diary, "10.0.0.1:80: cannot embed 'I love Mallory'")
    page = unescape(text(staff.get("/queue")))
    assert "Mallory" not in page and "said something of an item that you may not see" in page
    reason = re.search(r'name="reason" value="(sealed:\w+)"', page)[1]
    group = {"kind": "embed", "state": "dead", "reason": reason}
    listed = text(staff.get("/queue/group", group))
    assert "Mallory" not in listed and "An item that you may not see" in listed and "1 item" in listed
    assert "Mallory" in text(operator.get("/queue"))
    assert "1 job will be tried again." in text(staff.post("/queue/retry", group, follow=True))


def test_why_a_private_item_waits_is_read_by_nobody_else(staff, operator, diary):
    Job.objects.filter(subject=diary.pk).update(last_error="10.0.0.1:80: cannot embed 'I love Mallory'")
    assert "Mallory" not in text(staff.get("/queue")) and "Mallory" in text(operator.get("/queue"))
    assert "The last try failed, and another follows." in text(staff.get("/queue"))


def test_a_sentence_of_ours_is_told_of_private_items_too(staff, diary):
    dead(diary, "This picture is damaged and cannot be read.")
    page = text(staff.get("/queue"))
    assert "This picture is damaged" in page and "save it anew as PNG or JPEG" in page and "diary" not in page


@pytest.mark.parametrize("reason", [*reasons.KNOWN, "Unexpected error (KeyError).", "a:1: 400 too long", "Broken."])
def test_each_failure_says_what_to_do(operator, notes, reason):
    dead(notes[0], reason)
    assert 'class="advice"' in text(operator.get("/queue"))
    assert 'class="advice"' in text(operator.get(f"/items/{notes[0].public_id}"))


def test_a_server_that_is_not_well_is_named_with_since_when_why_and_what_to_do(staff, notes, fake: FakeInference):
    host = fake.url.split("//")[1]
    times = {"since": timezone.now() - timedelta(hours=1), "until": timezone.now() + timedelta(minutes=5)}
    ProviderPause.objects.create(provider=host, failures=5, kind="key", reason=f"{host}: no credits", **times)
    page = unescape(text(staff.get("/queue")))
    assert f"{host} (embed, read) refuses the key, or it is not paid for: no credits." in page
    assert "Since " in page and "Nothing is sent there until" in page and "Set EMBED_KEY (or INFERENCE_KEY)" in page
    ProviderPause.objects.all().delete()
    assert "not well" not in text(staff.get("/queue"))


def test_staff_act_on_their_own_team_alone(staff, notes, elsewhere):
    jobs = [dead(elsewhere), dead(notes[0])]
    assert "0 jobs" in text(staff.post("/queue/retry", {"job": jobs[0].pk}, follow=True))
    staff.post("/queue/retry", {})
    assert [Job.objects.get(pk=job.pk).state for job in jobs] == [State.DEAD, State.READY]
    staff.post("/queue/cancel", {"kind": "embed"})
    assert Job.objects.filter(state=State.CANCELLED).exclude(team_id=notes[0].team_id).count() == 0
    for verb in ("pause", "resume"):
        assert staff.post(f"/queue/{verb}", {"kind": "embed"}).status_code == 403


def test_staff_who_only_look_change_nothing(staff, notes):
    Membership.objects.filter(user__username="bob").update(role=Role.VIEWER)
    dead(notes[0])
    assert "Retry everything" not in text(staff.get("/queue"))
    for verb in VERBS:
        assert staff.post(f"/queue/{verb}", {"kind": "embed"}).status_code == 403


def test_superusers_look_at_one_team(operator, notes, elsewhere):
    den = Team.objects.get(name="den")
    page = text(operator.get(f"/queue?team={den.public_id}"))
    assert re.search(r"<b>1</b>\s*waiting", page)
    operator.post(f"/queue/cancel?team={den.public_id}", {"kind": "embed"})
    assert Job.objects.filter(state=State.CANCELLED).get().team_id == den.pk
    for wrong in ("x", "00000000-0000-4000-8000-000000000000"):
        assert operator.get(f"/queue?team={wrong}").status_code == 404


def test_other_teams_items_lead_superusers_to_the_admin(operator, elsewhere):
    dead(elsewhere)
    page = unescape(text(operator.get("/queue")))
    assert "Charlie's secret" in page and f'href="/admin/library/item/{elsewhere.pk}/change/"' in page


def test_the_live_part_comes_only_when_something_has_changed(operator, notes):
    page = text(operator.get("/queue"))
    seen = re.search(r"seen=(\w+)", page)[1]
    assert operator.get(f"/queue/live?seen={seen}", headers=HTMX).status_code == 204
    dead(notes[0])
    answer = operator.get(f"/queue/live?seen={seen}", headers=HTMX)
    assert answer.status_code == 200 and text(answer).lstrip().startswith('<div id="queue-live"')
    assert operator.get("/queue/live").status_code == 302


def test_a_verb_answers_a_script_with_what_changed(operator, notes):
    answer = text(operator.post("/queue/cancel", {"kind": "embed"}, headers=HTMX))
    assert '<div id="queue-live"' in answer and "3 jobs were cancelled." in answer and "<html" not in answer


def test_a_group_can_be_looked_through(operator, notes):
    for number, item in enumerate(notes):
        dead(item, f"Broken at byte {number}.")
    page = text(operator.get("/queue/group?kind=embed&state=dead&reason=Broken+at+byte+%23."))
    assert "3 items" in page and "Broken at byte 2." in page
    assert operator.get("/queue/group?kind=embed&state=ready&reason=x").status_code == 404
    assert operator.get("/queue/group?kind=embed&state=dead&reason=nothing").status_code == 302


def test_of_a_large_group_the_newest_are_looked_at_and_all_are_tried_again(operator, notes):
    many = failures.LOOKED_AT + 1
    first = dead(notes[0], "Broken at byte 0.")
    known = {"kind": "embed", "queue": "embed", "team_id": notes[0].team_id, "state": State.DEAD}
    Job.objects.bulk_create(
        Job(**known, subject=first.pk + n, last_error=f"Broken at byte {n % 9}.", finished_at="2026-02-01T10:00:00Z")
        for n in range(10**6, 10**6 + many)
    )
    group = {"kind": "embed", "state": "dead", "reason": "Broken at byte #."}
    page = text(operator.get("/queue/group", group))
    assert "2,000+ items" in page and page.count('<li id="job-') == 100 and f'"job-{first.pk}"' not in page
    assert "2,002 jobs will be tried again." in text(operator.post("/queue/retry", group, follow=True))


def test_a_provider_that_is_left_alone_is_named_with_the_time(operator, notes, fake: FakeInference):
    host = fake.url.split("//")[1]
    reason = f"{host}: connection refused"
    ProviderPause.objects.create(
        provider=host, failures=3, until="2099-01-01T12:30:00Z", since="2026-01-01T00:00:00Z", reason=reason
    )
    page = text(operator.get("/queue"))
    assert f"{host} is left alone for a while: connection refused." in page and "Held up" in page
    assert "3 wait:" in page and "Next try at" in page


def test_what_is_missing_is_counted_before_it_is_processed(operator, notes, fake: FakeInference):
    Job.objects.all().delete()
    page = text(operator.get("/queue/missing"))
    assert "3 items are processed, after what people wait for." in page
    assert "Process what is missing" in text(operator.get("/queue/missing", headers=HTMX))
    assert "3 items will be processed." in text(operator.post("/queue/make", {"kind": "embed"}, follow=True))
    assert set(Job.objects.values_list("lane", flat=True)) == {Lane.BULK}
    assert "0 items will be processed." in text(operator.post("/queue/make", {"kind": "embed"}, follow=True))
    refused = operator.post("/queue/make", {"kind": "caption"})
    assert "Nothing is configured that does this." in text(refused)

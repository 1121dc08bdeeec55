"""Spaces stand beside each other: one answers, another is built, and their vectors never meet."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from searchsite import config
from searchsite.indexing import (
    embed,
    estimates,
    fingerprints,
    plan,
    provider,
    spaces,
    stages,
    standing,
    tables,
    upkeep,
    worker,
)
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference.errors import InferenceError
from searchsite.jobs import queue
from searchsite.jobs.models import Job
from searchsite.library.models import Part
from searchsite.search import find
from searchsite.search.questions import Question, Term
from tests import made
from tests.fake_inference import FakeInference

pytestmark = pytest.mark.django_db
Configure = Callable[[FakeInference], None]


class Salted(FakeInference):
    """An embedder whose vectors have nothing to do with another's."""

    salt = "salted "

    def _hashed(self, part: str) -> np.ndarray:
        return super()._hashed(self.salt + part)


@pytest.fixture(autouse=True)
def _no_pauses():
    for pause in worker._pauses.values():
        pause.until = pause.length = 0.0


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Have the configuration name another embedder, as after a restart."""

    def name(server: FakeInference) -> None:
        monkeypatch.setenv("INFERENCE_URL", server.url)
        monkeypatch.setenv("EMBEDDER", server.embedder)
        provider.forget()
        fingerprints.forget()
        config.load.cache_clear()
        for pause in worker._pauses.values():
            pause.until = pause.length = 0.0

    return name


@pytest.fixture
def other():
    with Salted(dimensions=96, embedder="other") as server:
        yield server


@pytest.fixture
def notes(inbox, fake):
    """Two notes, embedded by the fake."""
    found = [made.note(inbox, "Tulips want sun."), made.note(inbox, "Roses want rain.")]
    made.work_through_everything()
    return found


def top(inbox, text: str) -> float | None:
    """How near the nearest vector is to a text."""
    results = find.find(Question((Term(text=text),), mode="meaning"), inbox.scope)
    return max((why.similarity for hit in results.hits for why in hit.why if why.similarity), default=None)


def test_a_change_of_the_setting_embeds_nothing_anew(inbox, notes, other, configure, fake):
    configure(other)
    upkeep.tidy()
    made.work_through_everything()
    assert other.inputs == 0
    assert standing.now().differs
    assert top(inbox, "Tulips want sun.") == pytest.approx(1, abs=0.001)
    assert fake.requests[-1]["input"] == ["Tulips want sun."]


def test_new_and_changed_items_go_into_both(inbox, notes, other, configure, fake):
    configure(other)
    building = spaces.build()
    made.note(inbox, "Lilies want shade.")
    notes[0].parts.update(text="Tulips want wind.")
    queue.enqueue([plan.job("embed", notes[0])])
    made.work_through_everything()
    for space in (made.active_space(), building):
        assert len(tables.hashes(space.pk, [item.pk for item in notes])) >= 1
    assert not spaces.lacking(made.active_space())
    upkeep.fill(building)
    made.work_through_everything()
    assert spaces.lacking(building) == 0
    assert tables.hashes(building.pk, [notes[0].pk]) == tables.hashes(made.active_space().pk, [notes[0].pk])


def test_work_for_a_space_that_is_built_does_not_show_on_items(inbox, notes, other, configure, fake):
    configure(other)
    upkeep.fill(spaces.build())
    assert set(Job.objects.filter(state="ready").values_list("space_id", "lane")) == {
        (Space.objects.latest("pk").pk, 9)
    }
    assert [one.status for one in stages.status_of(notes).values()] == ["ready", "ready"]


def test_activation_waits_until_nothing_is_lost(inbox, notes, other, configure, fake):
    configure(other)
    old, building = made.active_space(), spaces.build()
    with pytest.raises(spaces.NotNow, match="2 parts have no vectors"):
        spaces.activate(building)
    upkeep.fill(building)
    made.work_through_everything()
    spaces.activate(building)
    assert made.active_space() == building
    assert Space.objects.get(pk=old.pk).status == SpaceStatus.RETIRED
    assert top(inbox, "Tulips want sun.") == pytest.approx(1, abs=0.001)


def test_rolling_back_says_what_is_missing_and_catches_up(inbox, notes, other, configure, fake):
    configure(other)
    old = made.active_space()
    spaces.activate(spaces.build(), force=True)
    made.note(inbox, "Lilies want shade.")
    notes[0].parts.update(text="Tulips want wind.")
    queue.enqueue([plan.job("embed", notes[0])])
    made.work_through_everything()
    back, missing = spaces.roll_back()
    assert (back, missing) == (old, 2)
    upkeep.fill(back)
    made.work_through_everything()
    assert spaces.lacking(old) == 0
    assert (top(inbox, "Tulips want wind.") or 0) > 0.8  # its title is embedded with it


def test_a_job_of_a_space_that_was_dropped_writes_nothing(inbox, notes, other, configure, fake):
    configure(other)
    building = spaces.build()
    upkeep.fill(building)
    claims = queue.claim("embed", limit=8)
    units = embed.units(claims)
    outcomes = [unit.ask() for unit in units]
    spaces.cancel(building)
    for unit, outcome in zip(units, outcomes, strict=True):
        unit.store(outcome)
    assert not Space.objects.filter(pk=building.pk).exists()
    assert not Job.objects.filter(space_id=building.pk).exists()


def test_what_was_on_its_way_at_a_switch_is_not_lost(inbox, notes, other, configure, fake):
    configure(other)
    late = made.note(inbox, "Lilies want shade.")
    (unit,) = embed.units(queue.claim("embed", limit=8))
    outcome = unit.ask()
    new = spaces.activate(spaces.build(), force=True)
    unit.store(outcome)
    made.work_through_everything()
    assert tables.hashes(new.pk, [late.pk])


def test_other_weights_of_the_same_name_are_noticed(inbox, notes, fake, configure):
    with Salted(embedder=fake.embedder) as swapped:
        configure(swapped)
        Space.objects.update(url=swapped.url)
        results = find.find(Question((Term(text="tulips"),)), inbox.scope)
        assert any("Another embedder" in note for note in results.notes)
        made.note(inbox, "Lilies want shade.")
        made.work_through_everything()
    assert "other weights" in Job.objects.latest("pk").last_error


def test_a_server_that_moved_is_followed_when_it_is_the_same(notes, fake, configure):
    with FakeInference(embedder=fake.embedder) as moved:
        configure(moved)
        standing.follow(made.active_space())
        assert made.active_space().url == moved.url
    with Salted(embedder=fake.embedder) as swapped:
        configure(swapped)
        with pytest.raises(spaces.WrongEmbedder):
            standing.follow(made.active_space())
    assert made.active_space().url == moved.url


def test_a_provider_that_is_away_holds_up_its_own_space_alone(inbox, notes, other, configure, fake):
    configure(other)
    building = spaces.build()
    upkeep.fill(building)
    other.fault = "503"
    made.work_through_everything()
    late = made.note(inbox, "Lilies want shade.")
    made.work_through_everything()
    assert tables.hashes(made.active_space().pk, [late.pk])
    assert set(Job.objects.filter(space_id=building.pk).values_list("state", "attempts")) == {("ready", 0)}


def test_an_embedder_that_fails_its_check_is_not_indexed_with(notes, other, configure):
    configure(other)
    other.fault = "long"
    with pytest.raises(InferenceError, match="fails its check"):
        spaces.build()
    assert Space.objects.count() == 1


def test_what_was_built_before_is_built_on(inbox, notes, other, configure, fake):
    configure(other)
    building = spaces.build()
    upkeep.fill(building)
    made.work_through_everything()
    spaces.activate(building)
    configure(fake)
    asked = fake.inputs
    old = spaces.build()
    made.work_through_everything()
    assert (old.status, spaces.lacking(old)) == (SpaceStatus.BUILDING, 0)
    assert fake.inputs - asked < 40  # its check; no part was embedded again


def test_an_embedder_of_texts_alone_knows_pictures_by_their_words(inbox, notes, configure):
    with Salted(dimensions=32, embedder="words") as words:
        words.pictures = False
        configure(words)
        picture = made.picture(inbox)
        space = spaces.activate(spaces.build(), force=True)
        upkeep.fill(space)
        made.work_through_everything()
        assert not space.takes_pictures
        channels = Part.objects.filter(pk__in=tables.hashes(space.pk, [picture.pk])).values_list("channel", flat=True)
        assert set(channels) == {"text"}
        results = find.find(Question((Term(item=picture.public_id),)), inbox.scope)
        assert results.hits


@pytest.mark.parametrize("dimensions", [64, 1024, 2048, 4096])
def test_vectors_of_every_length_are_stored_and_found(inbox, fake, dimensions, monkeypatch):
    fake.dimensions = dimensions
    monkeypatch.setenv("EMBED_DIMENSIONS", str(dimensions))
    config.load.cache_clear()
    made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    assert made.active_space().dimensions == dimensions
    assert top(inbox, "Tulips want sun.") == pytest.approx(1, abs=0.001)


def test_an_embedder_that_can_be_cut_is_cut(inbox, fake, monkeypatch):
    fake.dimensions, fake.matryoshka = 4096, True
    monkeypatch.setenv("EMBED_DIMENSIONS", "512")
    config.load.cache_clear()
    made.note(inbox, "Tulips want sun.")
    made.work_through_everything()
    assert (made.active_space().dimensions, made.active_space().most_dimensions) == (512, 512)
    assert top(inbox, "Tulips want sun.") == pytest.approx(1, abs=0.001)


def test_many_that_failed_do_not_hide_one_that_is_left(inbox, notes, other, configure):
    configure(other)
    building = spaces.build()
    failed = [made.note(inbox, f"Lilies {number} want shade.") for number in range(5)]
    jobs = [plan.job(plan.EMBED, item, space_id=building.pk) for item in failed]
    queue.enqueue(jobs)
    Job.objects.filter(space_id=building.pk).update(state="dead")
    Job.objects.filter(space_id=None).delete()
    assert [item.pk for item in upkeep.overlooked(building, most=1)] == [notes[1].pk]


def test_an_estimate_counts_and_times_real_parts(notes, other, configure, monkeypatch):
    configure(other)
    monkeypatch.setenv("PRICES", '{"other": {"input": 1000}}')
    config.load.cache_clear()
    found = estimates.plan_for()
    assert (found.total, found.dimensions) == (2, 96)
    assert found.tokens > 8
    assert found.price == Decimal(found.tokens) / 1000
    assert 0 < found.seconds < 10
    assert estimates.disk(made.active_space()) < found.disk < 300_000
    assert Space.objects.count() == 1


def test_an_earlier_key_that_fits_no_space_is_named(notes, fake, monkeypatch):
    monkeypatch.setenv("EARLIER_KEYS", "127.0.0.1=sk-used,openrouter.example=sk-unused")
    config.load.cache_clear()
    assert provider.unused_keys() == ["openrouter.example"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 second"), (1.6, "2 seconds"), (119, "119 seconds"), (150, "2 minutes")]
)
def test_a_time_is_told_in_words(seconds, words):
    assert estimates.duration(seconds) == words

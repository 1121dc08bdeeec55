"""A set goes in beside the teams, is asked, and is taken away."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from searchsite.accounts.models import Team, User
from searchsite.indexing.models import Space
from searchsite.jobs.models import Job
from searchsite.library.models import Blob, Collection, Item, Part
from searchsite.library.scope import scope_for
from searchsite.quality import banding, filling, measuring, reporting, sets
from searchsite.quality.measuring import Unanswered
from searchsite.quality.scoring import score
from searchsite.search.find import find
from searchsite.search.questions import Question, Term
from tests import made
from tests.quality.conftest import write

pytestmark = pytest.mark.django_db(transaction=True)


def put_in(folder):
    wanted = sets.read(folder)
    filled = filling.fill(wanted)
    made.work_through_everything()
    return wanted, filled


def evaluated(folder, *options: str) -> str:
    out = StringIO()
    call_command("evaluate", "--set", str(folder), *options, stdout=out, stderr=out)
    return out.getvalue()


def nothing_left() -> bool:
    return not any(model.objects.exists() for model in (Item, Part, Blob, Job, Collection, Team, User))


def test_fused_is_not_worse_than_words_or_vectors(notes, fake):
    wanted, filled = put_in(notes)
    answered = list(measuring.measure(wanted.questions, filled))
    figures = {name: score([one.ranks[name] for one in answered]) for name in measuring.MODES}
    assert figures["fused"].number == 6
    assert figures["fused"].mrr >= max(figures["words"].mrr, figures["vectors"].mrr) > figures["vectors"].mrr


def test_bands_are_counted_by_half_and_beside_nonsense(notes, fake):
    wanted, filled = put_in(notes)
    Space.objects.update(calibration={"text": {"likely": 0.3, "strong": 0.6}})
    answered = list(measuring.measure(wanted.questions, filled))
    bare = list(banding.ask_nonsense(filled, ["qqxx zzyy", "wwvv uutt"]))
    found = banding.held(answered, bare)
    right = [one for one in found if one.group.startswith("text -> text")]
    assert sum(one.number for one in right) == sum(one.band is not None for one in answered) > 0
    assert any(one.kept > 0 for one in right)
    means_nothing = [one for one in found if one.group.startswith("nonsense")]
    assert sum(one.number for one in means_nothing) == len(bare) and {one.strong for one in means_nothing} == {0.0}
    assert len(banding.as_text(found)) == len(found) + 2


def test_a_picture_is_asked_by_and_has_no_words(colours, fake, tmp_path):
    likes = tmp_path / "own" / "likes"
    row = {"id": "q", "path": "../colours/img/red.jpg", "text": "", "relevant": ["red"]}
    write(likes, "manifest.jsonl", [row | {"relevant_path": "../colours/img/red.jpg"}])
    wanted, filled = put_in(likes)
    (answered,) = measuring.measure(wanted.questions, filled)
    assert answered.ranks == {"words": None, "vectors": 1, "fused": 1}
    (line,) = reporting.lines([answered])
    assert (line.direction, line.group, line.scores["fused"].recall[1]) == ("picture -> picture", "all", 1.0)


def test_nobody_sees_the_set_and_nothing_is_left_of_it(notes, colours, fake):
    alice = made.person("alice")
    garden = made.team_of(alice)
    wanted, filled = put_in(notes)
    other = put_in(colours)[0]
    assert not find(Question((Term(text="tulips"),)), scope_for(alice, garden)).hits
    assert not scope_for(alice, filled.scope.team_id).collection_ids
    assert not User.objects.get(pk=filled.scope.user_id).has_usable_password()
    assert filling.remove(wanted) and filling.remove(other)
    assert not filling.remove(wanted)
    Collection.objects.filter(team=garden).delete()
    garden.delete()
    alice.delete()
    assert nothing_left()


def test_a_second_run_asks_only(notes, fake):
    _, first = put_in(notes)
    jobs = Job.objects.count()
    _, second = put_in(notes)
    assert {name: item.pk for name, item in first.items.items()} == {n: item.pk for n, item in second.items.items()}
    assert Job.objects.count() == jobs


def test_work_that_is_before_a_set_counts_as_getting_on(notes, colours, fake):
    filling.fill(sets.read(notes))
    first = filling.progress(filling.fill(sets.read(colours)))
    assert 0 < first.open < first.everywhere
    made.work_through_everything()
    done = filling.progress(filling.fill(sets.read(colours)))
    assert (done.open, done.everywhere, done.failed) == (0, 0, 0)


def test_what_the_set_has_not_any_more_is_taken_out(notes, fake):
    put_in(notes)
    rows = (notes / "manifest.jsonl").read_text().splitlines()
    (notes / "manifest.jsonl").write_text("\n".join(rows[1:]))
    _, filled = put_in(notes)
    assert Item.objects.count() == len(filled.items) == 5


def test_a_file_that_is_no_picture_is_left_out_and_named(colours, fake):
    (colours / "img" / "red.jpg").write_bytes(b"not a picture")
    wanted, filled = put_in(colours)
    assert list(filled.refused) == ["red"]
    asked = {one.asking.id for one in measuring.measure(wanted.questions, filled, modes=["words"])}
    assert "red:en" not in asked and "orange:en" in asked


def test_the_command_prints_a_table_keeps_or_removes_and_writes_json(notes, fake, tmp_path):
    put_in(notes)
    said = evaluated(notes, "--keep", "--json", str(tmp_path / "figures.json"))
    assert "own/notes: 6 documents, 6 questions" in said and "text -> text, all" in said
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["lines"][0]["scores"]["fused"]["number"] == 6 and figures["embedder"].startswith("fake")
    assert figures["ranks"]["q5"]["fused"] == 1
    assert Item.objects.count() == 6
    assert "| text -> text | all | 6 |" in evaluated(notes, "--markdown")
    assert nothing_left()


def test_a_question_that_vectors_could_not_answer_is_not_counted(notes, fake):
    wanted, filled = put_in(notes)
    fake.fault = "500"
    with pytest.raises(Unanswered):
        list(measuring.measure(wanted.questions, filled, patience=()))


def test_the_command_refuses_what_is_no_set_in_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="There is no set at"):
        evaluated(tmp_path)


def test_the_command_only_removes_when_asked(notes, fake):
    put_in(notes)
    assert "taken away" in evaluated(notes, "--remove")
    assert nothing_left()
    assert "not there" in evaluated(notes, "--remove")

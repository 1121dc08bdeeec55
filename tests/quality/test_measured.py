"""Judged questions are measured, compared, written for other tools and read again."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.http import QueryDict
from django.utils import timezone

from searchsite.indexing import provider, spaces
from searchsite.indexing import upkeep as of_spaces
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.library.scope import scope_for
from searchsite.quality import comparing, judged, judgement_files, judging, runs, scoring, upkeep
from searchsite.quality.models import EvaluationRun, Origin
from searchsite.quality.runs import Configuration
from searchsite.search.find import find
from searchsite.search.questions import from_query
from tests import made
from tests.quality.conftest import NOTES, QUERIES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house(fake):
    """alice's team with the notes, indexed, and her mark on the answer of each question."""
    alice = made.person("alice")
    team = made.team_of(alice)
    place = made.place(alice, team)
    items = {name: made.note(place, text) for name, text in NOTES.items()}
    made.work_through_everything()
    scope = scope_for(alice, team)
    for words, name in QUERIES.items():
        judging.mark(asked(words), items[name], scope=scope)
    return {"team": team, "scope": scope, "items": items, "fake": fake}


def asked(words: str):
    return from_query(QueryDict(mutable=True) | {"q": words})


def command(*options: str) -> str:
    out = StringIO()
    call_command("evaluate", *options, stdout=out, stderr=out)
    return out.getvalue()


def test_a_run_keeps_the_figures_and_the_configuration(house):
    made_run, _ = runs.run(house["team"], Origin.PERSON, seconds=30)
    assert made_run is not None and (made_run.asked, made_run.by_marks, made_run.left_out) == (6, 6, 0)
    ranked = [one.item.id for one in find(asked("a flat tyre"), house["scope"]).hits]
    one = next(one for one in judged.by_askers(house["team"]) if one.question.words == "a flat tyre")
    expected = scoring.figures(ranked, one.grades)["ndcg@10"]
    assert made_run.each[str(one.stored.pk)] == pytest.approx(expected, abs=1e-4)
    assert 0.5 < made_run.figures["mrr"] <= 1 and set(made_run.figures) == set(scoring.METRICS)
    assert made_run.configuration["embedder"].startswith("fake")
    again, _ = runs.run(house["team"], Origin.CLOCK, seconds=30)
    assert again.fingerprint == made_run.fingerprint
    Space.objects.update(revision="2")
    assert runs.fingerprint(Configuration().described()) != again.fingerprint


def test_what_only_words_answered_is_never_counted(house):
    house["fake"].__exit__()
    provider.forget()
    Space.objects.update(url="http://127.0.0.1:9/")
    found, why = runs.run(house["team"], Origin.PERSON, seconds=30)
    assert found is None and "found by words alone" in why
    assert not EvaluationRun.objects.exists()


def test_it_is_measured_once_a_day_where_there_is_something_to_measure(house):
    made.team_of(made.person("charlie"), "den")
    upkeep.tend()
    upkeep.tend()
    assert [run.team for run in EvaluationRun.objects.all()] == [house["team"]]
    EvaluationRun.objects.update(created_at=timezone.now() - upkeep.EVERY)
    upkeep.tend()
    assert EvaluationRun.objects.count() == 2


def test_two_ways_to_search_are_compared_on_what_is_saved_and_judged(house):
    judging.save(asked("roses and tulips"), scope=house["scope"])
    questions = comparing.questions(house["scope"])
    assert len(questions) == 7
    found = comparing.compare(questions, Configuration(), Configuration(mode="meaning"))
    assert (len(found.pairs), len(found.known), found.left_out) == (7, 6, 0)
    assert 0 < found.rbo < 1 and found.figures[0]["ndcg@10"] > found.figures[1]["ndcg@10"]
    assert found.pairs[0].change < 0
    same = comparing.compare(questions, Configuration(), Configuration())
    assert (same.overlap, same.rbo) == (1.0, pytest.approx(1.0))


def test_a_space_that_is_being_built_is_asked_beside_the_one_that_answers(house):
    active = made.active_space()
    Space.objects.filter(pk=active.pk).update(revision="before")
    spaces.build()
    other = Space.objects.get(status=SpaceStatus.BUILDING)
    questions = comparing.questions(house["scope"])
    empty = comparing.compare(questions, Configuration(other, "meaning"), Configuration(mode="words"))
    assert all(not pair.left for pair in empty.pairs) and len(empty.pairs) == 6
    upkeep_of_spaces(other)
    left, right = Configuration(other, "meaning"), Configuration(mode="words")
    full = comparing.compare(questions, left, right)
    assert full.figures[0]["ndcg@10"] > 0.5
    assert left.described()["space"] == other.pk and right.described()["space"] == active.pk


def upkeep_of_spaces(space: Space) -> None:
    of_spaces.fill(space)
    made.work_through_everything()


def test_exported_files_are_trec_and_come_back_with_the_same_figures(house, tmp_path):
    files = {name: tmp_path / name for name in ("own.jsonl", "qrels.txt", "queries.jsonl", "run.txt")}
    said = command(
        *("--export-judgements", str(files["own.jsonl"]), "--export-qrels", str(files["qrels.txt"])),
        *("--export-queries", str(files["queries.jsonl"]), "--export-run", str(files["run.txt"])),
    )
    assert "6 questions" in said and "ndcg@10" in said
    grades, ranked = trec(files["qrels.txt"], files["run.txt"])
    mean = scoring.mean([scoring.figures(ranked[one], grades[one]) for one in grades])
    own = command("--judgements", str(files["own.jsonl"]))
    theirs = command("--judgements", str(files["qrels.txt"]), "--queries", str(files["queries.jsonl"]))
    assert own.splitlines()[-1] == theirs.splitlines()[-1]
    assert f"ndcg@10 {mean['ndcg@10']:.4f}" in own and f"mrr {mean['mrr']:.4f}" in own


def trec(qrels: Path, run: Path) -> tuple[dict, dict]:
    grades: dict[str, dict[str, int]] = {}
    ranked: dict[str, list[str]] = {}
    for line in qrels.read_text().splitlines():
        question, zero, item, grade = line.split(" ")
        assert zero == "0"
        grades.setdefault(question, {})[item] = int(grade)
    for line in run.read_text().splitlines():
        question, q0, item, rank, score, tag = line.split(" ")
        ranked.setdefault(question, []).append(item)
        assert (q0, tag, int(rank)) == ("Q0", "searchsite", len(ranked[question])) and float(score) > 0
    return grades, ranked


def test_a_floor_is_held_or_the_command_ends_with_one(house, tmp_path):
    items = house["items"]
    (tmp_path / "qrels").write_text(f"1 0 {items['roses'].public_id} 2\n1 0 {items['bread'].public_id} -1\n")
    (tmp_path / "queries.tsv").write_text("1\troses are cut back in spring\n")
    given = ["--judgements", str(tmp_path / "qrels"), "--queries", str(tmp_path / "queries.tsv")]
    assert "mrr 1.0000" in command(*given, "--floor", "mrr=1", "--floor", "ndcg@10=0.9")
    (tmp_path / "queries.tsv").write_text("1\tthe key of the shed\n")
    with pytest.raises(CommandError, match=r"recall@1 is 0.0000, below 0.5") as refused:
        command(*given, "--floor", "recall@1=0.5")
    assert refused.value.returncode == 1
    made_run = command("--judged", "--floor", "mrr=0.1")
    assert "garden: 6 questions, 6 by marks" in made_run and EvaluationRun.objects.get().origin == Origin.COMMAND
    with pytest.raises(CommandError, match="garden: mrr is"):
        command("--judged", "--floor", "mrr=1.1")


def test_answers_that_are_not_there_are_counted_and_told(house, tmp_path):
    (tmp_path / "own").write_text('{"question": "q=roses", "item": "11111111-1111-4111-8111-111111111111", "grade": 1}')
    said = command("--judgements", str(tmp_path / "own"))
    assert "1 of 1 answers are not in this library" in said and "mrr 0.0000" in said


@pytest.mark.parametrize(
    ("text", "queries", "sentence"),
    [
        (None, None, "can't be read"),
        ("", None, "has no judgement"),
        ("1 0 x", "1\tx", "line 1: qrels have four fields"),
        ("\n1 0 x 1", "1\tx", "line 2: 'x' is no item's id"),
        ("1 0 11111111-1111-4111-8111-111111111111 high", "1\tx", "is no whole number"),
        ("1 0 11111111-1111-4111-8111-111111111111 1", None, "give their words with --queries"),
        ("1 0 11111111-1111-4111-8111-111111111111 1", "2\tx", "lacks the question '1'"),
        ("1 0 11111111-1111-4111-8111-111111111111 1", "1\tkind:photo", "nothing is looked for"),
        ("1 0 11111111-1111-4111-8111-111111111111 1", "1", "has an id and the words"),
        ('{"question": 1}', None, "needs a question"),
        ('{"question": "q=x", "item": "1", "grade": 1}', None, "is no item's id"),
        ("{", None, "is not JSON"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(db, tmp_path, text, queries, sentence):
    scope = scope_for(made.person("alice"), made.team_of(made.person("bob")))
    if text is not None:
        (tmp_path / "file").write_text(text)
    if queries is not None:
        (tmp_path / "queries").write_text(queries)
    with pytest.raises(judgement_files.BadJudgements, match=sentence):
        judgement_files.read(tmp_path / "file", tmp_path / "queries" if queries is not None else None, scope)


def test_the_command_says_what_is_wrong_with_its_options(db, tmp_path):
    for options in ([], ["--set", str(tmp_path), "--judged"]):
        with pytest.raises(CommandError, match="Say what to measure"):
            command(*options)
    for options in (["--judged", "--mode", "vectors"], ["--judged", "--export-run", str(tmp_path / "run")]):
        with pytest.raises(CommandError, match="can't stand beside --judged"):
            command(*options)
    with pytest.raises(CommandError, match="--export-queries can"):
        command("--judgements", str(tmp_path / "file"), "--export-queries", str(tmp_path / "queries"))
    for floor in ("mrr", "mrr=x", "map=1"):
        with pytest.raises(CommandError, match="--floor") as refused:
            command("--judged", "--floor", floor)
        assert refused.value.returncode == 2

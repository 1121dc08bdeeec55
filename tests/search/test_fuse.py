"""One list of several."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from searchsite.search.fuse import fuse
from searchsite.search.vectors import Near

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def near(item: int, part: int | None = None, similarity: float | None = 0.5) -> Near:
    return Near(item, part, MOMENT, similarity)


def items(fused) -> list[int]:
    return [one.item_id for one in fused]


def test_what_two_channels_agree_on_comes_first():
    assert items(fuse({"image": [near(1), near(2)], "words": [near(3), near(2)]}))[0] == 2


def test_an_item_stands_where_its_best_part_does():
    (one,) = fuse({"text": [near(1, 10), near(1, 11)]})
    assert (one.part_id, one.why[0].rank) == (10, 1)


def test_similarities_of_unlike_channels_are_not_compared():
    fused = fuse({"image": [near(1, similarity=0.6)], "text": [near(2, similarity=0.9)]})
    assert fused[0].score == fused[1].score


def test_noise_does_not_outvote_a_find():
    noise = [near(n, similarity=0.01) for n in range(2, 9)]
    channels = {"image": noise, "text": [near(1, similarity=0.6), *noise]}
    assert items(fuse(channels))[0] == 1
    assert len(fuse(channels)) == 8


def test_a_channel_that_knows_nothing_of_the_question_is_hardly_heard():
    flat = [near(n, similarity=0.42 - n / 1000) for n in range(2, 40)]
    knowing = [near(1, similarity=0.7), *(near(n, similarity=0.3) for n in range(2, 40))]
    (first, second, *_) = fuse({"image": flat, "text": knowing})
    assert first.item_id == 1
    assert first.score > 5 * second.score


def test_a_channel_of_one_is_heard_as_well():
    notes = [near(n, similarity=0.3 - n / 1000) for n in range(2, 60)]
    assert items(fuse({"image": [near(1, similarity=0.4)], "text": notes}))[0] == 1


def test_words_count_by_the_share_of_the_question_that_they_found():
    weak = [near(1, similarity=None)._replace(share=0.1)]
    alike = [near(n, similarity=0.8 if n == 2 else 0.2) for n in range(2, 40)]
    assert items(fuse({"words": weak, "text": alike}))[0] == 2
    assert items(fuse({"words": [near(1, similarity=None)], "text": alike[1:]}))[0] == 1


def test_words_do_not_outvote_a_vector_that_stands_out():
    rest = [near(n, similarity=0.3) for n in range(4, 40)]
    alike = [near(1, similarity=0.72), near(2, similarity=0.6), near(3, similarity=0.58), *rest]
    some = [near(n, similarity=None)._replace(share=0.7) for n in (3, 9)]
    assert items(fuse({"text": alike, "words": some}))[:3] == [1, 3, 2]


def test_words_decide_where_vectors_hardly_tell_things_apart():
    alike = [near(n, similarity=0.5 - n / 500) for n in range(1, 60)]
    assert items(fuse({"text": alike, "words": [near(9, similarity=None)._replace(share=0.4)]}))[0] == 9


def test_a_guessed_tag_does_not_vote_again_beside_pictures_own_vectors():
    pictures = [near(n, similarity=0.9 - n / 50) for n in range(1, 40)]
    guesses = [near(n, 100 + n, similarity=None)._replace(guessed=True) for n in (9, 8, 7)]
    assert items(fuse({"image": pictures, "words": guesses}))[0] == 1
    typed = [one._replace(guessed=False) for one in guesses]
    assert sorted(items(fuse({"image": pictures, "words": typed}))[:3]) == [7, 8, 9]


def test_guessed_tags_count_in_full_where_pictures_have_no_vectors():
    guess, note = near(1, 10, similarity=None)._replace(guessed=True), near(2, 20, similarity=None)
    alone, beside = (fuse(some)[1] for some in ({"words": [note, guess]}, {"words": [note, guess], "text": []}))
    assert alone.item_id == 1
    assert alone.score == beside.score == fuse({"words": [note, note._replace(item_id=1)]})[1].score


@given(st.dictionaries(st.sampled_from(["image", "text", "words"]), st.lists(st.integers(1, 30), max_size=40)))
def test_each_item_comes_once_and_none_is_lost(channels):
    fused = fuse({name: [near(item) for item in ranked] for name, ranked in channels.items()})
    assert sorted(items(fused)) == sorted({item for ranked in channels.values() for item in ranked})
    assert [one.score for one in fused] == sorted((one.score for one in fused), reverse=True)

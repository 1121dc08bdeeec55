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
    fused = fuse({"image": [near(1, similarity=0.3)], "text": [near(2, similarity=0.9)]})
    assert fused[0].score == fused[1].score


def test_noise_does_not_outvote_a_find():
    noise = [near(n, similarity=0.01) for n in range(2, 9)]
    channels = {"image": noise, "text": [near(1, similarity=0.6), *noise]}
    assert items(fuse(channels, floors={"image": 0.2, "text": 0.2}))[0] == 1
    assert len(fuse(channels, floors={"image": 0.2, "text": 0.2})) == 8


@given(st.dictionaries(st.sampled_from(["image", "text", "words"]), st.lists(st.integers(1, 30), max_size=40)))
def test_each_item_comes_once_and_none_is_lost(channels):
    fused = fuse({name: [near(item) for item in ranked] for name, ranked in channels.items()})
    assert sorted(items(fused)) == sorted({item for ranked in channels.values() for item in ranked})
    assert [one.score for one in fused] == sorted((one.score for one in fused), reverse=True)

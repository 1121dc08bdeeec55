"""Searching by a part of a picture."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from searchsite.inference.types import Picture
from searchsite.library import files, intake, pictures, trash
from searchsite.search import asking, regions
from searchsite.search.find import find
from searchsite.search.questions import Question, Term
from searchsite.search.wrong import BadQuestion, NotFound
from tests import made

pytestmark = pytest.mark.django_db


def halves(left: str, right: str) -> io.BytesIO:
    whole = Image.new("RGB", (200, 100), left)
    whole.paste(right, (100, 0, 200, 100))
    out = io.BytesIO()
    whole.save(out, "PNG")
    return io.BytesIO(out.getvalue())


def colour_of(picture) -> tuple[int, int, int]:
    with Image.open(io.BytesIO(picture.data)) as opened:
        return opened.convert("RGB").resize((1, 1)).getpixel((0, 0))


def is_blue(colour) -> bool:
    return colour[2] > 200 and colour[0] < 60


RIGHT, LEFT = (0.5, 0.0, 0.5, 1.0), (0.0, 0.0, 0.5, 1.0)


def test_the_part_is_what_the_embedder_sees(inbox, fake):
    item = intake.add_file(halves("red", "blue"), "flag.png", into=inbox).item
    made.work_through_everything()
    kept = pictures.add_query_picture(halves("blue", "red"), scope=inbox.scope)
    (of_item,) = asking.resolve([Term(item=item.public_id, region=RIGHT)], inbox.scope)
    (of_query,) = asking.resolve([Term(picture=kept.public_id, region=LEFT)], inbox.scope)
    for one in (of_item, of_query):
        assert is_blue(colour_of(one.embed.picture))
    with Image.open(io.BytesIO(of_item.embed.picture.data)) as seen:
        assert seen.size == (100, 100)


@pytest.fixture
def colours(fake, monkeypatch):
    """An embedder to which pictures of one colour are the same."""
    plain = fake.vector

    def vector(text: str, picture: str = ""):
        if picture:
            red, green, blue = colour_of(Picture(base64.b64decode(picture.partition(",")[2]), "image/webp"))
            if green < 60 and abs(red - blue) > 140:
                picture = "blue" if blue > red else "red"
        return plain(text, picture)

    monkeypatch.setattr(fake, "vector", vector)


def test_a_part_finds_what_the_whole_does_not_show_first(inbox, colours):
    flag = intake.add_file(halves("red", "blue"), "flag.png", into=inbox).item
    for colour in ("blue", "red"):
        made.picture(inbox, colour, title=colour)
    made.work_through_everything()
    found = {
        name: find(Question((Term(item=flag.public_id, region=region),)), inbox.scope).hits
        for name, region in (("blue", RIGHT), ("red", LEFT))
    }
    assert {name: hits[0].item.title for name, hits in found.items()} == {"blue": "blue", "red": "red"}
    # What one searches by is no hit of its own.
    assert all("flag" not in [hit.item.title for hit in hits] for hits in found.values())


def test_words_and_a_part_are_seen_together(inbox, fake):
    flag = intake.add_file(halves("red", "blue"), "flag.png", into=inbox).item
    made.work_through_everything()
    terms = asking.resolve([Term(text="sky"), Term(item=flag.public_id, region=RIGHT)], inbox.scope)
    (joined,) = asking._joined(terms, made.active_space())
    assert joined.embed.text == "sky" and is_blue(colour_of(joined.embed.picture))


@pytest.mark.parametrize(
    "region", [(1.0, 0, 1, 1), (0, 0, 0, 1), (0.999, 0, 0.5, 1), (float("nan"), 0, 1, 1), (-0.1, 0, 1, 1)]
)
def test_what_is_no_part_is_refused(region):
    with pytest.raises(BadQuestion, match=r"\.$"):
        regions.checked(region)


def test_a_part_that_reaches_beyond_is_cut_to_the_picture():
    assert regions.checked((0.5, 0.25, 9.0, 0.5)) == (0.5, 0.25, 0.5, 0.5)


def test_only_pictures_have_parts(inbox, fake):
    note = made.note(inbox, "a note")
    with pytest.raises(BadQuestion, match="Only a picture"):
        find(Question((Term(item=note.public_id, region=LEFT),)), inbox.scope)
    with pytest.raises(BadQuestion, match="Only a picture"):
        find(Question((Term(text="a", region=LEFT),)), inbox.scope)


def test_a_part_of_what_is_gone_or_foreign_is_not_there(inbox, fake):
    item = intake.add_file(halves("red", "blue"), "flag.png", into=inbox).item
    made.work_through_everything()
    stranger = made.place(made.person("charlie"), made.team_of(made.User.objects.get(username="charlie"), "other"))
    question = Question((Term(item=item.public_id, region=LEFT),))
    with pytest.raises(NotFound):
        find(question, stranger.scope)
    for path in files.derivative_paths(files.original_path(item.blob)):
        path.unlink(missing_ok=True)
    with pytest.raises(NotFound):
        find(question, inbox.scope)
    trash.trash(item)
    with pytest.raises(NotFound):
        find(question, inbox.scope)


@pytest.mark.parametrize("size", [(1, 1), (3000, 2), (2, 3000)])
def test_the_thinnest_picture_has_parts(size):
    out = io.BytesIO()
    Image.new("RGB", size, "blue").save(out, "WEBP")
    picture = regions.cut(out.getvalue(), (0.99, 0.99, 0.01, 0.01))
    with Image.open(io.BytesIO(picture.data)) as part:
        assert min(part.size) >= 1 and max(part.size) <= regions.SIDE

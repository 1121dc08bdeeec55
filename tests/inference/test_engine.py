"""The built-in engine: what it takes for alike, what it names, what it reads."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from searchsite.inference.builtin import labels, make_labels
from searchsite.inference.builtin.checkpoint import read_tensors
from searchsite.inference.builtin.engine import INFO, PICTURE_NETWORK, REVISION, Engine
from searchsite.inference.builtin.pictures import open_picture
from searchsite.inference.builtin.reader import Reader
from searchsite.inference.builtin.wordpiece import WordPiece
from searchsite.inference.errors import BadInput
from tests.inference import drawn

DRAWN = {"traffic light": drawn.traffic_light(), "crossword": drawn.crossword(), "analog clock": drawn.clock()}


def near(engine: Engine, one: str, other: str) -> float:
    first, second = engine.embed_texts([one, other])[0]
    return float(first @ second)


def test_every_vector_has_length_one_and_its_place(engine):
    texts, pieces = engine.embed_texts(["a red car", "x", "猫", "!" * 10_000, "\u200b"])
    pictures = [engine.embed_picture(Image.new("RGB", size, "red")) for size in ((1, 1), (3000, 2), (500, 400))]
    both, _ = engine.embed_both("a red car", drawn.clock())
    vectors = np.stack([*texts, *pictures, both])
    assert vectors.shape == (9, INFO.dimensions) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert pieces > 5


def test_words_find_the_drawing_they_describe(engine):
    pictures = np.stack([engine.embed_picture(picture) for picture in DRAWN.values()])
    questions = ["a traffic light in the street", "a crossword puzzle", "a clock that shows the time"]
    translated = ["un feu de circulation", "ein Kreuzworträtsel", "una reloj de pared"]
    for asked in (questions, translated):
        assert (engine.embed_texts(asked)[0] @ pictures.T).argmax(axis=1).tolist() == [0, 1, 2]


def test_it_names_what_it_sees(engine):
    for name, picture in DRAWN.items():
        (label, probability), *_ = engine.tags(picture)
        assert label == name and 0.5 < probability <= 1


def test_it_names_the_kind_of_what_it_sees(engine):
    tags = dict(engine.tags(drawn.clock()))
    assert {"analog clock", "clock"} <= tags.keys()
    assert tags["clock"] >= tags["analog clock"]
    assert {"dog", "cat", "bird"} <= labels.EVERYDAY and "carnivore" not in labels.EVERYDAY
    assert all(len(places) for _, places in labels.load().wider)


def test_a_picture_is_nearest_to_itself_when_it_is_scaled_and_recoded(engine):
    pictures = np.stack([engine.embed_picture(picture) for picture in DRAWN.values()])
    small = [open_picture(drawn.encoded(picture.resize((180, 180)), "JPEG").data) for picture in DRAWN.values()]
    likeness = np.stack([engine.embed_picture(picture) for picture in small]) @ pictures.T
    assert likeness.argmax(axis=1).tolist() == [0, 1, 2] and likeness.diagonal().min() > 0.8


@pytest.mark.parametrize(
    "translation",
    ["Ein rotes Auto", "Une voiture rouge", "Un coche rojo", "赤い車", "一辆红色的汽车", "красная машина"],
)
def test_the_same_in_another_language_is_nearer_than_something_else(engine, translation):
    assert near(engine, "a red car", translation) > near(engine, "a bowl of soup", translation) + 0.1


def test_a_question_is_near_its_answer(engine):
    answer = "To reset your password, open the account page and choose 'Forgot password'."
    assert near(engine, "how do I change my password", answer) > 0.4
    assert near(engine, "how do I change my password", "The bridge was painted green in 1911.") < 0.2


def test_a_text_with_a_picture_lies_between_the_two(engine):
    picture = drawn.clock()
    both, _ = engine.embed_both("a crossword puzzle", picture)
    text, seen = engine.embed_texts(["a crossword puzzle"])[0][0], engine.embed_picture(picture)
    assert both @ text == pytest.approx(both @ seen, abs=1e-5)
    assert both @ text > text @ seen


def test_a_text_has_one_vector_whatever_stands_beside_it(engine):
    alone = engine.embed_texts(["a red car"])[0][0]
    among = engine.embed_texts(["soup " * 300, "a red car", "x"])[0][1]
    np.testing.assert_allclose(alone, among, atol=1e-5)


def test_only_the_beginning_of_a_long_text_counts(engine):
    long = "red car " * 600
    np.testing.assert_allclose(*engine.embed_texts([long, long + "violin concert"])[0], atol=1e-6)


def test_the_vectors_are_those_of_this_revision(engine):
    """Where this fails, vectors have moved: raise REVISION, then put the new numbers here."""
    assert REVISION == "1"
    text, picture = engine.embed_texts(["a red car"])[0][0], engine.embed_picture(drawn.clock())
    np.testing.assert_allclose(text[:4], [0.0388, 0.0061, -0.0725, 0.0516], atol=2e-3)
    np.testing.assert_allclose(picture[:4], [0.0265, 0.0053, 0.0465, -0.0151], atol=2e-3)


def test_the_label_file_is_what_the_networks_make_of_the_label_texts():
    entries, known = json.loads(labels.LABELS.read_text(encoding="utf-8")), labels.load()
    sample = slice(0, 1000, 90)
    made = (*make_labels.label_vectors(entries[sample]), make_labels.visual_directions())
    kept = (known.multilingual[sample], known.english[sample], known.visual)
    for fresh, stored in zip(made, kept, strict=True):
        likeness = (fresh * stored).sum(axis=1) / np.linalg.norm(fresh, axis=1) / np.linalg.norm(stored, axis=1)
        assert likeness.min() > 0.999
    assert len(set(known.names)) == 1000


def test_a_second_start_takes_the_file_that_the_first_one_made(engine, cache):
    (file,) = cache.iterdir()
    before = file.stat().st_mtime_ns
    Engine(cache)
    assert file.name == PICTURE_NETWORK and file.stat().st_mtime_ns == before and list(cache.iterdir()) == [file]


def test_word_pieces_are_those_of_bert():
    wordpiece = WordPiece(labels.VOCABULARY)
    assert wordpiece.ids("Hello, World!", 256) == [101, 7592, 1010, 2088, 999, 102]
    assert wordpiece.ids("embeddings über 猫", 256) == [101, 7861, 8270, 4667, 2015, 19169, 100, 102]
    assert wordpiece.ids("\0\ud800\u200b" + "x" * 101, 256) == [101, 100, 102]
    assert len(wordpiece.ids("word " * 1000, 256)) == 256


def test_a_checkpoint_cannot_run_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "pwned",))

    file = tmp_path / "evil.pth"
    file.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(pickle.UnpicklingError, match="refused"):
        read_tensors(file)
    assert not (tmp_path / "pwned").exists()


def test_it_reads_a_screenshot_line_by_line():
    lines = ["Connection lost", "The server at example.org", "did not answer in time", "Retry    Cancel"]
    text, words = Reader().read(drawn.screenshot(lines))
    assert [" ".join(line.split()) for line in text.split("\n")] == [" ".join(line.split()) for line in lines]
    assert [word.text for word in words] == text.split()
    assert all(0 <= left < right <= 1 and 0 <= top < bottom <= 1 for left, top, right, bottom in (w.box for w in words))
    retry, cancel = words[-2:]
    assert retry.box[2] < cancel.box[0] and retry.box[1] > words[0].box[3]


def test_a_picture_without_text_reads_as_nothing():
    reader = Reader()
    for size in ((300, 200), (3, 400), (1, 1)):
        assert reader.read(Image.new("RGB", size, "navy")) == ("", ())


def test_transparent_parts_are_white_and_pictures_upright():
    clear = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    assert open_picture(drawn.encoded(clear, "PNG").data).getpixel((5, 5)) == (255, 255, 255)
    on_its_side = Image.Exif()
    on_its_side[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (40, 20)).save(buffer, "JPEG", exif=on_its_side)
    assert open_picture(buffer.getvalue()).size == (20, 40)


@pytest.mark.parametrize("cut", [0, 1, 20, 100, 400])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_broken_picture_is_bad_input(kind, cut):
    data = drawn.encoded(drawn.clock(), kind).data
    with pytest.raises(BadInput):
        open_picture(data[:cut])


def test_a_picture_of_another_format_or_of_too_many_pixels_is_bad_input():
    with pytest.raises(BadInput, match="not a JPEG"):
        open_picture(drawn.encoded(drawn.clock(), "BMP").data)
    with pytest.raises(BadInput, match="pixels"):
        open_picture(drawn.encoded(Image.new("1", (20_000, 10_000)), "PNG").data)

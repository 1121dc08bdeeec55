"""Reads the text in a picture, word by word, in reading order."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pylopdf
from PIL import Image

from searchsite.inference.types import Word

LONGEST_SIDE = 2_000
"""Larger pictures are read at this size: time grows with the pixels, and text that small is rare."""
SHORTEST_SIDE = 8
POINTS_PER_INCH = 72  # one pixel a point, so that the page's raster is the picture's

Box = tuple[float, float, float, float]
Segment = tuple[str, Box]


class Reader:
    """PP-OCR on one thread. Not for use by two threads at once: its detector is the slow part and would queue."""

    def __init__(self) -> None:
        self._engine = pylopdf.OcrEngine(threads=1)

    def read(self, picture: Image.Image) -> tuple[str, tuple[Word, ...]]:
        """The text, a line of the picture a line, and its words in the same order."""
        page = _fitted(picture)
        if min(page.size) < SHORTEST_SIDE:
            return "", ()
        lines = [_words(line) for line in _lines(self._segments(page))]
        text = "\n".join(" ".join(word.text for word in line) for line in lines)
        return text, tuple(word for line in lines for word in line)

    def _segments(self, picture: Image.Image) -> list[Segment]:
        width, height = picture.size
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", compress_level=1)
        page = pylopdf.Document().new_page(width=width, height=height)
        page.insert_image((0, 0, width, height), stream=buffer.getvalue())
        found = page.get_text_ocr(dpi=POINTS_PER_INCH, engine=self._engine)
        return [(hit["text"].strip(), _shares(hit["bbox"], picture.size)) for hit in found if hit["text"].strip()]


def _fitted(picture: Image.Image) -> Image.Image:
    factor = LONGEST_SIDE / max(picture.size)
    if factor >= 1:
        return picture
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _shares(box: Sequence[float], size: tuple[int, int]) -> Box:
    """A box in pixels as shares of width and height."""
    (left, top, right, bottom), (width, height) = box, size
    return _share(left / width), _share(top / height), _share(right / width), _share(bottom / height)


def _share(x: float) -> float:
    return min(max(x, 0.0), 1.0)


def _lines(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Segments whose middles lie within the height of a line's first segment share that line."""
    lines: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda segment: segment[1][1] + segment[1][3]):
        _, top, _, bottom = segment[1]
        first = lines[-1][0][1] if lines else None
        if first is not None and first[1] < (top + bottom) / 2 < first[3]:
            lines[-1].append(segment)
        else:
            lines.append([segment])
    return [sorted(line, key=lambda segment: segment[1][0]) for line in lines]


def _words(line: Sequence[Segment]) -> list[Word]:
    return [word for text, box in line for word in _split(text, box)]


def _split(text: str, box: Box) -> Iterator[Word]:
    """The reader finds runs of words; a word's share of the run's width is its share of the letters."""
    left, top, right, bottom = box
    step = (right - left) / len(text)
    at = 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        yield Word(word, (left + start * step, top, left + at * step, bottom))
